"""A batch of faces: what every feature family reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from mien.features.alignment import compute_crop_transform, measure_extremes, warp_crop
from mien.features.scheme import MESH_POINTS

BLENDSHAPES = 52


@dataclass(frozen=True, eq=False)
class AlignedCrops:
    """Upright, equally sized faces of a batch.

    Attributes
    ----------
    grey : ndarray of uint8, shape (n, size + 2 * margin, size + 2 * margin)
        Grey values as they are, the margin's clipped to those of the face.
    darkest, brightest : ndarray of float32, shape (n,)
        The extremes of each face.
    transforms : ndarray of float32, shape (n, 2, 3)
        From the pictures to ``grey``, margin included.
    """

    grey: np.ndarray
    darkest: np.ndarray
    brightest: np.ndarray
    transforms: np.ndarray

    @cached_property
    def gain(self) -> np.ndarray:
        """What stretches each face's contrast to 0-255; float32, shape (n,)."""
        return np.float32(255) / np.maximum(self.brightest - self.darkest, np.float32(1))

    @cached_property
    def pixels(self) -> np.ndarray:
        """Grey values, the face's darkest 0 and its brightest 255; float32, shaped like ``grey``.

        A face of one value is all zero.
        """
        stretched = self.grey - self.darkest[:, None, None]
        stretched *= self.gain[:, None, None]
        stretched.setflags(write=False)
        return stretched


@dataclass(frozen=True)
class FaceBatch:
    """Faces whose landmarks are known.

    Attributes
    ----------
    pictures : sequence of ndarray of uint8, each of shape (height, width)
        Grey pictures, of any sizes.
    mesh : ndarray of float32, shape (n, 478, 3)
        Landmarks in pixels of the picture: x right, y down, z away from the camera, all at the
        same scale; (0, 0) is the centre of the top left pixel.
    blendshapes : ndarray of float32, shape (n, 52)
        Expression coefficients from 0 to 1, in the order of
        :data:`mien.features.blendshapes.BLENDSHAPE_NAMES`.
    """

    pictures: Sequence[np.ndarray]
    mesh: np.ndarray
    blendshapes: np.ndarray
    _crops: dict[tuple[int, int], AlignedCrops] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        n = len(self.pictures)
        expected = {"mesh": (n, MESH_POINTS, 3), "blendshapes": (n, BLENDSHAPES)}
        wrong = [
            f"{name} has shape {getattr(self, name).shape}, expected {shape}"
            for name, shape in expected.items()
            if getattr(self, name).shape != shape
        ]
        wrong += [
            f"picture {i} has shape {picture.shape} of {picture.dtype}, expected two axes of uint8"
            for i, picture in enumerate(self.pictures)
            if picture.ndim != 2 or picture.dtype != np.uint8
        ]
        if wrong:
            raise ValueError("; ".join(wrong))

    def __len__(self) -> int:
        return len(self.pictures)

    def crops(self, size: int, margin: int = 0) -> AlignedCrops:
        """Return the aligned faces, cut once for all the families that ask for the same.

        Parameters
        ----------
        size : int
            The crop's side in pixels, without the margin; see
            :func:`mien.features.alignment.compute_crop_transform`.
        margin : int
            Extra pixels on each side, which do not count for the contrast.

        Returns
        -------
        AlignedCrops
            Do not write into its arrays.
        """
        key = (size, margin)
        if key not in self._crops:
            self._crops[key] = self._cut(size, margin)
        return self._crops[key]

    def _cut(self, size: int, margin: int) -> AlignedCrops:
        transforms = compute_crop_transform(self.mesh, size)
        side = size + 2 * margin
        grey = np.empty((len(self), side, side), dtype=np.uint8)
        extremes = np.empty((len(self), 2), dtype=np.float32)
        for i, (picture, transform) in enumerate(zip(self.pictures, transforms, strict=True)):
            crop = warp_crop(picture, transform, size=size, margin=margin)
            extremes[i] = darkest, brightest = measure_extremes(crop, margin)
            np.clip(crop, darkest, brightest, out=grey[i])
        transforms[:, :, 2] += margin
        grey.setflags(write=False)
        return AlignedCrops(grey, extremes[:, 0], extremes[:, 1], transforms)
