"""Gabor filters' magnitudes at landmarks of an aligned face."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import ClassVar

import numpy as np

from mien.features.base import FeatureFamily, Option
from mien.features.faces import FaceBatch
from mien.features.patch_points import (
    MARGIN,
    PATCH_POINTS,
    compute_patch_centres,
    cut_windows,
    mirror_patch_order,
)
from mien.features.registry import register

ORIENTATIONS = 8
SCALES = 5
SHORTEST = 4.0
"""Wavelength of the finest scale in pixels of the crop; each further one is sqrt(2) times it."""

BANDWIDTH = np.pi
"""Standard deviation of the Gaussian times the wave number."""


@lru_cache(maxsize=8)
def gabor_filters(window: int) -> np.ndarray:
    """Return a bank of complex filters as columns: their real parts, then their imaginary parts.

    Parameters
    ----------
    window : int
        Side in pixels, odd; the filters are cut off there.

    Returns
    -------
    ndarray of float32, shape (window * window, 2 * 40)
        Of each part 5 scales with 8 orientations. Filter ``(s, o)`` is

            (k^2 / B^2) exp(-k^2 |x|^2 / (2 B^2)) (exp(i k·x) - d)

        with ``|k| = 2 pi / (4 sqrt(2)^s)``, pointing to ``o * 22.5`` degrees from +x (right)
        towards +y (down), B = :data:`BANDWIDTH`, and ``d`` such that the filter sums to zero.
    """
    axis = np.arange(window) - (window - 1) / 2
    y, x = np.meshgrid(axis, axis, indexing="ij")
    filters = []
    for scale in range(SCALES):
        k = 2 * np.pi / (SHORTEST * 2 ** (scale / 2))
        envelope = (k / BANDWIDTH) ** 2 * np.exp(-((k / BANDWIDTH) ** 2) * (x * x + y * y) / 2)
        for angle in np.arange(ORIENTATIONS) * np.pi / ORIENTATIONS:
            wave = np.exp(1j * k * (np.cos(angle) * x + np.sin(angle) * y))
            mean = (envelope * wave).sum() / envelope.sum()
            filters.append((envelope * (wave - mean)).ravel())
    bank = np.stack(filters, axis=1)
    columns = np.concatenate([bank.real, bank.imag], axis=1).astype(np.float32)
    columns.setflags(write=False)
    return columns


@register
class PatchGabor(FeatureFamily):
    """Magnitudes of 5 x 8 Gabor filters at 64 mesh points of an aligned crop.

    Wavelengths of 4 to 16 pixels, 8 orientations (see :func:`gabor_filters`). A scale's part, over
    all points and orientations, is brought to the same length, and the face's vector to length 1:
    contrast does not matter. Shape (n, 2560), no unit.

    References
    ----------
    Lades et al., Distortion invariant object recognition in the dynamic link architecture, IEEE
    Trans. Computers 1993; Lyons et al., Coding facial expressions with Gabor wavelets, FG 1998.

    Notes
    -----
    Unlike Lades et al. the Gaussian is half as wide (B is pi instead of 2 pi), so that the
    coarsest filter fits around a landmark, and what makes the filter sum to zero is computed on
    the pixels that it has. Windows are cut at the nearest whole pixel.
    """

    name = "patch_gabor"
    version = 1
    title = "Gabor magnitudes at 64 landmarks of an aligned crop"
    move_tolerance = 0.15
    mirror_tolerance = 0.005
    available_options: ClassVar[Mapping[str, Option]] = {
        "crop": Option(96, (48, 96), "side of the aligned crop in pixels, 48 or 96"),
        "window": Option(33, range(17, 66, 2), "filters' side in pixels, odd, 17 to 65"),
    }

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """``gabor:scale0:mesh33:angle0`` and so on: scale (fine to coarse), point, orientation."""
        return tuple(
            f"gabor:scale{scale}:mesh{point}:angle{k}"
            for scale in range(SCALES)
            for point in PATCH_POINTS
            for k in range(ORIENTATIONS)
        )

    @cached_property
    def mirror(self) -> tuple[np.ndarray, np.ndarray]:
        """Points change sides, an orientation becomes 180 degrees less it."""
        index = np.arange(self.width).reshape(SCALES, len(PATCH_POINTS), ORIENTATIONS)
        orientation = -np.arange(ORIENTATIONS) % ORIENTATIONS
        source = index[:, mirror_patch_order()][..., orientation].ravel()
        return source, np.ones(self.width, dtype=np.float32)

    def compute(self, faces: FaceBatch) -> np.ndarray:
        """Compute the magnitudes; float32, shape (n, 2560)."""
        crop, window = self.number("crop"), self.number("window")
        pixels = faces.crops(crop, MARGIN).pixels
        centres = compute_patch_centres(faces, crop, MARGIN)
        filters = gabor_filters(window)
        out = np.empty((len(faces), SCALES, len(PATCH_POINTS) * ORIENTATIONS), dtype=np.float32)
        windows = np.empty((len(PATCH_POINTS), window, window), dtype=np.float32)
        flat = windows.reshape(len(PATCH_POINTS), window * window)
        for row, face, points in zip(out, pixels, centres, strict=True):
            cut_windows(face, points, windows)
            # one product a face, always of the same shape: its rounding does not depend on others
            real, imaginary = np.split(flat @ filters, 2, axis=1)
            parts = np.hypot(real, imaginary).reshape(len(points), SCALES, ORIENTATIONS)
            row[:] = parts.swapaxes(0, 1).reshape(SCALES, -1)
            row /= np.maximum(np.linalg.norm(row, axis=1, keepdims=True), 1e-6)
        out /= np.float32(np.sqrt(SCALES))
        return out.reshape(len(faces), self.width)
