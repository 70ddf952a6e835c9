"""Faces as a store keeps them, 48 x 48 grey crops and landmarks, brought upright."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from mien.features.alignment import compute_crop_transform, transform_points, warp_crop
from mien.features.scheme import MESH_POINTS, select_named_points
from mien.pipeline.face_crop import CNN_SIDE


@dataclass(frozen=True)
class CroppedFaces:
    """Crops with the landmarks of the pictures they were cut from.

    Attributes
    ----------
    crops : ndarray of uint8, shape (n, 48, 48)
    mesh : ndarray of float32, shape (n, 478, 3)
        Landmarks in pixels of the pictures, (0, 0) at the centre of the top left pixel; NaN where
        none were measured.
    boxes : ndarray of float, shape (n, 3)
        Where each crop was cut: x and y of its corner and its side in pixels of the picture, as
        :class:`mien.pipeline.face_crop.CropBox` has them.
    sizes : ndarray of int, shape (n, 2)
        Each picture's width and height.
    """

    crops: np.ndarray
    mesh: np.ndarray
    boxes: np.ndarray
    sizes: np.ndarray

    def __post_init__(self) -> None:
        n = len(self.crops)
        expected = {
            "crops": (n, CNN_SIDE, CNN_SIDE),
            "mesh": (n, MESH_POINTS, 3),
            "boxes": (n, 3),
            "sizes": (n, 2),
        }
        wrong = [
            f"{name} has shape {getattr(self, name).shape}, expected {shape}"
            for name, shape in expected.items()
            if getattr(self, name).shape != shape
        ]
        if wrong:
            raise ValueError("; ".join(wrong))

    @classmethod
    def from_rows(cls, crops: np.ndarray, mesh: np.ndarray, rows: pd.DataFrame) -> CroppedFaces:
        """Take the boxes and sizes from a store's rows.

        Parameters
        ----------
        crops : ndarray of uint8, shape (n, 48, 48)
        mesh : ndarray of float32, shape (n, 478, 3)
        rows : DataFrame
            Columns ``crop_x``, ``crop_y``, ``crop_side``, ``width`` and ``height``; n rows.
        """
        boxes = rows[["crop_x", "crop_y", "crop_side"]].to_numpy(dtype=np.float64)
        return cls(crops, mesh, boxes, rows[["width", "height"]].to_numpy())

    def __len__(self) -> int:
        return len(self.crops)

    @cached_property
    def has_landmarks(self) -> np.ndarray:
        """Which faces have landmarks that tell eyes from mouth; bool, shape (n,)."""
        return np.isfinite(self._transforms).all(axis=(1, 2))

    @cached_property
    def aligned(self) -> np.ndarray:
        """Upright faces with eyes and mouth at fixed places; uint8, shape (n, 48, 48).

        A crop without landmarks is taken as it is.
        """
        faces = np.array(self.crops)
        for i in np.flatnonzero(self.has_landmarks):
            faces[i] = warp_crop(self.crops[i], self._transforms[i], size=CNN_SIDE, margin=0)
        return faces

    @cached_property
    def aligned_points(self) -> np.ndarray:
        """The 64 named landmarks in pixels of ``aligned``; float32, shape (n, 64, 2)."""
        points = select_named_points(self._mesh_in_crop)
        return transform_points(self._transforms, points).astype(np.float32)

    @cached_property
    def _transforms(self) -> np.ndarray:
        return compute_crop_transform(self._mesh_in_crop, CNN_SIDE)

    @cached_property
    def _mesh_in_crop(self) -> np.ndarray:
        """Landmarks in pixels of the crop, which was cut at whole pixels; shape (n, 478, 2)."""
        corner = np.floor(self.boxes[:, None, :2])
        scale = CNN_SIDE / np.maximum(1, np.round(self.boxes[:, 2]))
        return (self.mesh[:, :, :2] + 0.5 - corner) * scale[:, None, None] - 0.5
