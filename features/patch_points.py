"""The 64 mesh points that patches are cut around, and how a mirror image exchanges them."""

from __future__ import annotations

import numpy as np

from mien.features.alignment import transform_points
from mien.features.faces import FaceBatch

PATCH_POINTS: tuple[int, ...] = (
    33, 160, 158, 133, 153, 144, 263, 387, 385, 362, 380, 373,
    70, 63, 105, 66, 107, 336, 296, 334, 293, 300,
    168, 197, 4, 98, 327, 48, 278,
    61, 40, 37, 0, 267, 270, 291, 321, 314, 17, 84, 91,
    78, 81, 13, 311, 308, 402, 14, 178,
    152, 148, 377, 172, 397,
    50, 280, 205, 425, 117, 346, 10, 151, 9, 8,
)  # fmt: skip
"""Mesh indices of the windows' centres: eyes, brows, nose, lips, jaw, cheeks, forehead."""

_MIRRORED_POINT: dict[int, int] = {
    33: 263, 160: 387, 158: 385, 133: 362, 153: 380, 144: 373,
    70: 300, 63: 293, 105: 334, 66: 296, 107: 336,
    168: 168, 197: 197, 4: 4, 98: 327, 48: 278,
    61: 291, 40: 270, 37: 267, 0: 0, 91: 321, 84: 314, 17: 17,
    78: 308, 81: 311, 13: 13, 178: 402, 14: 14,
    152: 152, 148: 377, 172: 397,
    50: 280, 205: 425, 117: 346, 10: 10, 151: 151, 9: 9, 8: 8,
}  # fmt: skip


MARGIN = 24
"""Pixels around an aligned crop that its patches may reach into."""


def mirror_patch_order() -> np.ndarray:
    """Return, for each patch, the position of its mirror partner; shape (64,), int."""
    pairs = _MIRRORED_POINT | {right: left for left, right in _MIRRORED_POINT.items()}
    return np.array([PATCH_POINTS.index(pairs[point]) for point in PATCH_POINTS])


def compute_patch_centres(faces: FaceBatch, size: int, margin: int) -> np.ndarray:
    """Return where the patches' centres lie in the aligned crops.

    Parameters
    ----------
    faces : FaceBatch
    size, margin : int
        The crops' side and margin in pixels.

    Returns
    -------
    ndarray of float32, shape (n, 64, 2)
        x right, y down, in pixels of the crops with their margin.
    """
    points = faces.mesh[:, list(PATCH_POINTS), :2]
    return transform_points(faces.crops(size, margin).transforms, points).astype(np.float32)
