"""Histograms of oriented gradients on a regular grid over the aligned face."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import ClassVar

import cv2
import numpy as np

from mien.features.base import FeatureFamily, Option
from mien.features.faces import FaceBatch
from mien.features.registry import register

BINS = 9
_NO_GAUSSIAN = 1e6


@register
class DenseHog(FeatureFamily):
    """Dalal and Triggs' gradient histograms on a grid, with cells of several sizes.

    For every size ``c``: 9 unsigned orientations in cells of c x c pixels, blocks of 2 x 2 cells
    at every cell, each block normalised, clipped at 0.2 and normalised again (L2-Hys); OpenCV's
    ``HOGDescriptor``. A size's part has length 1. Shape (n, 5256) with cells of 8 and 16 pixels of
    a 96-pixel crop, no unit.

    References
    ----------
    Dalal and Triggs, Histograms of oriented gradients for human detection, CVPR 2005.

    Notes
    -----
    The crop's contrast is stretched to 0-255; grey values are not rooted. Blocks have no Gaussian
    weights: OpenCV centres them half a pixel off, and a mirrored face would not have the mirrored
    features.
    """

    name = "dense_hog"
    version = 1
    title = "gradient histograms on a grid over an aligned crop"
    move_tolerance = 0.25
    mirror_tolerance = 0.005
    available_options: ClassVar[Mapping[str, Option]] = {
        "crop": Option(96, (48, 96), "side of the aligned crop in pixels, 48 or 96"),
        "cells": Option(
            (8, 16), (4, 6, 8, 12, 16, 24), "cells' sides in pixels: some of 4, 6, 8, 12, 16, 24"
        ),
    }

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """``dense_hog:cell8:block0,0:cell0,0:bin0``; places are column and row, from 0."""
        return tuple(
            f"dense_hog:cell{cell}:block{x},{y}:cell{i},{j}:bin{k}"
            for cell in self.numbers("cells")
            for x in range(self._blocks(cell))
            for y in range(self._blocks(cell))
            for i in range(2)
            for j in range(2)
            for k in range(BINS)
        )

    @cached_property
    def mirror(self) -> tuple[np.ndarray, np.ndarray]:
        """Columns of blocks and of cells are reversed, and so are orientations."""
        sources: list[np.ndarray] = []
        start = 0
        for cell in self.numbers("cells"):
            shape = (self._blocks(cell), self._blocks(cell), 2, 2, BINS)
            index = start + np.arange(np.prod(shape)).reshape(shape)
            sources.append(index[::-1, :, ::-1, :, ::-1].ravel())
            start += index.size
        return np.concatenate(sources), np.ones(start, dtype=np.float32)

    def compute(self, faces: FaceBatch) -> np.ndarray:
        """Compute the histograms; float32, shape (n, width)."""
        crops = faces.crops(self.number("crop"))
        descriptors = [self._descriptor(cell) for cell in self.numbers("cells")]
        out = np.empty((len(faces), self.width), dtype=np.float32)
        for row, pixels in zip(out, crops.pixels, strict=True):
            grey = np.rint(pixels).astype(np.uint8)
            start = 0
            for descriptor in descriptors:
                part = np.ravel(descriptor.compute(grey))
                part /= max(float(np.linalg.norm(part)), 1e-6)
                row[start : start + part.size] = part
                start += part.size
        return out

    def _blocks(self, cell: int) -> int:
        return self.number("crop") // cell - 1

    def _descriptor(self, cell: int) -> cv2.HOGDescriptor:
        side = self.number("crop")
        return cv2.HOGDescriptor(
            (side, side), (2 * cell, 2 * cell), (cell, cell), (cell, cell), BINS,
            1, _NO_GAUSSIAN, cv2.HOGDescriptor_L2Hys, 0.2, False, 64, False,
        )  # fmt: skip
