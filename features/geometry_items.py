"""Which pairs, angles, outlines ... of the named points the geometry family measures.

Definitions are written for the face's left side (the picture's left) and for the middle; the right
side's are their mirror images.
"""

from __future__ import annotations

from itertools import combinations
from typing import TypeVar

from mien.features.quantities import Pair, Triple
from mien.features.scheme import NAMES, mirrored_name

Definition = TypeVar("Definition", bound=tuple)
Outline = tuple[str, ...]

_SIDE_ANGLES: tuple[Triple, ...] = (
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
_MIDDLE_ANGLES: tuple[Triple, ...] = (
    ("left_mouth_corner", "upper_lip_top", "right_mouth_corner"),
    ("left_mouth_corner", "lower_lip_bottom", "right_mouth_corner"),
    ("left_mouth_corner", "upper_lip_edge", "right_mouth_corner"),
    ("left_mouth_corner", "nose_tip", "right_mouth_corner"),
    ("left_mouth_corner", "chin_tip", "right_mouth_corner"),
    ("left_brow_inner_corner", "nose_tip", "right_brow_inner_corner"),
    ("left_nose_wing", "nose_tip", "right_nose_wing"),
    ("left_cheek_5", "chin_tip", "right_cheek_5"),
)
_SIDE_SLOPES: tuple[Pair, ...] = (
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
_SIDE_RATIOS: tuple[tuple[Pair, Pair], ...] = (
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
_MIDDLE_RATIOS: tuple[tuple[Pair, Pair], ...] = (
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

_LEFT_BROW_UPPER: Outline = (
    "left_brow_outer_corner", "left_brow_upper_outer", "left_brow_upper_inner",
    "left_brow_inner_corner",
)  # fmt: skip
_LEFT_BROW_LOWER: Outline = (
    "left_brow_outer_corner", "left_brow_lower_outer", "left_brow_lower_inner",
    "left_brow_inner_corner",
)  # fmt: skip
_UPPER_LIP: Outline = (
    "left_mouth_corner", "left_upper_lip_outer", "left_upper_lip_inner", "upper_lip_top",
    "right_upper_lip_inner", "right_upper_lip_outer", "right_mouth_corner",
)  # fmt: skip
_LOWER_LIP: Outline = (
    "left_mouth_corner", "left_lower_lip_outer", "left_lower_lip_inner", "lower_lip_bottom",
    "right_lower_lip_inner", "right_lower_lip_outer", "right_mouth_corner",
)  # fmt: skip
_UPPER_EDGE: Outline = (
    "left_mouth_corner", "left_upper_lip_edge", "upper_lip_edge", "right_upper_lip_edge",
    "right_mouth_corner",
)  # fmt: skip
_LOWER_EDGE: Outline = (
    "left_mouth_corner", "left_lower_lip_edge", "right_lower_lip_edge", "right_mouth_corner",
)  # fmt: skip

_SIDE_AREAS: dict[str, Outline] = {
    "left_eye": (
        "left_eye_outer_corner", "left_eye_upper_lid", "left_eye_inner_corner",
        "left_eye_lower_lid",
    ),
    "left_brow": (*_LEFT_BROW_UPPER, *_LEFT_BROW_LOWER[2:0:-1]),
    "left_brow_to_eye": (
        *_LEFT_BROW_LOWER, "left_eye_inner_corner", "left_eye_upper_lid", "left_eye_outer_corner",
    ),
    "left_cheek": (
        "left_eye_outer_corner", "left_eye_lower_lid", "left_nose_side", "left_nose_wing",
        "left_mouth_corner", "left_cheek_3",
    ),
    "left_mouth_half": (
        *_UPPER_LIP[:4], "lower_lip_bottom", "left_lower_lip_inner", "left_lower_lip_outer",
    ),
}  # fmt: skip
_MIDDLE_AREAS: dict[str, Outline] = {
    "mouth_outer": (*_UPPER_LIP, *_LOWER_LIP[5:0:-1]),
    "mouth_inner": (*_UPPER_EDGE, *_LOWER_EDGE[2:0:-1]),
    "upper_lip": (*_UPPER_LIP, *_UPPER_EDGE[3:0:-1]),
    "lower_lip": (*_LOWER_EDGE, *_LOWER_LIP[5:0:-1]),
    "nose": (
        "left_nose_saddle", "right_nose_saddle", "right_nose_side", "right_nose_wing",
        "nose_base", "left_nose_wing", "left_nose_side",
    ),
    "between_brows": (
        "left_brow_inner_corner", "right_brow_inner_corner", "right_nose_saddle",
        "left_nose_saddle",
    ),
    "chin": (
        *_LOWER_LIP, "right_cheek_5", "right_cheek_6", "chin_tip", "left_cheek_6", "left_cheek_5",
    ),
}  # fmt: skip
_SIDE_CURVES: dict[str, Outline] = {
    "left_brow_upper": _LEFT_BROW_UPPER,
    "left_brow_lower": _LEFT_BROW_LOWER,
    "left_upper_lip_half": _UPPER_LIP[:4],
    "left_lower_lip_half": _LOWER_LIP[:4],
}
_MIDDLE_CURVES: dict[str, Outline] = {
    "upper_lip": _UPPER_LIP,
    "lower_lip": _LOWER_LIP,
    "upper_lip_edge": _UPPER_EDGE,
    "lower_lip_edge": _LOWER_EDGE,
    "jaw": (
        "left_cheek_4", "left_cheek_5", "left_cheek_6", "chin_tip", "right_cheek_6",
        "right_cheek_5", "right_cheek_4",
    ),
}  # fmt: skip


def _mirrored(definition: Definition) -> Definition:
    parts = (mirrored_name(p) if isinstance(p, str) else _mirrored(p) for p in definition)
    return tuple(parts)  # type: ignore[return-value]


def _both_sides(definitions: tuple[Definition, ...]) -> tuple[Definition, ...]:
    return definitions + tuple(_mirrored(definition) for definition in definitions)


def _both_outlines(outlines: dict[str, Outline], *, turned: bool) -> dict[str, Outline]:
    """Add the right side's; ``turned`` where the points shall run the same way round."""
    step = -1 if turned else 1
    mirrored = {mirrored_name(k): _mirrored(outline)[::step] for k, outline in outlines.items()}
    return outlines | mirrored


PAIRS: tuple[Pair, ...] = tuple(combinations(NAMES, 2))
ANGLES: tuple[Triple, ...] = _both_sides(_SIDE_ANGLES) + _MIDDLE_ANGLES
SLOPES: tuple[Pair, ...] = _both_sides(_SIDE_SLOPES)
RATIOS: tuple[tuple[Pair, Pair], ...] = _both_sides(_SIDE_RATIOS) + _MIDDLE_RATIOS
AREAS: dict[str, Outline] = _both_outlines(_SIDE_AREAS, turned=True) | _MIDDLE_AREAS
"""Polygons, clockwise in the picture."""

CURVES: dict[str, Outline] = _both_outlines(_SIDE_CURVES, turned=False) | _MIDDLE_CURVES
"""Outlines from one end to the other, to be measured from their chords."""

MIDDLE_POINTS: tuple[str, ...] = tuple(n for n in NAMES if mirrored_name(n) == n)
"""Points that lie on the middle line of a symmetric face."""
