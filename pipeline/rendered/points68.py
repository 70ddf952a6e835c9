"""The 68 points of CK+'s landmark files as vertices of MediaPipe's mesh."""

from __future__ import annotations

POINTS_68: tuple[int, ...] = (
    162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389,
    71, 63, 105, 66, 107, 336, 296, 334, 293, 301,
    168, 197, 5, 4, 75, 97, 2, 326, 305,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181,
    78, 82, 13, 312, 308, 317, 14, 87,
)  # fmt: skip
"""Jaw, brows, nose, eyes, outer and inner lips, in the order of the 68-point scheme; each from the
picture's left to its right, eyes and lips then back below.

References
----------
Sagonas et al., "300 faces in-the-wild challenge", ICCV workshops 2013, for the scheme; the nearest
vertices are ours.
"""
