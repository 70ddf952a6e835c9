from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mien.features.alignment import ALIGNED_EYES_AND_MOUTH, measure_extremes
from mien.features.faces import AlignedCrops, FaceBatch
from mien.features.scheme import MESH_POINTS


def aligned_face(picture: np.ndarray, size: int) -> FaceBatch:
    """A face that lies in the picture as it will lie in a crop of this size."""
    mesh = np.zeros((1, MESH_POINTS, 3), np.float32)
    left, right, mouth = ALIGNED_EYES_AND_MOUTH * size - 0.5
    mesh[0, [33, 133, 159, 145], :2] = left
    mesh[0, [263, 362, 386, 374], :2] = right
    mesh[0, [61, 291], :2] = mouth
    return FaceBatch([picture], mesh, np.zeros((1, 52), np.float32))


def test_extremes_are_those_inside_the_margin() -> None:
    crop = np.full((8, 8), 90, np.uint8)
    crop[2, 2], crop[5, 5], crop[0, 0], crop[7, 7] = 50, 150, 255, 0
    assert measure_extremes(crop, 2) == (50, 150)
    assert measure_extremes(crop, 0) == (0, 255)


def test_contrast_is_stretched_inside_the_margin() -> None:
    picture = np.full((40, 40), 90, np.uint8)
    picture[3, 3], picture[9, 9] = 50, 150
    picture[25, 25], picture[30, 30] = 255, 0
    crops = aligned_face(picture, 20).crops(20, 10)
    grey, pixels = crops.grey[0], crops.pixels[0]
    assert (grey.dtype, pixels.dtype) == (np.uint8, np.float32)
    assert grey.shape == pixels.shape == (40, 40)
    assert (crops.darkest[0], crops.brightest[0]) == (50, 150)
    assert (grey[13, 13], grey[35, 35], grey[39, 39]) == (50, 150, 90)
    assert (pixels[13, 13], pixels[35, 35]) == (0, 255)
    assert pixels[0, 0] == pytest.approx(255 * 40 / 100)


def test_a_crop_of_one_value_is_zero() -> None:
    assert not aligned_face(np.full((30, 30), 77, np.uint8), 20).crops(20, 2).pixels.any()


def test_crops_are_cut_once(make_faces: Callable[..., FaceBatch]) -> None:
    faces = make_faces(2)
    assert isinstance(faces.crops(48), AlignedCrops)
    assert faces.crops(48) is faces.crops(48, 0)
    assert faces.crops(48) is not faces.crops(48, 3)
    assert faces.crops(48).pixels is faces.crops(48).pixels


def test_crops_cannot_be_written(make_faces: Callable[..., FaceBatch]) -> None:
    crops = make_faces(1).crops(48, 4)
    for array in (crops.grey, crops.pixels):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0, 0] = 1


def test_margins_only_add_pixels(make_faces: Callable[..., FaceBatch]) -> None:
    faces = make_faces(3)
    with_margin, without = faces.crops(96, 24), faces.crops(96)
    inner = with_margin.grey[:, 24:-24, 24:-24].astype(int)
    assert np.abs(inner - without.grey).max() <= 1
    np.testing.assert_allclose(with_margin.transforms[:, :, 2], without.transforms[:, :, 2] + 24)
