"""Probabilities that follow their past: smoothing over time, face by face."""

from __future__ import annotations

import math

import numpy as np


class ProbabilitySmoother:
    """Exponential smoothing that looks back only, and knows how much time has passed.

    Parameters
    ----------
    seconds : float
        The time after which a sudden change is followed to 63 %; 0 for no smoothing.

    Notes
    -----
    With the time ``d`` since the face was last seen, ``p = p + (1 - exp(-d / seconds)) (new - p)``:
    the answer does not depend on the frame rate, and after a gap the new weighs more. A weighted
    mean of probabilities, so they still sum to 1.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._faces: dict[int, tuple[float, np.ndarray]] = {}

    def smooth(self, face: int, seconds: float, probabilities: np.ndarray) -> np.ndarray:
        """Return a face's smoothed probabilities, shape (n_classes,).

        Parameters
        ----------
        face : int
            The face's number; each has its own past.
        seconds : float
            The frame's time, later than the face's last.
        probabilities : ndarray, shape (n_classes,)
            What the model says of this frame.
        """
        if self._seconds <= 0:
            return probabilities
        if face in self._faces:
            before, past = self._faces[face]
            weight = -math.expm1(-(seconds - before) / self._seconds)
            probabilities = past + weight * (probabilities - past)
        self._faces[face] = (seconds, probabilities)
        return probabilities
