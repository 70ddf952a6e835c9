"""The aligned face's grey pixels, without brightness and contrast."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import ClassVar

import numpy as np

from mien.features.base import FeatureFamily, Option
from mien.features.faces import FaceBatch
from mien.features.registry import register


@register
class Pixels(FeatureFamily):
    """Grey values of the aligned crop, brought to mean 0 and length 1.

    ``(g - mean(g)) / ||g - mean(g)||`` over the crop; shape (n, crop * crop), 2,304 as it comes,
    no unit; row after row from the top, each from the left. A crop of one value is all zero.

    References
    ----------
    Sirovich and Kirby, Low-dimensional procedure for the characterization of human faces, JOSA A
    1987, for pixels as a face's vector.
    """

    name = "pixels"
    version = 1
    title = "grey pixels of an aligned crop, mean 0 and length 1"
    move_tolerance = 0.2
    mirror_tolerance = 0.005
    available_options: ClassVar[Mapping[str, Option]] = {
        "crop": Option(48, (48, 96), "side of the aligned crop in pixels, 48 or 96"),
    }

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """``pixel:row0:col0`` and so on."""
        side = range(self.number("crop"))
        return tuple(f"pixel:row{row}:col{col}" for row in side for col in side)

    @cached_property
    def mirror(self) -> tuple[np.ndarray, np.ndarray]:
        """Each row is reversed."""
        size = self.number("crop")
        source = np.arange(size * size).reshape(size, size)[:, ::-1].ravel()
        return source, np.ones(self.width, dtype=np.float32)

    def compute(self, faces: FaceBatch) -> np.ndarray:
        """Compute the pixels; float32, shape (n, crop * crop)."""
        rows = faces.crops(self.number("crop")).grey.reshape(len(faces), self.width)
        # whole numbers: their sums are exact, however many faces there are
        sums = rows.sum(axis=1, dtype=np.int64)
        squares = np.einsum("ij,ij->i", rows, rows, dtype=np.int64)
        means = sums / self.width
        lengths = np.sqrt(np.maximum(squares - sums * means, 0))
        out = rows - means.astype(np.float32)[:, None]
        out /= np.maximum(lengths, 1e-6).astype(np.float32)[:, None]
        return out
