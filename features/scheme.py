"""The 64 named landmarks of the thesis (Table 1.1), each mapped to MediaPipe's face mesh.

*Left* and *right* are the picture's: ``left_*`` points have the smaller x in an unmirrored
frontal portrait, so they lie on the person's own right side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MESH_POINTS = 478
"""Points of the Face Landmarker's mesh: 468 of the surface, 10 of the irises."""


@dataclass(frozen=True)
class NamedPoint:
    """A landmark of Table 1.1.

    Attributes
    ----------
    number : int
        The thesis's number, 1 to 64.
    name : str
        Readable name; ``left_``/``right_`` are the picture's sides.
    mesh : tuple of int
        Mesh indices whose mean the point is.
    primary : bool
        Whether Table 1.1 lists it as a primary landmark.
    """

    number: int
    name: str
    mesh: tuple[int, ...]
    primary: bool = False


POINTS: tuple[NamedPoint, ...] = (
    NamedPoint(1, "left_temple", (127,)),
    NamedPoint(2, "left_cheek_1", (234,)),
    NamedPoint(3, "left_cheek_2", (132,)),
    NamedPoint(4, "left_cheek_3", (58,)),
    NamedPoint(5, "left_cheek_4", (172,)),
    NamedPoint(6, "left_cheek_5", (150,)),
    NamedPoint(7, "left_cheek_6", (176,)),
    NamedPoint(8, "chin_tip", (152,)),
    NamedPoint(9, "right_cheek_6", (400,)),
    NamedPoint(10, "right_cheek_5", (379,)),
    NamedPoint(11, "right_cheek_4", (397,)),
    NamedPoint(12, "right_cheek_3", (288,)),
    NamedPoint(13, "right_cheek_2", (361,)),
    NamedPoint(14, "right_cheek_1", (454,)),
    NamedPoint(15, "right_temple", (356,)),
    NamedPoint(16, "left_brow_outer_corner", (70, 46), primary=True),
    NamedPoint(17, "left_brow_upper_outer", (63,)),
    NamedPoint(18, "left_brow_upper_inner", (66,)),
    NamedPoint(19, "left_brow_inner_corner", (107, 55), primary=True),
    NamedPoint(20, "left_brow_lower_inner", (65,)),
    NamedPoint(21, "left_brow_lower_outer", (53,)),
    NamedPoint(22, "right_brow_inner_corner", (336, 285), primary=True),
    NamedPoint(23, "right_brow_upper_inner", (296,)),
    NamedPoint(24, "right_brow_upper_outer", (293,)),
    NamedPoint(25, "right_brow_outer_corner", (300, 276), primary=True),
    NamedPoint(26, "right_brow_lower_outer", (283,)),
    NamedPoint(27, "right_brow_lower_inner", (295,)),
    NamedPoint(28, "left_eye_outer_corner", (33,), primary=True),
    NamedPoint(29, "left_eye_upper_lid", (159,)),
    NamedPoint(30, "left_eye_inner_corner", (133,), primary=True),
    NamedPoint(31, "left_eye_lower_lid", (145,)),
    NamedPoint(32, "right_eye_inner_corner", (362,), primary=True),
    NamedPoint(33, "right_eye_upper_lid", (386,)),
    NamedPoint(34, "right_eye_outer_corner", (263,), primary=True),
    NamedPoint(35, "right_eye_lower_lid", (374,)),
    NamedPoint(36, "left_nose_saddle", (193,)),
    NamedPoint(37, "right_nose_saddle", (417,)),
    NamedPoint(38, "left_nose_side", (198,)),
    NamedPoint(39, "left_nose_wing", (129,)),
    NamedPoint(40, "left_nostril", (98,)),
    NamedPoint(41, "nose_tip", (4,), primary=True),
    NamedPoint(42, "right_nostril", (327,)),
    NamedPoint(43, "right_nose_wing", (358,)),
    NamedPoint(44, "right_nose_side", (420,)),
    NamedPoint(45, "nose_base", (2,)),
    NamedPoint(46, "left_mouth_corner", (61,), primary=True),
    NamedPoint(47, "left_upper_lip_outer", (40,)),
    NamedPoint(48, "left_upper_lip_inner", (37,)),
    NamedPoint(49, "upper_lip_top", (0,)),
    NamedPoint(50, "right_upper_lip_inner", (267,)),
    NamedPoint(51, "right_upper_lip_outer", (270,)),
    NamedPoint(52, "right_mouth_corner", (291,), primary=True),
    NamedPoint(53, "right_lower_lip_outer", (321,)),
    NamedPoint(54, "right_lower_lip_inner", (314,)),
    NamedPoint(55, "lower_lip_bottom", (17,)),
    NamedPoint(56, "left_lower_lip_inner", (84,)),
    NamedPoint(57, "left_lower_lip_outer", (91,)),
    NamedPoint(58, "left_upper_lip_edge", (81,)),
    NamedPoint(59, "upper_lip_edge", (13,)),
    NamedPoint(60, "right_upper_lip_edge", (311,)),
    NamedPoint(61, "right_lower_lip_edge", (402,)),
    NamedPoint(62, "left_lower_lip_edge", (178,)),
    NamedPoint(63, "left_eye_centre", (33, 133, 159, 145), primary=True),
    NamedPoint(64, "right_eye_centre", (263, 362, 386, 374), primary=True),
)
"""The scheme, in the thesis's numbering."""

NAMES: tuple[str, ...] = tuple(point.name for point in POINTS)
_POSITION: dict[str, int] = {name: i for i, name in enumerate(NAMES)}


def point_index(name: str) -> int:
    """Return the row of a named point in the arrays of :func:`select_named_points`."""
    return _POSITION[name]


def mirrored_name(name: str) -> str:
    """Return the name that a point has on the mirrored face."""
    if name.startswith("left_"):
        return "right_" + name.removeprefix("left_")
    if name.startswith("right_"):
        return "left_" + name.removeprefix("right_")
    return name


def mirror_order() -> np.ndarray:
    """Return, for each named point, the row of its mirror partner; shape (64,), int."""
    return np.array([_POSITION[mirrored_name(name)] for name in NAMES])


def select_named_points(mesh: np.ndarray) -> np.ndarray:
    """Take the 64 named points from mesh landmarks.

    Parameters
    ----------
    mesh : ndarray, shape (..., 478, d)
        Mesh landmarks; the last axis holds x (right), y (down) and perhaps z, in pixels.

    Returns
    -------
    ndarray, shape (..., 64, d)
        Row ``i`` is the thesis's point ``i + 1``; points of several mesh indices are their mean.
        A missing (NaN) mesh point gives NaN.
    """
    first = np.array([point.mesh[0] for point in POINTS])
    named = mesh[..., first, :].copy()
    for row, point in enumerate(POINTS):
        if len(point.mesh) > 1:
            named[..., row, :] = mesh[..., list(point.mesh), :].mean(axis=-2)
    return named
