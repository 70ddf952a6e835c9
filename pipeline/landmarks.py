"""A face's landmarks as found in one picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

FALLBACK = "fallback-"
"""What the name of an attempt starts with that placed landmarks where no face was found."""


@dataclass(frozen=True)
class RawFace:
    """What a landmarker finds in a prepared picture.

    Attributes
    ----------
    mesh : ndarray of float32, shape (478, 3)
        In pixels; (0, 0) is the prepared picture's top left corner.
    blendshapes : ndarray of float32, shape (52,)
    presence : float
        See :class:`Landmarks`.
    """

    mesh: np.ndarray
    blendshapes: np.ndarray
    presence: float


class Landmarker(Protocol):
    """What finds one face's landmarks in a square picture."""

    def find(self, prepared: np.ndarray, *, confidence: float) -> RawFace | None:
        """Find the most certain face of a picture of shape (side, side) or (side, side, 3)."""
        ...

    def close(self) -> None:
        """Free what it holds."""
        ...


@dataclass(frozen=True)
class Landmarks:
    """One face, in pixels of the original picture.

    Attributes
    ----------
    mesh : ndarray of float32, shape (478, 3)
        x right, y down, z away from the camera, all in pixels; (0, 0) is the centre of the top
        left pixel.
    blendshapes : ndarray of float32, shape (52,)
        Expression coefficients from 0 to 1.
    presence : float
        The landmark network's score that there is a face, from 0 to 1; NaN where the detector does
        not tell it or no network placed the landmarks.
    attempt : str
        Which attempt of the cascade found the face, or which fallback placed it.
    """

    mesh: np.ndarray
    blendshapes: np.ndarray
    presence: float
    attempt: str

    @property
    def measured(self) -> bool:
        """Whether a face was found, and not only placed by a fallback."""
        return not self.attempt.startswith(FALLBACK)
