"""Faces without their light: fine structure divided by how strong it is around each pixel."""

from __future__ import annotations

import cv2
import numpy as np

_FLOOR = 3.0
"""Grey levels: structure weaker than this is taken for noise and not raised."""


def normalise_locally(picture: np.ndarray, *, blur: float = 0.8, reach: float = 4.0) -> np.ndarray:
    """Take out brightness, shading and contrast, and keep edges and texture.

    Parameters
    ----------
    picture : ndarray of uint8 or float32, shape (height, width)
        Grey levels.
    blur : float
        Standard deviation in pixels of the smoothing that comes first; it hides noise and blocks
        of compression.
    reach : float
        Standard deviation in pixels of the neighbourhood that counts as a pixel's surroundings.

    Returns
    -------
    ndarray of float32, shape (height, width)
        ``(x - mean) / (deviation + 3)`` with mean and standard deviation of the surroundings:
        about 0 on average, about 1 in size, near 0 where the picture is flat.
    """
    smooth = blur_grey(picture.astype(np.float32), blur)
    detail = smooth - blur_grey(smooth, reach)
    deviation = cv2.sqrt(blur_grey(detail * detail, reach))
    return detail / (deviation + np.float32(_FLOOR))


def blur_grey(picture: np.ndarray, deviation: float) -> np.ndarray:
    """Smooth a float32 picture by a Gaussian that ends at 2.5 standard deviations (in pixels)."""
    side = 2 * round(2.5 * deviation) + 1
    return cv2.GaussianBlur(picture, (side, side), deviation)
