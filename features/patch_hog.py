"""Histograms of oriented gradients around landmarks of an aligned face."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import ClassVar

import numpy as np

from mien.features.base import FeatureFamily, Option
from mien.features.faces import FaceBatch
from mien.features.gradient_cells import ORIENTATIONS, CellSummer
from mien.features.patch_points import (
    MARGIN,
    PATCH_POINTS,
    compute_patch_centres,
    mirror_cells,
    name_cells,
)
from mien.features.registry import register

CELLS = 3


def normalise_windows(windows: np.ndarray) -> np.ndarray:
    """Normalise each window, root it, and bring the face's vector to unit length.

    Parameters
    ----------
    windows : ndarray of float32, shape (k, 72)
        One face's histograms, none negative.

    Returns
    -------
    ndarray of float32, shape (k * 72,)
        Its length is 1, or 0 for a face without any gradient.
    """
    windows = windows / (_lengths(windows) + np.float32(20))
    np.minimum(windows, np.float32(0.25), out=windows)
    windows /= _lengths(windows) + np.float32(1e-6)
    row = np.sqrt(windows, out=windows).reshape(1, -1)
    row /= np.maximum(_lengths(row), np.float32(1e-6))
    return row[0]


def _lengths(rows: np.ndarray) -> np.ndarray:
    return np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]


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
    Version 2 has exact angles where version 1 had OpenCV's approximation, and no rounding in the
    cells' sums; no column differs by more than 0.001.

    Unlike Dalal and Triggs: windows sit at landmarks instead of on a grid, orientations are
    signed, and cells have no spatial interpolation beyond the window's sub-pixel place.
    """

    name = "patch_hog"
    version = 2
    title = "gradient histograms around 64 landmarks of an aligned crop"
    default = True
    move_tolerance = 0.25
    mirror_tolerance = 0.005
    available_options: ClassVar[Mapping[str, Option]] = {
        "crop": Option(96, (48, 96), "side of the aligned crop in pixels, 48 or 96"),
        "window": Option(24, range(6, 97, 3), "window's side in pixels, a multiple of 3 from 6"),
    }

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """``hog:mesh33:row0:col0:bin0`` and so on: window, cell, orientation."""
        return name_cells("hog", CELLS, ORIENTATIONS)

    @cached_property
    def mirror(self) -> tuple[np.ndarray, np.ndarray]:
        """Windows change sides, columns of cells are reversed, x components change sign."""
        return mirror_cells(CELLS, ORIENTATIONS)

    def compute(self, faces: FaceBatch) -> np.ndarray:
        """Compute the histograms; float32, shape (n, 4608)."""
        size, cell = self.number("crop"), self.number("window") // CELLS
        crops = faces.crops(size, MARGIN)
        centres = compute_patch_centres(faces, size, MARGIN)
        windows = len(PATCH_POINTS)
        sums = np.empty((len(faces), windows * CELLS**2, ORIENTATIONS), dtype=np.float32)
        summer = CellSummer(size + 2 * MARGIN, cell=cell, cells=CELLS, windows=windows)
        summer.sum(crops.grey, centres, sums)
        out = sums.reshape(len(faces), self.width)
        for row, gain in zip(out, crops.gain, strict=True):
            row[:] = normalise_windows((row * gain).reshape(windows, self.width // windows))
        return out
