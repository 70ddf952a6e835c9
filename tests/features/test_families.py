"""What every feature family must do, for all that are registered."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mien.errors import MienError
from mien.features.base import FeatureFamily
from mien.features.blendshapes import BLENDSHAPE_NAMES
from mien.features.faces import BLENDSHAPES, FaceBatch
from mien.features.registry import family_names, get_family, register
from mien.features.scheme import MESH_POINTS

MakeFaces = Callable[..., FaceBatch]


@pytest.fixture(params=family_names())
def family(request: pytest.FixtureRequest) -> FeatureFamily:
    return get_family(request.param)


def test_the_built_in_families_are_registered() -> None:
    assert {"blendshapes", "geometry", "patch_hog"} <= set(family_names())


def test_description(family: FeatureFamily) -> None:
    assert family.name in family_names()
    assert isinstance(family.version, int)
    assert family.version >= 1
    assert family.title.strip()
    assert "\n" not in family.title
    assert type(family).__doc__
    assert isinstance(family.options, dict)


def test_names_are_unique_and_as_many_as_columns(
    family: FeatureFamily, make_faces: MakeFaces
) -> None:
    assert len(set(family.feature_names)) == len(family.feature_names) == family.width
    assert all(name == name.strip() and name for name in family.feature_names)
    assert family.compute(make_faces(2)).shape == (2, family.width)


def test_values_are_finite_float32(family: FeatureFamily, make_faces: MakeFaces) -> None:
    values = family.compute(make_faces(3))
    assert values.dtype == np.float32
    assert np.isfinite(values).all()


def test_an_empty_batch_gives_no_rows(family: FeatureFamily) -> None:
    empty = FaceBatch(
        [], np.empty((0, MESH_POINTS, 3), np.float32), np.empty((0, BLENDSHAPES), np.float32)
    )
    values = family.compute(empty)
    assert values.shape == (0, family.width)
    assert values.dtype == np.float32


def test_a_face_has_the_same_features_alone_and_among_others(
    family: FeatureFamily, make_faces: MakeFaces
) -> None:
    """Exactly: stores must not depend on how the rows were cut into parts."""
    faces = make_faces(35)
    values = family.compute(faces)
    for i in (0, 3, 31, 32, 34):
        alone = FaceBatch([faces.pictures[i]], faces.mesh[i : i + 1], faces.blendshapes[i : i + 1])
        np.testing.assert_array_equal(family.compute(alone)[0], values[i])


def test_the_same_input_gives_the_same_numbers(
    family: FeatureFamily, make_faces: MakeFaces
) -> None:
    first = family.compute(make_faces(3))
    np.testing.assert_array_equal(get_family(family.name).compute(make_faces(3)), first)


def test_different_faces_have_different_numbers(
    family: FeatureFamily, make_faces: MakeFaces
) -> None:
    values = family.compute(make_faces(2))
    assert np.abs(values[0] - values[1]).max() > 1e-3


def test_compute_leaves_its_input_alone_and_shares_no_memory(
    family: FeatureFamily, make_faces: MakeFaces
) -> None:
    faces, untouched = make_faces(3), make_faces(3)
    values = family.compute(faces)
    values[:] = -1
    np.testing.assert_array_equal(faces.mesh, untouched.mesh)
    np.testing.assert_array_equal(faces.blendshapes, untouched.blendshapes)
    for picture, before in zip(faces.pictures, untouched.pictures, strict=True):
        np.testing.assert_array_equal(picture, before)


def test_read_only_and_strided_pictures_are_welcome(
    family: FeatureFamily, make_faces: MakeFaces
) -> None:
    faces = make_faces(2)
    strided = []
    for picture in faces.pictures:
        wide = np.repeat(picture, 2, axis=1)
        wide.setflags(write=False)
        strided.append(wide[:, ::2])
    values = family.compute(FaceBatch(strided, faces.mesh, faces.blendshapes))
    np.testing.assert_array_equal(values, family.compute(faces))


def test_mirror_is_a_signed_permutation_that_undoes_itself(family: FeatureFamily) -> None:
    source, sign = family.mirror
    assert source.shape == sign.shape == (family.width,)
    assert np.issubdtype(source.dtype, np.integer)
    assert sign.dtype == np.float32
    assert sorted(source) == list(range(family.width))
    assert set(np.unique(sign)) <= {-1, 1}
    np.testing.assert_array_equal(source[source], np.arange(family.width))
    np.testing.assert_array_equal(sign * sign[source], 1)


def test_an_unknown_family_is_named_with_those_that_exist() -> None:
    with pytest.raises(MienError, match=r"'fisher_faces'.*geometry"):
        get_family("fisher_faces")


def test_a_name_is_registered_once() -> None:
    known = type(get_family("geometry"))
    with pytest.raises(ValueError, match="'geometry' is registered already"):
        register(known)


def test_blendshapes_are_taken_as_they_are(make_faces: MakeFaces) -> None:
    faces = make_faces(4)
    np.testing.assert_array_equal(get_family("blendshapes").compute(faces), faces.blendshapes)


def test_blendshapes_mirror_left_and_right() -> None:
    source, _ = get_family("blendshapes").mirror
    mirrored = {name: BLENDSHAPE_NAMES[i] for name, i in zip(BLENDSHAPE_NAMES, source, strict=True)}
    assert mirrored["mouthSmileLeft"] == "mouthSmileRight"
    assert mirrored["mouthRight"] == "mouthLeft"
    assert mirrored["jawOpen"] == "jawOpen"
    assert mirrored["browInnerUp"] == "browInnerUp"


def test_a_batch_names_everything_that_is_wrong_with_it() -> None:
    with pytest.raises(ValueError, match="mesh has shape") as caught:
        FaceBatch(
            pictures=[np.zeros((20, 20), np.uint8), np.zeros((20, 20, 3), np.uint8)],
            mesh=np.zeros((1, MESH_POINTS, 3), np.float32),
            blendshapes=np.zeros((2, 51), np.float32),
        )
    message = str(caught.value)
    assert f"mesh has shape (1, {MESH_POINTS}, 3), expected (2, {MESH_POINTS}, 3)" in message
    assert "blendshapes has shape (2, 51), expected (2, 52)" in message
    assert "picture 1 has shape (20, 20, 3)" in message


def test_pictures_must_be_bytes() -> None:
    mesh, blendshapes = np.zeros((1, MESH_POINTS, 3)), np.zeros((1, BLENDSHAPES))
    with pytest.raises(ValueError, match=r"picture 0 has shape .* of float64, expected .* uint8"):
        FaceBatch([np.zeros((20, 20))], mesh, blendshapes)


def test_batch_length(make_faces: MakeFaces) -> None:
    assert len(make_faces(5)) == 5
