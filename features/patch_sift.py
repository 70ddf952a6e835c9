"""OpenCV's SIFT descriptors at landmarks of an aligned face."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import ClassVar

import cv2
import numpy as np

from mien.features.base import FeatureFamily, Option
from mien.features.faces import FaceBatch
from mien.features.patch_points import (
    MARGIN,
    PATCH_POINTS,
    compute_patch_centres,
    mirror_cells,
    name_cells,
)
from mien.features.registry import register

CELLS = 4
ORIENTATIONS = 8


@register
class PatchSift(FeatureFamily):
    """SIFT descriptors of fixed size and direction at 64 mesh points of an aligned crop.

    4 x 4 cells of 8 signed orientations, weighted by a Gaussian, normalised and clipped at 0.2
    (OpenCV's ``SIFT``, whose gradients come from a crop blurred by 1.6 pixels); each descriptor is
    divided by its sum and rooted. Shape (n, 8192), no unit; a face's vector has length 1.

    References
    ----------
    Lowe, Distinctive image features from scale-invariant keypoints, IJCV 2004; Arandjelovic and
    Zisserman, Three things everyone should know to improve object retrieval, CVPR 2012 (the root).

    Notes
    -----
    Nothing is detected: keypoints are the landmarks, upright, all of one size. OpenCV gives whole
    numbers from 0 to 255 and moves centres to the nearest pixel.
    """

    name = "patch_sift"
    version = 1
    title = "SIFT descriptors at 64 landmarks of an aligned crop"
    move_tolerance = 0.12
    mirror_tolerance = 0.01
    available_options: ClassVar[Mapping[str, Option]] = {
        "crop": Option(96, (48, 96), "side of the aligned crop in pixels, 48 or 96"),
        "window": Option(24, range(12, 73, 6), "window's side in pixels, a multiple of 6 from 12"),
    }

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """``sift:mesh33:row0:col0:bin0`` and so on: window, cell, orientation.

        Bin ``k`` stands for gradients that point to ``k * 45`` degrees, counted from right to up.
        """
        return name_cells("sift", CELLS, ORIENTATIONS)

    @cached_property
    def mirror(self) -> tuple[np.ndarray, np.ndarray]:
        """Windows change sides, columns of cells are reversed, x components change sign."""
        return mirror_cells(CELLS, ORIENTATIONS)

    def compute(self, faces: FaceBatch) -> np.ndarray:
        """Compute the descriptors; float32, shape (n, 8192)."""
        crop = self.number("crop")
        pixels = faces.crops(crop, MARGIN).pixels
        centres = compute_patch_centres(faces, crop, MARGIN)
        sift = cv2.SIFT.create()
        # a cell of OpenCV's descriptor is 1.5 times as wide as the keypoint's size
        size = self.number("window") / (CELLS * 1.5)
        out = np.empty((len(faces), self.width), dtype=np.float32)
        for row, face, points in zip(out, pixels, centres, strict=True):
            keypoints = [cv2.KeyPoint(float(x), float(y), size, 0.0) for x, y in points]
            _, found = sift.compute(np.rint(face).astype(np.uint8), keypoints)
            sums = found.sum(axis=1, keepdims=True)
            row[:] = np.sqrt(found / np.maximum(sums, 1)).ravel()
        out /= np.float32(np.sqrt(len(PATCH_POINTS)))
        return out
