"""Where the 64 named points lie in the picture: landmarks as plain numbers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import ClassVar

import numpy as np

from mien.features.base import FeatureFamily, Option
from mien.features.faces import FaceBatch
from mien.features.registry import register
from mien.features.scheme import POINTS, mirror_order, select_named_points


@register
class Points(FeatureFamily):
    """Coordinates of the named points in their picture, nothing aligned.

    x to the right, then y down, of each point in the thesis's order, from the picture's middle, in
    its longer sides: -0.5 to 0.5. Shape (n, 128); (n, 26) with ``primary=1``, the first tier of
    Table 1.1.

    Notes
    -----
    The plainest reading of the thesis's "extracting the facial landmarks, such as the eyes, nose,
    and mouth, and representing them as numerical features" (3.2.2). The numbers change with the
    face's place, size and roll in the picture, so they are a baseline: ``geometry`` is what to use.
    """

    name = "points"
    version = 1
    title = "coordinates of the 64 named points in the picture, not aligned"
    move_tolerance = 5.0
    available_options: ClassVar[Mapping[str, Option]] = {
        "primary": Option(0, (0, 1), "choice of the 13 primary points, 1, or of all 64, 0"),
    }

    @cached_property
    def _rows(self) -> np.ndarray:
        primary = self.number("primary")
        return np.array([i for i, point in enumerate(POINTS) if point.primary or not primary])

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """``x:nose_tip``, ``y:nose_tip`` and so on."""
        return tuple(f"{axis}:{POINTS[i].name}" for i in self._rows for axis in "xy")

    @cached_property
    def mirror(self) -> tuple[np.ndarray, np.ndarray]:
        """Left and right points change places, and x changes its sign."""
        place = {int(row): i for i, row in enumerate(self._rows)}
        partners = np.array([place[int(mirror_order()[row])] for row in self._rows])
        source = (2 * partners[:, None] + np.arange(2)).ravel()
        return source, np.tile(np.array([-1, 1], np.float32), len(partners))

    def compute(self, faces: FaceBatch) -> np.ndarray:
        """Compute the coordinates; float32, shape (n, 128) or (n, 26)."""
        shapes = np.array([picture.shape[:2] for picture in faces.pictures]).reshape(-1, 2)
        middles = (shapes[:, None, ::-1] - 1) / 2
        sides = shapes.max(axis=1, initial=1)[:, None, None]
        named = select_named_points(faces.mesh)[:, self._rows, :2]
        placed = (named - middles) / sides
        return placed.reshape(len(faces), self.width).astype(np.float32)
