"""Skin folds that come with action units."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from mien.pipeline.rendered.action_units import ACTION_UNITS
from mien.pipeline.rendered.drawing import smooth_curve, soften, stroke
from mien.pipeline.rendered.mesh import FaceMesh

WRINKLE_TEXELS = 256

_FOLDS: tuple[tuple[tuple[tuple[int, ...], ...], dict[str, float], float], ...] = (
    (((108, 69, 104), (151, 108, 69)), {"AU1": 0.5, "AU2": 0.5}, 2.0),
    (((107, 9), (55, 8), (55, 193)), {"AU4": 0.8, "AU9": 0.5}, 1.6),
    (((130, 35), (226, 143), (31, 111)), {"AU6": 0.6}, 1.2),
    (((193, 122), (245, 196), (174, 196)), {"AU9": 0.9}, 1.3),
    (((129, 203, 206, 216, 212),), {"AU6": 0.25, "AU9": 0.5, "AU10": 0.7, "AU12": 0.8}, 2.2),
    (((57, 212, 202),), {"AU14": 0.9, "AU12": 0.3}, 1.6),
    (((43, 202, 210),), {"AU15": 0.8}, 1.8),
    (((200, 201, 194), (18, 83, 182)), {"AU17": 0.7}, 2.2),
    (((228, 229, 230, 231, 232),), {"AU6": 0.5, "AU7": 0.6, "AU9": 0.4}, 1.2),
)
"""Lines over vertices (picture's left), the units that deepen them, the softness in texels."""


@lru_cache(maxsize=2)
def build_wrinkles(mesh: FaceMesh) -> tuple[np.ndarray, np.ndarray]:
    """Draw the fold maps.

    Parameters
    ----------
    mesh : FaceMesh
        For the places.

    Returns
    -------
    maps : ndarray of float32, shape (2 * n, 256, 256)
        For each fold, the picture's left and its right side; positive where the fold darkens,
        slightly negative beside it.
    mixing : ndarray of float32, shape (n, len(ACTION_UNITS))
        How much each action unit deepens each fold.
    """
    spots = mesh.uv * (WRINKLE_TEXELS - 1)
    maps, mixing = [], np.zeros((len(_FOLDS), len(ACTION_UNITS)), np.float32)
    for row, (lines, units, softness) in enumerate(_FOLDS):
        for side in (np.arange(len(spots)), mesh.mirrored):
            mask = np.zeros((WRINKLE_TEXELS, WRINKLE_TEXELS), np.float32)
            for line in lines:
                stroke(mask, smooth_curve(spots[side[list(line)]]), 1.0, 1)
            dark = soften(mask, softness)
            light = np.roll(soften(mask, softness * 1.4), 3, axis=0)
            maps.append(dark / dark.max() - 0.4 * light / light.max())
        for unit, share in units.items():
            mixing[row, ACTION_UNITS.index(unit)] = share
    return np.stack(maps), mixing


def compute_wrinkle_map(mesh: FaceMesh, activations: np.ndarray, *, age: float) -> np.ndarray:
    """Compute how much the folds darken the texture.

    Parameters
    ----------
    mesh : FaceMesh
        The mesh.
    activations : ndarray of float32, shape (len(ACTION_UNITS), 2)
        Action units on the picture's left and right side.
    age : float
        From 0 (smooth skin) to 1.

    Returns
    -------
    ndarray of float32, shape (256, 256)
        Share of the light that is lost, in texture coordinates.
    """
    maps, mixing = build_wrinkles(mesh)
    depth = np.clip(mixing @ activations, 0, 1) * (0.18 + 0.20 * age)
    total = np.zeros((WRINKLE_TEXELS, WRINKLE_TEXELS), np.float32)
    for fold, share in zip(maps, depth.ravel(), strict=True):
        if share > 0.004:
            total += share * fold
    return total
