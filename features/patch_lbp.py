"""Uniform local binary patterns around landmarks of an aligned face."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, lru_cache
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
    place_windows,
)
from mien.features.registry import register

NEIGHBOURS = 8
CODES = 2**NEIGHBOURS


def is_uniform(code: int) -> bool:
    """Tell whether a code's circle of bits changes at most twice."""
    turned = code >> 1 | (code & 1) << (NEIGHBOURS - 1)
    return (code ^ turned).bit_count() <= 2


UNIFORM: tuple[int, ...] = tuple(code for code in range(CODES) if is_uniform(code))
"""The 58 uniform codes; all others share the 59th bin."""

BINS = len(UNIFORM) + 1


@lru_cache(maxsize=16)
def _find_neighbours(radius: int) -> tuple[tuple[int, int, np.ndarray | None], ...]:
    """Return each neighbour's pixel (x, y), and how four pixels are weighted if it lies between.

    Places are rounded to 1/256 pixel: then weighted sums of grey values are exact in float32, and
    a neighbour in an even patch is exactly as bright as the centre.
    """
    neighbours = []
    for angle in np.arange(NEIGHBOURS) * 2 * np.pi / NEIGHBOURS:
        x, y = (round(256 * radius * float(f(angle))) / 256 for f in (np.cos, np.sin))
        x0, y0 = int(np.floor(x)), int(np.floor(y))
        taps = np.outer([1 - (y - y0), y - y0], [1 - (x - x0), x - x0]).astype(np.float32)
        neighbours.append((x0, y0, None if taps[0, 0] == 1 else taps))
    return tuple(neighbours)


def compute_codes(crop: np.ndarray, radius: int) -> np.ndarray:
    """Compare each pixel with eight neighbours on a circle.

    Parameters
    ----------
    crop : ndarray of uint8, shape (side, side)
    radius : int
        In pixels.

    Returns
    -------
    ndarray of uint8, shape (side, side)
        Bit ``p`` is 1 where the neighbour at ``p * 45`` degrees, counted from +x (right) towards
        +y (down), is at least as bright as the pixel. Outside, the crop's edge is repeated.
    """
    height, width = crop.shape
    edge = radius + 1
    padded = cv2.copyMakeBorder(crop, edge, edge, edge, edge, cv2.BORDER_REPLICATE)
    wide = padded.astype(np.float32)
    centre = wide[edge : edge + height, edge : edge + width]
    codes, brighter = np.zeros((2, height, width), dtype=np.uint8)
    between = np.empty_like(wide)
    for bit, (x, y, taps) in enumerate(_find_neighbours(radius)):
        if taps is not None:
            cv2.filter2D(wide, -1, taps, dst=between, anchor=(0, 0))
        source = wide if taps is None else between
        neighbour = source[edge + y : edge + y + height, edge + x : edge + x + width]
        cv2.compare(neighbour, centre, cv2.CMP_GE, dst=brighter)
        codes |= np.bitwise_and(brighter, 1 << bit, out=brighter)
    return codes


def count_patterns(
    codes: np.ndarray, corners: np.ndarray, window: int, *, scratch: np.ndarray | None = None
) -> np.ndarray:
    """Count the uniform codes in windows.

    Parameters
    ----------
    codes : ndarray of uint8, shape (height, width)
    corners : ndarray of int, shape (k, 2)
        The windows' top left pixels (x, y).
    window : int
        The windows' side in pixels.
    scratch : ndarray of intp, shape (2, k, window * window), optional
        Memory to work in, so that many faces need it once.

    Returns
    -------
    ndarray of int, shape (k, 59)
        In the order of :data:`UNIFORM`, then all others together.
    """
    k, width = len(corners), codes.shape[1]
    steps = np.arange(window)
    inside = (steps[:, None] * width + steps).ravel()
    first = corners[:, 1] * width + corners[:, 0]
    if scratch is None:
        scratch = np.empty((2, k, window * window), dtype=np.intp)
    at, flat = scratch
    np.add(first[:, None], inside, out=at)
    codes.ravel().astype(np.intp).take(at, out=flat, mode="clip")
    flat += np.arange(0, k * CODES, CODES)[:, None]
    counts = np.bincount(flat.ravel(), minlength=k * CODES).reshape(k, CODES)
    uniform = counts.take(UNIFORM, axis=1)
    others = window * window - uniform.sum(axis=1, keepdims=True)
    return np.concatenate([uniform, others], axis=1)


@register
class PatchLbp(FeatureFamily):
    """Histograms of uniform local binary patterns around 64 mesh points of an aligned crop.

    For each radius, every pixel's eight neighbours on a circle give a code, and each window's
    codes a histogram of 59 bins. Histograms are divided by their sums and rooted, so that dot
    products compare them as Bhattacharyya and Hellinger do. Shape (n, 7552) with radii of 2 and 4
    pixels, no unit; a face's vector has length 1.

    References
    ----------
    Ojala, Pietikäinen and Mäenpää, Multiresolution gray-scale and rotation invariant texture
    classification with local binary patterns, TPAMI 2002; Ahonen, Hadid and Pietikäinen, Face
    description with local binary patterns, TPAMI 2006.

    Notes
    -----
    Unlike Ahonen et al.: windows sit at landmarks instead of on a grid, at the nearest whole
    pixel. A pixel of a 48-pixel picture that holds the whole face covers about two of the crop's:
    smaller radii than 2 would mostly see how it was enlarged.
    """

    name = "patch_lbp"
    version = 1
    title = "local binary patterns around 64 landmarks of an aligned crop"
    move_tolerance = 0.5
    mirror_tolerance = 0.05
    available_options: ClassVar[Mapping[str, Option]] = {
        "crop": Option(96, (48, 96), "side of the aligned crop in pixels, 48 or 96"),
        "window": Option(24, range(6, 49), "window's side in pixels, 6 to 48"),
        "radii": Option((2, 4), range(1, 9), "circles' radii in pixels, each 1 to 8"),
    }

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """``lbp:radius2:mesh33:00000111`` and so on; bit 7 first, ``other`` at the end."""
        return tuple(
            f"lbp:radius{radius}:mesh{point}:{pattern}"
            for radius in self.numbers("radii")
            for point in PATCH_POINTS
            for pattern in (*(f"{code:08b}" for code in UNIFORM), "other")
        )

    @cached_property
    def mirror(self) -> tuple[np.ndarray, np.ndarray]:
        """Windows change sides, and so do the neighbours of a code."""
        bins = [UNIFORM.index(_mirror_code(code)) for code in UNIFORM] + [BINS - 1]
        index = np.arange(self.width).reshape(len(self.numbers("radii")), len(PATCH_POINTS), BINS)
        source = index[:, mirror_patch_order()][..., bins].ravel()
        return source, np.ones(self.width, dtype=np.float32)

    def compute(self, faces: FaceBatch) -> np.ndarray:
        """Compute the histograms; float32, shape (n, width)."""
        crop, window, radii = self.number("crop"), self.number("window"), self.numbers("radii")
        grey = faces.crops(crop, MARGIN).grey
        centres = compute_patch_centres(faces, crop, MARGIN)
        out = np.empty((len(faces), len(radii), len(PATCH_POINTS), BINS), dtype=np.float32)
        scratch = np.empty((2, len(PATCH_POINTS), window * window), dtype=np.intp)
        for histograms, face, points in zip(out, grey, centres, strict=True):
            corners = place_windows(points, window, len(face))
            for histogram, radius in zip(histograms, radii, strict=True):
                # no more of the crop than the windows and their pixels' neighbours
                low = np.maximum(corners.min(axis=0) - radius - 1, 0)
                high = corners.max(axis=0) + window + radius + 1
                codes = compute_codes(face[low[1] : high[1], low[0] : high[0]], radius)
                histogram[:] = count_patterns(codes, corners - low, window, scratch=scratch)
        out /= window * window * len(radii) * len(PATCH_POINTS)
        return np.sqrt(out, out=out).reshape(len(faces), self.width)


def _mirror_code(code: int) -> int:
    bits = (code >> p & 1 for p in range(NEIGHBOURS))
    return sum(bit << (NEIGHBOURS // 2 - p) % NEIGHBOURS for p, bit in enumerate(bits))
