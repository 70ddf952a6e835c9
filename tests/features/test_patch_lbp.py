from __future__ import annotations

import numpy as np
import pytest

from mien.features.patch_lbp import (
    BINS,
    UNIFORM,
    compute_codes,
    count_patterns,
    is_uniform,
)
from mien.features.patch_points import cut_windows
from mien.features.registry import get_family

Y, X = np.mgrid[:21, :21]


def test_uniform_codes_are_ojalas_58() -> None:
    assert len(UNIFORM) == 58
    assert BINS == 59
    assert is_uniform(0b00000000)
    assert is_uniform(0b11000011)
    assert not is_uniform(0b00000101)
    assert not is_uniform(0b10000001 ^ 0b00011000 ^ 0b00000001)


@pytest.mark.parametrize("radius", [1, 2, 3, 5])
def test_codes_of_ramps(radius: int) -> None:
    """Brighter to the right: the neighbours at 0 and ±45 degrees, and the equal ones at ±90."""
    right = compute_codes((10 * X).astype(np.uint8), radius)
    down = compute_codes((10 * Y).astype(np.uint8), radius)
    assert f"{right[10, 10]:08b}" == "11000111"
    assert f"{down[10, 10]:08b}" == "00011111"


@pytest.mark.parametrize("radius", [1, 2, 4, 7])
@pytest.mark.parametrize("grey", [0, 1, 77, 254, 255])
def test_an_even_patch_is_all_ones(radius: int, grey: int) -> None:
    """Rounding of the interpolated neighbours must not make them darker than the centre."""
    assert (compute_codes(np.full((21, 21), grey, np.uint8), radius) == 255).all()


def test_a_single_neighbour_sets_its_bit() -> None:
    crop = np.full((9, 9), 100, np.uint8)
    crop[4, 4] = 150
    crop[4, 6] = 200  # right
    crop[2, 4] = 200  # up
    assert f"{compute_codes(crop, 2)[4, 4]:08b}" == "01000001"


def test_diagonal_neighbours_are_interpolated() -> None:
    """At radius 2 the neighbour at 45 degrees lies 1.414 pixels right and down."""
    crop = np.zeros((9, 9), np.uint8)
    crop[5:7, 5:7] = [[40, 80], [120, 200]]
    f = round(256 * 2**0.5) / 256 - 1
    value = (1 - f) ** 2 * 40 + f * (1 - f) * (80 + 120) + f * f * 200
    for centre, bit in ((int(value), 1), (int(value) + 1, 0)):
        crop[4, 4] = centre
        assert compute_codes(crop, 2)[4, 4] >> 1 & 1 == bit


def test_counts_by_hand() -> None:
    codes = np.array([[0, 0, 255, 9], [255, 5, 255, 255], [10, 255, 255, 3]], np.uint8)
    counts = count_patterns(codes, np.array([[0, 0], [1, 1]]), 2)
    assert counts.shape == (2, 59)
    assert counts.sum(axis=1).tolist() == [4, 4]
    assert counts[0, [UNIFORM.index(0), UNIFORM.index(255), 58]].tolist() == [2, 1, 1]
    assert counts[1, [UNIFORM.index(0), UNIFORM.index(255), 58]].tolist() == [0, 3, 1]


def test_windows_are_cut_at_the_nearest_pixel_and_kept_inside() -> None:
    crop = np.arange(100).reshape(10, 10)
    centres = np.array([[4.0, 5.0], [4.4, 4.6], [-9.0, 5.0], [30.0, 30.0]])
    odd, even = np.zeros((4, 3, 3), int), np.zeros((2, 2, 2), int)
    cut_windows(crop, centres, odd)
    assert odd[:, 1, 1].tolist() == [54, 54, 51, 88]
    assert odd[0].tolist() == [[43, 44, 45], [53, 54, 55], [63, 64, 65]]
    cut_windows(crop, np.array([[4.5, 4.5], [4.3, 4.7]]), even)
    assert even[:, 0, 0].tolist() == [44, 44]


def test_histograms_are_rooted_shares(rendered_faces) -> None:
    values = get_family("patch_lbp").compute(rendered_faces).reshape(-1, 2, 64, 59)
    np.testing.assert_allclose((values**2).sum(axis=-1), 1 / 128, rtol=1e-5)
    np.testing.assert_allclose((values**2).sum(axis=(1, 2, 3)), 1, rtol=1e-5)


def test_radii_stand_in_the_order_that_was_asked_for(rendered_faces) -> None:
    one = get_family("patch_lbp@radii=3")
    two = get_family("patch_lbp@radii=1-3")
    assert two.feature_names[one.width :] == one.feature_names
    np.testing.assert_allclose(
        two.compute(rendered_faces)[:, one.width :] * 2**0.5, one.compute(rendered_faces), rtol=1e-5
    )


@pytest.mark.parametrize("radius", [1, 2, 5, 8])
def test_codes_are_those_of_whole_number_arithmetic(radius: int) -> None:
    """Also at the edge and for large circles; few grey values, so that many are equal."""
    crop = np.random.default_rng(radius).integers(0, 3, (23, 30)).astype(np.uint8)
    padded = np.pad(crop.astype(np.int64), radius + 1, mode="edge")
    expected = np.zeros((23, 30), np.int64)
    for bit in range(8):
        angle = bit * np.pi / 4
        x, y = round(256 * radius * np.cos(angle)), round(256 * radius * np.sin(angle))
        (left, fx), (top, fy) = divmod(x, 256), divmod(y, 256)
        value = np.zeros((23, 30), np.int64)
        for dy, wy in ((0, 256 - fy), (1, fy)):
            for dx, wx in ((0, 256 - fx), (1, fx)):
                row, column = radius + 1 + top + dy, radius + 1 + left + dx
                if wy * wx:
                    value += wy * wx * padded[row : row + 23, column : column + 30]
        expected += (value >= 256 * 256 * crop.astype(np.int64)) << bit
    np.testing.assert_array_equal(compute_codes(crop, radius), expected)
