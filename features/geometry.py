"""Distances, angles, areas ... of the 64 named points of a face turned to the front."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from mien.features.alignment import (
    ALIGNED_EYES_AND_MOUTH,
    compute_similarity,
    select_anchor_points,
    transform_points,
)
from mien.features.base import FeatureFamily, Option
from mien.features.faces import FaceBatch
from mien.features.geometry_items import (
    ANGLES,
    AREAS,
    CURVES,
    MIDDLE_POINTS,
    PAIRS,
    RATIOS,
    SLOPES,
)
from mien.features.pose import compute_head_rotation, undo_rotation
from mien.features.quantities import (
    compute_angles,
    compute_arches,
    compute_areas,
    compute_bows,
    compute_distances,
    compute_ratios,
    compute_slopes,
)
from mien.features.registry import register
from mien.features.scheme import mirrored_name, point_index, select_named_points


def compute_aligned_points(mesh: np.ndarray, *, frontal: bool = True) -> np.ndarray:
    """Return the named points in the aligned frame.

    Parameters
    ----------
    mesh : ndarray, shape (n, 478, 3)
        Landmarks in pixels.
    frontal : bool
        Whether the head's turn is undone first (see :func:`mien.features.pose.undo_rotation`).

    Returns
    -------
    ndarray of float32, shape (n, 64, 2)
        x right, y down, from the frame's top left corner, in its sides; eye and mouth centres are
        as near to :data:`mien.features.alignment.ALIGNED_EYES_AND_MOUTH` as a similarity brings
        them.
    """
    named = select_named_points(mesh)
    if frontal:
        named = undo_rotation(named, compute_head_rotation(mesh))
    flat = named[..., :2]
    similarity = compute_similarity(select_anchor_points(flat), ALIGNED_EYES_AND_MOUTH)
    return transform_points(similarity, flat).astype(np.float32)


@dataclass(frozen=True)
class _Block:
    """Columns of one kind: their labels, which column is each one's mirror image, the numbers."""

    kind: str
    labels: tuple[str, ...]
    mirrored: tuple[int, ...]
    compute: Callable[[np.ndarray], np.ndarray]


def _block(
    kind: str,
    definitions: Iterable[Any],
    label: Callable[[Any], str],
    same: Callable[[Any], Hashable],
    compute: Callable[[np.ndarray], np.ndarray],
) -> _Block:
    """Make a block; ``same`` gives equal keys for definitions of the same number."""
    items = tuple(definitions)
    at = {same(item): i for i, item in enumerate(items)}
    mirrored = tuple(at[same(_mirror(item))] for item in items)
    return _Block(kind, tuple(label(item) for item in items), mirrored, compute)


def _mirror(item: Any) -> Any:
    return mirrored_name(item) if isinstance(item, str) else tuple(_mirror(part) for part in item)


def _compute_offsets(points: np.ndarray) -> np.ndarray:
    middle = ALIGNED_EYES_AND_MOUTH[2, 0]
    return points[:, [point_index(name) for name in MIDDLE_POINTS], 0] - middle


_BLOCKS = (
    _block("distance", PAIRS, "-".join, frozenset, lambda p: compute_distances(p, PAIRS)),
    _block(
        "angle", ANGLES, "-".join, lambda t: (frozenset((t[0], t[2])), t[1]),
        lambda p: compute_angles(p, ANGLES),
    ),
    _block("slope", SLOPES, "-".join, tuple, lambda p: compute_slopes(p, SLOPES)),
    _block(
        "ratio", RATIOS, lambda r: "/".join("-".join(pair) for pair in r),
        lambda r: tuple(frozenset(pair) for pair in r), lambda p: compute_ratios(p, RATIOS),
    ),
    _block("area", AREAS, str, str, lambda p: compute_areas(p, tuple(AREAS.values()))),
    _block("bow", CURVES, str, str, lambda p: compute_bows(p, tuple(CURVES.values()))),
    _block("arch", CURVES, str, str, lambda p: compute_arches(p, tuple(CURVES.values()))),
)  # fmt: skip


def _sided_columns() -> tuple[list[str], list[int], list[int]]:
    """Return the names and columns of left-sided quantities, and the right side's columns."""
    names, lefts, rights, start = [], [], [], 0
    for block in _BLOCKS:
        for i, partner in enumerate(block.mirrored):
            if block.kind != "distance" and i < partner:
                names.append(f"{block.kind}:{block.labels[i]}")
                lefts.append(start + i)
                rights.append(start + partner)
        start += len(block.labels)
    return names, lefts, rights


_SIDED, _LEFT, _RIGHT = _sided_columns()


@register
class Geometry(FeatureFamily):
    """Distances, angles, slopes, ratios, areas, curvature and asymmetry of the 64 named points.

    The head's turn is undone with the mesh's depth, then the points are brought to the aligned
    frame (eye and mouth centres by a similarity transform). So nothing depends on the picture's
    scale, shift or roll. Shape (n, 2178):

    - ``distance``: all 2,016, in units of the frame's side (2.5 eye distances on a typical face);
    - ``angle`` at a middle point and ``slope`` outward from the face's middle, in radians;
    - ``ratio`` of two distances, ``d1 / (d1 + d2)``;
    - ``area`` of outlines, in the square of the frame's side;
    - ``bow`` of brows, lips and jaw (mean height above the chord, in chords) and ``arch`` (minus
      the quadratic coefficient of the parabola that fits best, in 1/chord), positive for an arch;
    - ``asymmetry``: the left minus the right quantity, for all of these but the distances;
    - ``offset`` of the middle line's points from the frame's middle, to the picture's right.

    Notes
    -----
    The thesis names "the pairwise placements of two landmark points" as features; which pairs is
    not said, so all are taken. With ``frontal=0`` the head's turn is left as it is.
    """

    name = "geometry"
    version = 2
    title = "distances, angles, ratios, areas, curvature, asymmetry of the 64 named points"
    default = True
    available_options: ClassVar[Mapping[str, Option]] = {
        "frontal": Option(1, (0, 1), "undoing of the head's turn, 1, or not, 0"),
    }

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """``distance:a-b``, ``angle:a-b-c`` (at b), ``area:left_eye``, ``offset:nose_tip`` ..."""
        return (
            *(f"{block.kind}:{label}" for block in _BLOCKS for label in block.labels),
            *(f"asymmetry:{name}" for name in _SIDED),
            *(f"offset:{name}" for name in MIDDLE_POINTS),
        )

    @cached_property
    def mirror(self) -> tuple[np.ndarray, np.ndarray]:
        """Quantities become those of the mirrored names; asymmetries and offsets change sign."""
        source: list[int] = []
        for block in _BLOCKS:
            start = len(source)
            source += [start + position for position in block.mirrored]
        sign = np.ones(self.width, dtype=np.float32)
        sign[len(source) :] = -1
        return np.array([*source, *range(len(source), self.width)]), sign

    def compute(self, faces: FaceBatch) -> np.ndarray:
        """Compute all quantities; float32, shape (n, 2178)."""
        points = compute_aligned_points(faces.mesh, frontal=bool(self.number("frontal")))
        out = np.empty((len(faces), self.width), dtype=np.float32)
        end = 0
        for block in _BLOCKS:
            start, end = end, end + len(block.labels)
            out[:, start:end] = block.compute(points)
        sided = end + len(_SIDED)
        np.subtract(out[:, _LEFT], out[:, _RIGHT], out=out[:, end:sided])
        out[:, sided:] = _compute_offsets(points)
        return out
