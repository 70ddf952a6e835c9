"""Histograms of oriented gradients around landmarks of an aligned face."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import ClassVar

import cv2
import numpy as np

from mien.features.base import FeatureFamily, Option
from mien.features.faces import FaceBatch
from mien.features.patch_points import (
    MARGIN,
    PATCH_POINTS,
    compute_patch_centres,
    mirror_patch_order,
)
from mien.features.registry import register

CELLS = 3
ORIENTATIONS = 8
_BATCH = 32


def compute_orientation_planes(crops: np.ndarray) -> np.ndarray:
    """Share each pixel's gradient magnitude between its two nearest orientations.

    Parameters
    ----------
    crops : ndarray of float32, shape (n, side, side)

    Returns
    -------
    ndarray of float32, shape (n, side, side, 8)
        Bin ``k`` stands for gradients that point to ``k * 45`` degrees, counted from +x (right)
        towards +y (down); directions are signed. Gradients are central differences, zero at the
        outermost pixels.
    """
    n, side, _ = crops.shape
    dx = np.zeros_like(crops)
    dy = np.zeros_like(crops)
    np.subtract(crops[:, :, 2:], crops[:, :, :-2], out=dx[:, :, 1:-1])
    np.subtract(crops[:, 2:], crops[:, :-2], out=dy[:, 1:-1])
    flat = (n * side, side)
    magnitude, angle = cv2.cartToPolar(dx.reshape(flat), dy.reshape(flat))
    position = (angle * (ORIENTATIONS / (2 * np.pi))).ravel()
    magnitude = magnitude.ravel() * 0.5
    lower = position.astype(np.int32)
    upper_share = (position - lower) * magnitude
    planes = np.zeros(n * side * side * ORIENTATIONS, dtype=np.float32)
    start = np.arange(0, planes.size, ORIENTATIONS, dtype=np.int32)
    planes[start + (lower & (ORIENTATIONS - 1))] = magnitude - upper_share
    planes[start + ((lower + 1) & (ORIENTATIONS - 1))] += upper_share
    return planes.reshape(n, side, side, ORIENTATIONS)


def sum_cells(planes: np.ndarray, centres: np.ndarray, cell: int) -> np.ndarray:
    """Sum the planes over square cells around each centre.

    Parameters
    ----------
    planes : ndarray of float32, shape (n, side, side, 8)
    centres : ndarray of float32, shape (n, k, 2)
        Window centres (x, y) in pixels of the planes.
    cell : int
        A cell's side in pixels.

    Returns
    -------
    ndarray of float32, shape (n, k, 3, 3, 8)
        Axis 2 goes down, axis 3 right. Between whole pixels the sums are interpolated; centres
        outside the planes are moved to their edge.
    """
    n, side = planes.shape[:2]
    boxed = np.empty_like(planes)
    for i in range(n):
        cv2.boxFilter(
            planes[i], -1, (cell, cell), dst=boxed[i], anchor=(cell // 2, cell // 2),
            normalize=False, borderType=cv2.BORDER_CONSTANT,
        )  # fmt: skip
    offsets = (np.arange(CELLS, dtype=np.float32) - (CELLS - 1) / 2) * cell
    # with an even side, the sum over pixels i-4 … i+3 stands at i, its middle lies at i - 1/2
    shift = 0.0 if cell % 2 else 0.5
    x = centres[:, :, None, None, 0] + offsets[None, None, None, :] + shift
    y = centres[:, :, None, None, 1] + offsets[None, None, :, None] + shift
    x, y = (np.clip(v, 0, side - 1.001) for v in np.broadcast_arrays(x, y))
    x0, y0 = x.astype(np.int32), y.astype(np.int32)
    fx, fy = (x - x0)[..., None], (y - y0)[..., None]
    face = np.arange(n, dtype=np.int32)[:, None, None, None]
    flat = boxed.reshape(-1, ORIENTATIONS)
    at = (face * side + y0) * side + x0
    top = flat[at] * (1 - fx) + flat[at + 1] * fx
    bottom = flat[at + side] * (1 - fx) + flat[at + side + 1] * fx
    return top * (1 - fy) + bottom * fy


def normalise_windows(cells: np.ndarray) -> np.ndarray:
    """Normalise each window, root it, and bring the face's vector to unit length.

    Parameters
    ----------
    cells : ndarray of float32, shape (n, k, 3, 3, 8)

    Returns
    -------
    ndarray of float32, shape (n, k * 72)
        Each row has length 1 (or 0 for a face without any gradient).
    """
    windows = cells.reshape(*cells.shape[:2], -1)
    windows = windows / (np.linalg.norm(windows, axis=-1, keepdims=True) + 20.0)
    np.minimum(windows, 0.25, out=windows)
    windows /= np.linalg.norm(windows, axis=-1, keepdims=True) + 1e-6
    rows = np.sqrt(np.maximum(windows, 0.0)).reshape(len(cells), -1)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.maximum(length, 1e-6)


@register
class PatchHog(FeatureFamily):
    """Gradient histograms in windows around 64 mesh points of an aligned crop.

    The eye centres and the mouth's centre are brought to fixed places by a similarity transform,
    the contrast is stretched to 0-255, and every window (24 pixels of a 96-pixel crop) gives 3 x 3
    cells of 8 signed, softly binned orientations. A window's histogram is divided by its norm + 20,
    clipped at 0.25, divided by its norm again and rooted; the whole vector has unit length. Shape
    (n, 4608), no unit.

    References
    ----------
    Dalal and Triggs, Histograms of oriented gradients for human detection, CVPR 2005;
    Arandjelovic and Zisserman, Three things everyone should know to improve object retrieval,
    CVPR 2012 (the root).

    Notes
    -----
    Unlike Dalal and Triggs: windows sit at landmarks instead of on a grid, orientations are
    signed, and cells have no spatial interpolation beyond the window's sub-pixel place.
    """

    name = "patch_hog"
    version = 1
    title = "gradient histograms around 64 landmarks of an aligned crop"
    default = True
    available_options: ClassVar[Mapping[str, Option]] = {
        "crop": Option(96, (48, 96), "side of the aligned crop in pixels, 48 or 96"),
        "window": Option(24, range(6, 97, 3), "window's side in pixels, a multiple of 3 from 6"),
    }

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """``hog:mesh33:row0:col0:bin0`` and so on: window, cell, orientation."""
        return tuple(
            f"hog:mesh{point}:row{row}:col{col}:bin{k}"
            for point in PATCH_POINTS
            for row in range(CELLS)
            for col in range(CELLS)
            for k in range(ORIENTATIONS)
        )

    @cached_property
    def mirror(self) -> tuple[np.ndarray, np.ndarray]:
        """Windows change sides, columns of cells are reversed, x components change sign."""
        window = mirror_patch_order()
        index = np.arange(self.width).reshape(len(PATCH_POINTS), CELLS, CELLS, ORIENTATIONS)
        orientation = (ORIENTATIONS // 2 - np.arange(ORIENTATIONS)) % ORIENTATIONS
        source = index[window][:, :, ::-1][..., orientation].ravel()
        return source, np.ones(len(source), dtype=np.float32)

    def compute(self, faces: FaceBatch) -> np.ndarray:
        """Compute the histograms; float32, shape (n, 4608)."""
        size, cell = self.number("crop"), self.number("window") // CELLS
        crops = faces.crops(size, MARGIN)
        centres = compute_patch_centres(faces, size, MARGIN)
        out = np.empty((len(faces), self.width), dtype=np.float32)
        for start in range(0, len(faces), _BATCH):
            part = slice(start, start + _BATCH)
            planes = compute_orientation_planes(crops.pixels[part])
            out[part] = normalise_windows(sum_cells(planes, centres[part], cell))
        return out
