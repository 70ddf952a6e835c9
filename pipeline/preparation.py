"""Bringing a picture into the form that the landmarker likes, and its landmarks back."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from mien.pipeline.landmarks import Landmarks, RawFace

MAX_SIDE = 1280
MIN_SIDE = 192


@dataclass(frozen=True)
class Attempt:
    """How a picture is prepared for one try.

    Attributes
    ----------
    name : str
        Kept with the row that it found.
    border : float
        Black border on every side, as a share of the picture's longer side.
    roll : float
        Degrees by which the picture is turned anticlockwise.
    equalise : bool
        Whether the contrast is equalised.
    upscale : bool
        Whether a picture below :data:`MIN_SIDE` is enlarged to it.
    lenient : bool
        Whether the landmarker accepts faces it is unsure of.
    """

    name: str
    border: float
    roll: float = 0.0
    equalise: bool = False
    upscale: bool = True
    lenient: bool = False


def prepare_picture(picture: np.ndarray, attempt: Attempt) -> tuple[np.ndarray, np.ndarray]:
    """Bring a picture into the form that one attempt asks for.

    Parameters
    ----------
    picture : ndarray of uint8, shape (height, width) or (height, width, 3)
        Grey or RGB.
    attempt : Attempt

    Returns
    -------
    prepared : ndarray of uint8, shape (side, side) or (side, side, 3)
        Grey or RGB like ``picture``, contiguous.
    matrix : ndarray of float64, shape (2, 3)
        From pixels of ``picture`` to pixels of ``prepared``.
    """
    height, width = picture.shape[:2]
    longer = max(height, width)
    scale = MIN_SIDE / longer if attempt.upscale and longer < MIN_SIDE else 1.0
    if longer > MAX_SIDE:
        scale = MAX_SIDE / longer
    if attempt.equalise:
        picture = cv2.equalizeHist(to_grey(picture))
    side = round(longer * scale * (1 + 2 * attempt.border))
    angle = np.radians(attempt.roll)
    turn = scale * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    matrix = np.column_stack([turn, (side - 1) / 2 - turn @ centre])
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        reduced = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        kept = np.array([size[0] / width, size[1] / height])
        shift = (1 / kept - 1) / 2
        smaller = np.column_stack([matrix[:, :2] / kept, matrix[:, 2] + matrix[:, :2] @ shift])
        prepared = cv2.warpAffine(reduced, smaller, (side, side), flags=cv2.INTER_LINEAR)
    else:
        prepared = cv2.warpAffine(picture, matrix, (side, side), flags=cv2.INTER_CUBIC)
    return prepared, matrix


def to_grey(picture: np.ndarray) -> np.ndarray:
    """Return the luma of an RGB picture, or a grey picture as it is."""
    return picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)


def to_landmarks(face: RawFace, matrix: np.ndarray, attempt: str) -> Landmarks:
    """Undo the preparation: prepared pixels (edges at whole numbers) to picture pixels."""
    inverse = cv2.invertAffineTransform(matrix)
    xy = (face.mesh[:, :2] - 0.5) @ inverse[:, :2].T + inverse[:, 2]
    z = face.mesh[:, 2:] * np.hypot(inverse[0, 0], inverse[1, 0])
    mesh = np.concatenate([xy, z], axis=1).astype(np.float32)
    return Landmarks(mesh, face.blendshapes, face.presence, attempt)
