from __future__ import annotations

import numpy as np
import pytest

from mien.pipeline.face_region import (
    Region,
    cut_region,
    place_in_picture,
    region_from_box,
    region_from_mesh,
)


def test_the_region_of_a_box_is_half_as_large_again_and_turned_with_the_eyes() -> None:
    box = (np.array([10.0, 20.0]), np.array([50.0, 40.0]))
    region = region_from_box(*box, np.array([20.0, 30.0]), np.array([30.0, 40.0]))
    assert (region.x, region.y, region.side) == (30, 30, 60)
    assert region.angle == pytest.approx(np.pi / 4)  # the right eye is lower


def test_the_region_of_landmarks_is_that_of_their_box() -> None:
    mesh = np.full((478, 3), 50.0)
    mesh[0], mesh[1] = (40, 30, 9), (60, 90, -9)
    mesh[33], mesh[263] = (45, 60, 0), (55, 60, 0)
    assert region_from_mesh(mesh) == Region(50, 60, 90, 0)


def test_a_whole_picture_of_the_same_size_stays_as_it_is() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    np.testing.assert_array_equal(cut_region(picture, Region(32, 32, 64), 64), picture)


def test_pixels_outside_repeat_the_edge() -> None:
    picture = np.full((10, 10, 3), 7, np.uint8)
    assert (cut_region(picture, Region(5, 5, 30), 16) == 7).all()


def test_what_stands_in_the_crop_is_placed_where_it_was_in_the_picture() -> None:
    y, x = np.mgrid[:200, :200]
    picture = (255 * np.exp(-((x - 120) ** 2 + (y - 80) ** 2) / 200)).astype(np.uint8)
    region = Region(110, 90, 100, 0.4)
    crop = cut_region(picture, region, 256).astype(float)
    y, x = np.mgrid[:256, :256]
    share = np.array([[(crop * x).sum(), (crop * y).sum(), 0]]) / crop.sum() / 256
    share[0, 2] = 0.1
    placed = place_in_picture(share, region)
    np.testing.assert_allclose(placed, [[120, 80, 10]], atol=0.3)
