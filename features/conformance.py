"""What every feature family must do, as checks to run on a family of your own.

    from mien.features.conformance import check_family

    check_family(MyFamily(), faces)

or, from the command line, ``mien --plugin my_family.py features my_family --check``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np

from mien.features.base import FeatureFamily
from mien.features.face_changes import mirror_faces, move_faces
from mien.features.faces import BLENDSHAPES, FaceBatch
from mien.features.registry import canonical_spec, family_names, get_family
from mien.features.scheme import MESH_POINTS

Check = Callable[[FeatureFamily, FaceBatch], None]


def check_family(family: FeatureFamily, faces: FaceBatch) -> None:
    """Run all checks on a family.

    Parameters
    ----------
    family : FeatureFamily
        With the options that are to be checked.
    faces : FaceBatch
        Two or more different faces in real or rendered pictures.

    Raises
    ------
    AssertionError
        With a line for every check that failed.
    """
    failed = {name: told for name, told in run_checks(family, faces).items() if told}
    if failed:
        lines = "\n".join(f"  {name}: {told}" for name, told in failed.items())
        raise AssertionError(f"{family.spec} fails {len(failed)} of {len(CHECKS)} checks:\n{lines}")


def run_checks(family: FeatureFamily, faces: FaceBatch) -> dict[str, str]:
    """Run all checks; return what is wrong by the check's name, nothing where it passed."""
    results = {}
    for check in CHECKS:
        told = ""
        try:
            check(family, faces)
        except AssertionError as failure:
            told = str(failure)
        except Exception as error:
            told = f"{type(error).__name__}: {error}"
        results[check.__name__.removeprefix("check_")] = told
    return results


def check_description(family: FeatureFamily, _faces: FaceBatch) -> None:
    """Check that it has a name, a version, a title, a docstring, and is registered."""
    _require(family.name in family_names(), f"{family.name!r} is not registered: use @register")
    version = family.version
    _require(type(version) is int and version >= 1, f"version is {version!r}, expected 1, 2 …")
    title = family.title
    _require(bool(title.strip()) and "\n" not in title, f"title is {title!r}, expected one line")
    _require(bool((type(family).__doc__ or "").strip()), "the class has no docstring")


def check_options(family: FeatureFamily, _faces: FaceBatch) -> None:
    """Check that its specification gives the same family again, and defaults are allowed."""
    again = get_family(family.spec)
    _require(again.options == family.options, f"{family.spec} is read as {again.options}")
    spec = canonical_spec(family.spec)
    _require(spec == family.spec, f"{family.spec} is spelled {spec} when it is read again")
    _require(again.feature_names == family.feature_names, "the same options give other columns")
    for key, option in family.available_options.items():
        _require(option.allows(option.default), f"{key}'s default {option.default} is not allowed")


def check_names(family: FeatureFamily, _faces: FaceBatch) -> None:
    """Check that every column has a name of its own."""
    names = family.feature_names
    _require(len(names) == family.width, f"{len(names)} names for a width of {family.width}")
    twice = [name for name, count in Counter(names).items() if count > 1]
    _require(not twice, f"several columns are named {', '.join(twice[:3])}")
    _require(all(name and name == name.strip() for name in names), "a name is empty or has blanks")


def check_values(family: FeatureFamily, faces: FaceBatch) -> None:
    """Check that its numbers are finite, in float32, one row a face, one column a name."""
    values = family.compute(faces)
    expected = (len(faces), family.width)
    _require(values.shape == expected, f"shape is {values.shape}, expected {expected}")
    _require(values.dtype == np.float32, f"dtype is {values.dtype}, expected float32")
    broken = np.flatnonzero(~np.isfinite(values).all(axis=0))
    names = ", ".join(family.feature_names[i] for i in broken[:3])
    _require(not broken.size, f"{broken.size} columns are not finite: {names}")


def check_empty_batch(family: FeatureFamily, _faces: FaceBatch) -> None:
    """Check that no faces give no rows, of the full width."""
    empty = FaceBatch(
        [], np.empty((0, MESH_POINTS, 3), np.float32), np.empty((0, BLENDSHAPES), np.float32)
    )
    values = family.compute(empty)
    expected = (0, family.width)
    _require(values.shape == expected, f"shape is {values.shape}, expected {expected}")
    _require(values.dtype == np.float32, f"dtype is {values.dtype}, expected float32")


def check_alone_and_among_others(family: FeatureFamily, faces: FaceBatch) -> None:
    """Check that a face has the same features alone and among others, to the bit.

    Stores must not depend on how the rows were cut into parts. Matrix products are a common
    trap: their rounding can depend on how many rows they have.
    """
    many = _pick(faces, [i % len(faces) for i in range(35)])
    values = family.compute(many)
    for i in (0, 1, 17, 32, 34):
        alone = family.compute(_pick(many, [i]))[0]
        change = np.abs(alone - values[i]).max()
        _require(change == 0, f"a face's features differ by {change:.2g} alone and among 35")


def check_repeatable(family: FeatureFamily, faces: FaceBatch) -> None:
    """Check that another instance gives exactly the same numbers."""
    first, second = family.compute(_copy(faces)), type(family)(**family.options).compute(faces)
    _require(np.array_equal(first, second), "two instances give different numbers")


def check_tells_faces_apart(family: FeatureFamily, faces: FaceBatch) -> None:
    """Check that different faces have different features."""
    values = family.compute(faces)
    for i in range(1, len(values)):
        _require(not np.array_equal(values[0], values[i]), f"faces 0 and {i} have equal features")


def check_input_untouched(family: FeatureFamily, faces: FaceBatch) -> None:
    """Check that it changes none of its input, and that its result is its own."""
    given, before = _copy(faces), _copy(faces)
    values = family.compute(given)
    expected = values.copy()
    values[:] = -1
    _require(np.array_equal(given.mesh, before.mesh), "the mesh is changed")
    _require(np.array_equal(given.blendshapes, before.blendshapes), "the blendshapes are changed")
    same = all(map(np.array_equal, given.pictures, before.pictures))
    _require(same, "a picture is changed")
    again = np.array_equal(family.compute(before), expected)
    _require(again, "a result that was written into comes back, changed, at the next call")


def check_strided_pictures(family: FeatureFamily, faces: FaceBatch) -> None:
    """Check that pictures may be read-only views with any strides."""
    views = []
    for picture in faces.pictures:
        wide = np.repeat(picture, 2, axis=1)
        wide.setflags(write=False)
        views.append(wide[:, ::2])
    values = family.compute(FaceBatch(views, faces.mesh, faces.blendshapes))
    _require(np.array_equal(values, family.compute(faces)), "views give different numbers")


def check_mirror(family: FeatureFamily, _faces: FaceBatch) -> None:
    """Check that mirroring is a signed permutation of the columns that undoes itself."""
    source, sign = family.mirror
    width = family.width
    shapes = source.shape, sign.shape
    _require(shapes == ((width,), (width,)), f"mirror has shapes {shapes}, expected ({width},)")
    _require(np.issubdtype(source.dtype, np.integer), f"source columns are {source.dtype}")
    _require(sign.dtype == np.float32, f"signs are {sign.dtype}, expected float32")
    _require(np.array_equal(np.sort(source), np.arange(width)), "source is no permutation")
    _require(bool(np.isin(sign, (-1, 1)).all()), "a sign is neither 1 nor -1")
    undone = np.array_equal(source[source], np.arange(width)) and np.all(sign * sign[source] == 1)
    _require(bool(undone), "mirroring twice does not give the same columns again")


def check_mirrored_pictures(family: FeatureFamily, faces: FaceBatch) -> None:
    """Check that a mirrored picture swaps left and right names, and changes nothing else."""
    source, sign = family.mirror
    predicted = family.compute(faces)[:, source] * sign
    change = _compute_change(predicted, family.compute(mirror_faces(faces)))
    _require(
        change <= family.mirror_tolerance,
        f"a mirrored picture's features differ by {change:.2g} of their length from the mirrored "
        f"features; mirror_tolerance is {family.mirror_tolerance:g}",
    )


def check_moved_pictures(family: FeatureFamily, faces: FaceBatch) -> None:
    """Check that shift, scale and roll change nothing beyond the stated tolerance."""
    values = family.compute(faces)
    for told, moved in {
        "a shifted": move_faces(faces, shift=(9.5, -6.25)),
        "an enlarged": move_faces(faces, scale=1.6),
        "a rolled": move_faces(faces, roll=20, scale=1.1),
    }.items():
        kept = [n not in family.follows_roll or told != "a rolled" for n in family.feature_names]
        change = _compute_change(values[:, kept], family.compute(moved)[:, kept])
        _require(
            change <= family.move_tolerance,
            f"{told} picture's features differ by {change:.2g} of their length; move_tolerance "
            f"is {family.move_tolerance:g}",
        )


CHECKS: tuple[Check, ...] = (
    check_description,
    check_options,
    check_names,
    check_values,
    check_empty_batch,
    check_alone_and_among_others,
    check_repeatable,
    check_tells_faces_apart,
    check_input_untouched,
    check_strided_pictures,
    check_mirror,
    check_mirrored_pictures,
    check_moved_pictures,
)
"""Each takes a family and faces, and raises AssertionError with what is wrong."""


def _require(condition: bool, told: str) -> None:
    if not condition:
        raise AssertionError(told)


def _compute_change(values: np.ndarray, other: np.ndarray) -> float:
    """Return the largest ``||other - values|| / ||values||`` of any face."""
    length = np.maximum(np.linalg.norm(values, axis=1), 1e-6)
    return float((np.linalg.norm(other - values, axis=1) / length).max())


def _pick(faces: FaceBatch, rows: list[int]) -> FaceBatch:
    return FaceBatch([faces.pictures[i] for i in rows], faces.mesh[rows], faces.blendshapes[rows])


def _copy(faces: FaceBatch) -> FaceBatch:
    pictures = [picture.copy() for picture in faces.pictures]
    return FaceBatch(pictures, faces.mesh.copy(), faces.blendshapes.copy())
