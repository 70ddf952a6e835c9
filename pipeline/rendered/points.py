"""Names for the mesh vertices that the renderer uses.

All are on the picture's left (the subject's right), x below zero, or on the midline; their mirror
images come from :attr:`mien.pipeline.rendered.mesh.FaceMesh.mirrored`.
"""

from __future__ import annotations

UPPER_LID = (33, 246, 161, 160, 159, 158, 157, 173, 133)
"""Upper eyelid's edge, outer corner to inner corner."""

LOWER_LID = (33, 7, 163, 144, 145, 153, 154, 155, 133)
"""Lower eyelid's edge, outer corner to inner corner."""

LID_CREASE = (247, 30, 29, 27, 28, 56, 190)
"""Fold above the upper eyelid, outer to inner."""

LOWER_LID_FOLD = (31, 228, 229, 230, 231, 232)
"""Fold under the eye, outer to inner."""

BROW_UPPER = (70, 63, 105, 66, 107)
"""Upper edge of the eyebrow, outer to inner."""

BROW_LOWER = (46, 53, 52, 65, 55)
"""Lower edge of the eyebrow, outer to inner."""

UPPER_LIP_OUTER = (61, 185, 40, 39, 37, 0)
"""Upper lip's outer edge, mouth corner to midline."""

UPPER_LIP_INNER = (78, 191, 80, 81, 82, 13)
"""Upper lip's inner edge, mouth corner to midline."""

LOWER_LIP_INNER = (78, 95, 88, 178, 87, 14)
"""Lower lip's inner edge, mouth corner to midline."""

LOWER_LIP_OUTER = (61, 146, 91, 181, 84, 17)
"""Lower lip's outer edge, mouth corner to midline."""

UPPER_LIP = (185, 40, 39, 37, 0, 184, 74, 73, 72, 11, 183, 42, 41, 38, 12, 191, 80, 81, 82, 13)
"""All of the upper lip without the corner."""

LOWER_LIP = (146, 91, 181, 84, 17, 77, 90, 180, 85, 16, 96, 89, 179, 86, 15, 95, 88, 178, 87, 14)
"""All of the lower lip without the corner."""

MOUTH_CORNER = (61, 76, 62, 78)
"""Mouth corner, outside to inside."""

NOSTRIL = (79, 166, 59, 75, 60, 20, 238, 239)
"""Ring around the nostril."""

NOSE_WING = (129, 102, 48, 64, 49, 131, 115, 219, 98)
"""Wing of the nose."""

NOSE_TIP = (1, 4, 5, 19, 44, 45, 51, 94, 125, 141, 2)
"""Tip of the nose and its underside."""

NOSE_BRIDGE = (168, 6, 197, 195, 5)
"""Ridge of the nose, top to bottom."""

NASOLABIAL_FOLD = (129, 203, 206, 216, 212)
"""Fold from the wing of the nose around the mouth corner."""

FACE_OVAL = (
    10, 109, 67, 103, 54, 21, 162, 127, 234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152,
)  # fmt: skip
"""Mesh border, forehead to chin."""
