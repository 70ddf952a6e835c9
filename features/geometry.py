"""Distances, angles and ratios between the 64 named points, free of scale and roll."""

from __future__ import annotations

from functools import cached_property
from itertools import combinations

import numpy as np

from mien.features.alignment import compute_crop_transform, transform_points
from mien.features.base import FeatureFamily
from mien.features.faces import FaceBatch
from mien.features.registry import register
from mien.features.scheme import (
    NAMES,
    mirror_order,
    mirrored_name,
    point_index,
    select_named_points,
)

_SIDE_ANGLES: tuple[tuple[str, str, str], ...] = (
    ("left_brow_outer_corner", "left_brow_upper_inner", "left_brow_inner_corner"),
    ("left_brow_outer_corner", "left_brow_upper_outer", "left_brow_inner_corner"),
    ("left_eye_outer_corner", "left_eye_upper_lid", "left_eye_inner_corner"),
    ("left_eye_outer_corner", "left_eye_lower_lid", "left_eye_inner_corner"),
    ("left_eye_upper_lid", "left_eye_outer_corner", "left_eye_lower_lid"),
    ("left_eye_upper_lid", "left_eye_inner_corner", "left_eye_lower_lid"),
    ("upper_lip_top", "left_mouth_corner", "lower_lip_bottom"),
    ("upper_lip_edge", "left_mouth_corner", "nose_tip"),
    ("left_nose_wing", "left_mouth_corner", "chin_tip"),
    ("left_upper_lip_outer", "left_mouth_corner", "left_lower_lip_outer"),
    ("left_mouth_corner", "left_upper_lip_inner", "upper_lip_top"),
    ("left_mouth_corner", "nose_base", "chin_tip"),
    ("left_mouth_corner", "nose_tip", "left_eye_centre"),
)
_MIDDLE_ANGLES: tuple[tuple[str, str, str], ...] = (
    ("left_mouth_corner", "upper_lip_top", "right_mouth_corner"),
    ("left_mouth_corner", "lower_lip_bottom", "right_mouth_corner"),
    ("left_mouth_corner", "upper_lip_edge", "right_mouth_corner"),
    ("left_mouth_corner", "nose_tip", "right_mouth_corner"),
    ("left_mouth_corner", "chin_tip", "right_mouth_corner"),
    ("left_brow_inner_corner", "nose_tip", "right_brow_inner_corner"),
    ("left_nose_wing", "nose_tip", "right_nose_wing"),
    ("left_cheek_5", "chin_tip", "right_cheek_5"),
)
_SIDE_SLOPES: tuple[tuple[str, str], ...] = (
    ("left_brow_inner_corner", "left_brow_outer_corner"),
    ("left_brow_inner_corner", "left_brow_upper_inner"),
    ("left_brow_upper_inner", "left_brow_outer_corner"),
    ("left_brow_lower_inner", "left_brow_lower_outer"),
    ("left_eye_inner_corner", "left_eye_outer_corner"),
    ("upper_lip_edge", "left_mouth_corner"),
    ("upper_lip_top", "left_upper_lip_outer"),
    ("left_upper_lip_outer", "left_mouth_corner"),
    ("left_lower_lip_outer", "left_mouth_corner"),
    ("nose_base", "left_mouth_corner"),
)
_SIDE_RATIOS: tuple[tuple[tuple[str, str], tuple[str, str]], ...] = (
    (
        ("left_eye_upper_lid", "left_eye_lower_lid"),
        ("left_eye_outer_corner", "left_eye_inner_corner"),
    ),
    (
        ("left_brow_inner_corner", "left_eye_inner_corner"),
        ("left_brow_outer_corner", "left_eye_outer_corner"),
    ),
    (
        ("left_brow_lower_inner", "left_eye_upper_lid"),
        ("left_eye_outer_corner", "left_eye_inner_corner"),
    ),
    (("left_mouth_corner", "left_eye_outer_corner"), ("left_mouth_corner", "chin_tip")),
    (("left_nostril", "left_upper_lip_inner"), ("nose_base", "upper_lip_top")),
)
_MIDDLE_RATIOS: tuple[tuple[tuple[str, str], tuple[str, str]], ...] = (
    (("upper_lip_top", "lower_lip_bottom"), ("left_mouth_corner", "right_mouth_corner")),
    (("upper_lip_edge", "lower_lip_bottom"), ("upper_lip_top", "lower_lip_bottom")),
    (("upper_lip_top", "upper_lip_edge"), ("left_mouth_corner", "right_mouth_corner")),
    (("left_mouth_corner", "right_mouth_corner"), ("left_eye_centre", "right_eye_centre")),
    (
        ("left_brow_inner_corner", "right_brow_inner_corner"),
        ("left_eye_inner_corner", "right_eye_inner_corner"),
    ),
    (("nose_base", "upper_lip_top"), ("lower_lip_bottom", "chin_tip")),
    (("lower_lip_bottom", "chin_tip"), ("nose_tip", "chin_tip")),
    (("left_nose_wing", "right_nose_wing"), ("left_eye_inner_corner", "right_eye_inner_corner")),
)

_PAIRS: tuple[tuple[str, str], ...] = tuple(combinations(NAMES, 2))


def _both_sides(items: tuple) -> tuple:
    """Append the mirror image of every left-sided definition."""
    return items + tuple(_mirror_definition(item) for item in items)


def _mirror_definition(item: object) -> object:
    if isinstance(item, str):
        return mirrored_name(item)
    assert isinstance(item, tuple)
    return tuple(_mirror_definition(part) for part in item)


ANGLES: tuple[tuple[str, str, str], ...] = _both_sides(_SIDE_ANGLES) + _MIDDLE_ANGLES
SLOPES: tuple[tuple[str, str], ...] = _both_sides(_SIDE_SLOPES)
RATIOS: tuple[tuple[tuple[str, str], tuple[str, str]], ...] = (
    _both_sides(_SIDE_RATIOS) + _MIDDLE_RATIOS
)


def compute_aligned_points(mesh: np.ndarray) -> np.ndarray:
    """Return the named points in the aligned frame.

    Parameters
    ----------
    mesh : ndarray, shape (n, 478, 2 or 3)
        Landmarks in pixels.

    Returns
    -------
    ndarray of float32, shape (n, 64, 2)
        x right, y down; the face's size is 1 and its roll 0 (see
        :func:`mien.features.alignment.compute_crop_transform`).
    """
    named = select_named_points(mesh[..., :2])
    return transform_points(compute_crop_transform(mesh, 1), named).astype(np.float32)


def compute_distances(points: np.ndarray, pairs: tuple[tuple[str, str], ...]) -> np.ndarray:
    """Euclidean distances between named points.

    Parameters
    ----------
    points : ndarray, shape (n, 64, 2)
    pairs : tuple of pairs of names

    Returns
    -------
    ndarray, shape (n, len(pairs))
        In the points' unit; NaN where a point is missing.
    """
    first = points[:, [point_index(a) for a, _ in pairs]]
    second = points[:, [point_index(b) for _, b in pairs]]
    return np.sqrt(((first - second) ** 2).sum(axis=-1))


def compute_angles(points: np.ndarray, triples: tuple[tuple[str, str, str], ...]) -> np.ndarray:
    """Interior angles at the middle point of each triple.

    Parameters
    ----------
    points : ndarray, shape (n, 64, 2)
    triples : tuple of triples of names

    Returns
    -------
    ndarray, shape (n, len(triples))
        Radians from 0 to pi; NaN where a point is missing.
    """
    a, vertex, b = (points[:, [point_index(t[i]) for t in triples]] for i in range(3))
    u, v = a - vertex, b - vertex
    cross = u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]
    return np.arctan2(np.abs(cross), (u * v).sum(axis=-1))


def compute_slopes(points: np.ndarray, segments: tuple[tuple[str, str], ...]) -> np.ndarray:
    """Rise of each segment on its way outward from the face's middle.

    Parameters
    ----------
    points : ndarray, shape (n, 64, 2)
    segments : tuple of pairs of names
        From a point to one of the face's left or right side, which tells what is outward.

    Returns
    -------
    ndarray, shape (n, len(segments))
        Radians in (-pi, pi]: 0 is straight outward, positive is up; NaN where a point is missing.
    """
    start = points[:, [point_index(a) for a, _ in segments]]
    end = points[:, [point_index(b) for _, b in segments]]
    outward = np.array([-1.0 if b.startswith("left_") else 1.0 for _, b in segments], np.float32)
    run = (end[..., 0] - start[..., 0]) * outward
    return np.arctan2(start[..., 1] - end[..., 1], run)


def compute_ratios(
    points: np.ndarray, ratios: tuple[tuple[tuple[str, str], tuple[str, str]], ...]
) -> np.ndarray:
    """Quotients of two distances, as ``d1 / (d1 + d2)``.

    Parameters
    ----------
    points : ndarray, shape (n, 64, 2)
    ratios : tuple of pairs of pairs of names

    Returns
    -------
    ndarray, shape (n, len(ratios))
        From 0 to 1, without a pole where ``d2`` is 0; NaN where both are 0 or a point is missing.
    """
    first = compute_distances(points, tuple(r[0] for r in ratios))
    second = compute_distances(points, tuple(r[1] for r in ratios))
    with np.errstate(invalid="ignore", divide="ignore"):
        return first / (first + second)


@register
class Geometry(FeatureFamily):
    """All 2,016 distances between the 64 named points, and chosen angles, slopes and ratios.

    Points are first brought to the aligned frame (eye and mouth centres by a similarity
    transform), so distances are in units of that frame's side, 2.5 eye distances on a typical
    face, and nothing depends on the picture's scale, shift or roll. Angles and slopes in radians.
    Shape (n, 2088).

    Notes
    -----
    The thesis names "the pairwise placements of two landmark points" as features; which pairs is
    not said, so all are taken. Ratios are bounded, ``d1 / (d1 + d2)``.
    """

    name = "geometry"
    version = 1
    title = "distances, angles, slopes and ratios between the 64 named points"
    default = True

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """``distance:a-b``, ``angle:a-b-c`` (at b), ``slope:a-b``, ``ratio:a-b/c-d``."""
        return (
            *(f"distance:{a}-{b}" for a, b in _PAIRS),
            *(f"angle:{a}-{b}-{c}" for a, b, c in ANGLES),
            *(f"slope:{a}-{b}" for a, b in SLOPES),
            *(f"ratio:{a}-{b}/{c}-{d}" for (a, b), (c, d) in RATIOS),
        )

    @cached_property
    def mirror(self) -> tuple[np.ndarray, np.ndarray]:
        """Each quantity becomes that of the mirrored names; no sign changes."""
        order = mirror_order()
        pair_at = {frozenset(pair): i for i, pair in enumerate(_PAIRS)}
        mirrored_pairs = [
            pair_at[frozenset((NAMES[order[point_index(a)]], NAMES[order[point_index(b)]]))]
            for a, b in _PAIRS
        ]
        source = mirrored_pairs
        for items in (ANGLES, SLOPES, RATIOS):
            at = {_unordered(item): i for i, item in enumerate(items)}
            start = len(source)
            source = source + [start + at[_unordered(_mirror_definition(x))] for x in items]
        return np.array(source), np.ones(len(source), dtype=np.float32)

    def compute(self, faces: FaceBatch) -> np.ndarray:
        """Compute all quantities; float32, shape (n, 2088)."""
        points = compute_aligned_points(faces.mesh)
        blocks = (
            compute_distances(points, _PAIRS),
            compute_angles(points, ANGLES),
            compute_slopes(points, SLOPES),
            compute_ratios(points, RATIOS),
        )
        return np.concatenate(blocks, axis=1).astype(np.float32)


def _unordered(item: object) -> object:
    """Return a key that is equal for definitions that give the same number."""
    assert isinstance(item, tuple)
    if isinstance(item[0], tuple):
        return tuple(frozenset(pair) for pair in item)
    if len(item) == 3:
        return (frozenset((item[0], item[2])), item[1])
    return item
