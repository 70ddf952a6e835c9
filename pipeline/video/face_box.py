"""The box around a face's landmarks, and how much two boxes have in common."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class FaceBox:
    """A rectangle of a picture.

    Attributes
    ----------
    x, y : float
        The top left corner in pixels; (0, 0) is the picture's corner. May lie outside.
    width, height : float
        In pixels.
    """

    x: float
    y: float
    width: float
    height: float

    @property
    def centre(self) -> np.ndarray:
        """Its middle (x, y); float64, shape (2,)."""
        return np.array([self.x + self.width / 2, self.y + self.height / 2])

    @property
    def size(self) -> float:
        """The longer side in pixels."""
        return max(self.width, self.height)

    def contains(self, point: np.ndarray) -> bool:
        """Tell whether a point (x, y) lies inside."""
        across, down = point[0] - self.x, point[1] - self.y
        return bool(0 <= across <= self.width and 0 <= down <= self.height)

    def measure_overlap(self, other: FaceBox) -> float:
        """Compute the area that both share over the area that either has, 0 to 1."""
        across = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        down = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        shared = max(across, 0.0) * max(down, 0.0)
        either = self.width * self.height + other.width * other.height - shared
        return shared / either if either > 0 else 0.0

    def measure_distance(self, other: FaceBox) -> float:
        """Compute how far the middles are apart, in sides of the larger box."""
        apart = float(np.linalg.norm(self.centre - other.centre))
        return apart / max(self.size, other.size, 1e-9)


def box_around(mesh: np.ndarray) -> FaceBox:
    """Return the box of landmarks.

    Parameters
    ----------
    mesh : ndarray, shape (k, 2) or (k, 3)
        In pixels; (0, 0) is the centre of the top left pixel.
    """
    low, high = mesh[:, :2].min(axis=0) + 0.5, mesh[:, :2].max(axis=0) + 0.5
    return FaceBox(*low.tolist(), *(high - low).tolist())
