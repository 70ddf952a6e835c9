"""The 64 mesh points that patches are cut around, and how a mirror image exchanges them."""

from __future__ import annotations

import numpy as np

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


def name_cells(prefix: str, cells: int, orientations: int) -> tuple[str, ...]:
    """Name the columns of windows in cells of oriented bins: ``hog:mesh33:row0:col0:bin0``."""
    return tuple(
        f"{prefix}:mesh{point}:row{row}:col{col}:bin{k}"
        for point in PATCH_POINTS
        for row in range(cells)
        for col in range(cells)
        for k in range(orientations)
    )


def mirror_cells(cells: int, orientations: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what mirroring does to the columns of :func:`name_cells`.

    Windows change sides, columns of cells are reversed, x components of gradients change sign.

    Returns
    -------
    source : ndarray of int, shape (width,)
    sign : ndarray of float32, shape (width,)
        As :attr:`mien.features.base.FeatureFamily.mirror` has them; bins are evenly spread over the
        whole turn, bin 0 along x.
    """
    shape = (len(PATCH_POINTS), cells, cells, orientations)
    index = np.arange(np.prod(shape)).reshape(shape)
    orientation = (orientations // 2 - np.arange(orientations)) % orientations
    source = index[mirror_patch_order()][:, :, ::-1][..., orientation].ravel()
    return source, np.ones(source.size, dtype=np.float32)


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


def place_windows(centres: np.ndarray, window: int, side: int) -> np.ndarray:
    """Return the top left pixels of windows in a crop.

    Parameters
    ----------
    centres : ndarray, shape (k, 2)
        Window centres (x, y) in pixels of the crop.
    window, side : int
        The windows' and the crop's side in pixels.

    Returns
    -------
    ndarray of int, shape (k, 2)
        x and y of the nearest whole pixels; a window that would leave the crop is moved inside.
    """
    corners = np.rint(centres - (window - 1) / 2).astype(np.intp)
    return np.clip(corners, 0, side - window)


def cut_windows(crop: np.ndarray, centres: np.ndarray, out: np.ndarray) -> None:
    """Cut square windows out of a crop.

    Parameters
    ----------
    crop : ndarray, shape (side, side)
    centres : ndarray, shape (k, 2)
        Window centres (x, y) in pixels of the crop.
    out : ndarray, shape (k, window, window)
        Where they go; see :func:`place_windows`.
    """
    window = out.shape[1]
    corners = place_windows(centres, window, len(crop)).tolist()
    for (x, y), cut in zip(corners, out, strict=True):
        cut[:] = crop[y : y + window, x : x + window]
