"""The 64 mesh points that patches are cut around, and how a mirror image exchanges them."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from mien.features.alignment import transform_points
from mien.features.faces import FaceBatch
from mien.features.mesh_mirror import MESH_MIRROR

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

MARGIN = 24
"""Pixels around an aligned crop that its patches may reach into."""


def mirror_patch_order() -> np.ndarray:
    """Return, for each patch, the position of its mirror partner; shape (64,), int."""
    return np.array([PATCH_POINTS.index(MESH_MIRROR[point]) for point in PATCH_POINTS])


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


def cut_windows(crop: np.ndarray, centres: np.ndarray, window: int) -> np.ndarray:
    """Cut square windows out of a crop.

    Parameters
    ----------
    crop : ndarray, shape (side, side)
    centres : ndarray, shape (k, 2)
        Window centres (x, y) in pixels of the crop.
    window : int
        The windows' side in pixels.

    Returns
    -------
    ndarray, shape (k, window, window)
        At the whole pixel that is nearest; a window that would leave the crop is moved inside.
    """
    corners = np.rint(centres - (window - 1) / 2).astype(np.intp)
    x, y = np.clip(corners, 0, len(crop) - window).T
    return sliding_window_view(crop, (window, window))[y, x]
