from __future__ import annotations

import numpy as np
import pytest

from mien.features.gradient_cells import CellSummer, orientation_table

Y, X = np.mgrid[:16, :16]


def compute_planes(crop: np.ndarray) -> np.ndarray:
    """The plain way: central differences, shared between two orientations; (side, side, 8)."""
    padded = np.pad(crop.astype(float), 1, mode="reflect")
    dx = (padded[1:-1, 2:] - padded[1:-1, :-2]) / 2
    dy = (padded[2:, 1:-1] - padded[:-2, 1:-1]) / 2
    position = np.arctan2(dy, dx) / (np.pi / 4)
    k = np.arange(8)
    apart = np.abs((position[..., None] - k + 4) % 8 - 4)
    return np.hypot(dx, dy)[..., None] * np.maximum(0, 1 - apart)


def sum_cells(crop: np.ndarray, centres: list, cell: int = 8, cells: int = 3) -> np.ndarray:
    summer = CellSummer(len(crop), cell=cell, cells=cells, windows=len(centres))
    out = np.empty((1, len(centres) * cells * cells, 8), np.float32)
    summer.sum(crop[None], np.array([centres], np.float32), out)
    return out.reshape(len(centres), cells, cells, 8)


def look_up(dx: int, dy: int) -> dict[int, float]:
    row = orientation_table()[511 * (dy + 255) + dx + 255]
    return {int(k): pytest.approx(float(row[k]), abs=1e-4) for k in np.flatnonzero(row > 1e-6)}


@pytest.mark.parametrize(
    ("difference", "bins"),
    [
        ((6, 0), {0: 3}),
        ((0, 6), {2: 3}),
        ((-6, 0), {4: 3}),
        ((0, -6), {6: 3}),
        ((4, 4), {1: 8**0.5}),
        ((-4, 4), {3: 8**0.5}),
        ((-4, -4), {5: 8**0.5}),
        ((4, -4), {7: 8**0.5}),
        ((255, 255), {1: 255 / 2**0.5}),
        ((0, 0), {}),
    ],
)
def test_table_of_whole_directions(difference: tuple[int, int], bins: dict[int, float]) -> None:
    assert look_up(*difference) == bins


def test_table_shares_the_whole_length_linearly_in_the_angle() -> None:
    table = orientation_table()
    dy, dx = np.mgrid[-255:256, -255:256] / 2
    np.testing.assert_allclose(table.sum(axis=1), np.hypot(dx, dy).ravel(), rtol=1e-5)
    assert table.min() >= 0
    assert (np.count_nonzero(table, axis=1) <= 2).all()
    # atan(1/2) is 26.565 degrees
    row = table[511 * (255 + 100) + 200 + 255] / np.hypot(100, 50)
    np.testing.assert_allclose(row[:2], [1 - 26.565 / 45, 26.565 / 45], atol=1e-5)


def brute_force_cells(planes: np.ndarray, x: float, y: float, cell: int, cells: int) -> np.ndarray:
    """Sum the pixels around each cell's middle, whole-pixel shifts weighted bilinearly."""
    sums = np.zeros((cells, cells, 8))
    padded = np.pad(planes, ((cell, cell), (cell, cell), (0, 0)))
    for row in range(cells):
        for col in range(cells):
            left = x + cell * (col - (cells - 1) / 2) - (cell - 1) / 2 + cell
            top = y + cell * (row - (cells - 1) / 2) - (cell - 1) / 2 + cell
            for dy, wy in ((0, 1 - top % 1), (1, top % 1)):
                for dx, wx in ((0, 1 - left % 1), (1, left % 1)):
                    y0, x0 = int(top // 1) + dy, int(left // 1) + dx
                    sums[row, col] += wy * wx * padded[y0 : y0 + cell, x0 : x0 + cell].sum((0, 1))
    return sums


@pytest.mark.parametrize("cell", [2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 15, 16])
@pytest.mark.parametrize("centre", [(24.5, 22.5), (25, 22), (30.3, 19.8), (23.5, 26.25)])
def test_cells_are_sums(centre: tuple[float, float], cell: int) -> None:
    crop = np.random.default_rng(cell).integers(0, 256, (48, 48), dtype=np.uint8)
    planes = compute_planes(crop)
    sums = sum_cells(crop, [centre, (24.5, 24.5)], cell)
    assert sums.shape == (2, 3, 3, 8)
    for window, (x, y) in zip(sums, (centre, (24.5, 24.5)), strict=True):
        expected = brute_force_cells(planes, x, y, cell, 3)
        np.testing.assert_allclose(window, expected, rtol=2e-4, atol=0.01)


@pytest.mark.parametrize("cells", [1, 2, 4])
def test_windows_of_other_numbers_of_cells(cells: int) -> None:
    crop = np.random.default_rng(0).integers(0, 256, (60, 60), dtype=np.uint8)
    sums = sum_cells(crop, [(31.2, 28.9)], 6, cells)[0]
    expected = brute_force_cells(compute_planes(crop), 31.2, 28.9, 6, cells)
    np.testing.assert_allclose(sums, expected, rtol=2e-4, atol=0.01)


def test_no_difference_is_taken_across_the_edge() -> None:
    """A ramp to the right has no gradient in the outermost columns, in all rows."""
    crop = (8 * X).astype(np.uint8)
    whole = sum_cells(crop, [(7.5, 7.5)], 16, 1)[0, 0, 0]
    np.testing.assert_allclose(whole, [8 * 14 * 16, 0, 0, 0, 0, 0, 0, 0], atol=1e-2)
    whole = sum_cells(crop.T.copy(), [(7.5, 7.5)], 16, 1)[0, 0, 0]
    np.testing.assert_allclose(whole, [0, 0, 8 * 14 * 16, 0, 0, 0, 0, 0], atol=1e-2)


def test_cells_far_outside_are_those_of_the_edge() -> None:
    crop = np.random.default_rng(1).integers(0, 256, (48, 48), dtype=np.uint8)
    sums = sum_cells(crop, [(-500, 24.5), (-400, 24.5), (900, 900)])
    assert np.isfinite(sums).all()
    np.testing.assert_array_equal(sums[0], sums[1])
    np.testing.assert_array_equal(sums[0][:, 0], sums[0][:, 2])


def test_one_face_after_another_is_as_alone() -> None:
    """What a face leaves in the working memory does not reach the next."""
    rng = np.random.default_rng(2)
    crops = rng.integers(0, 256, (3, 40, 40), dtype=np.uint8)
    centres = rng.uniform(2, 38, (3, 5, 2)).astype(np.float32)
    summer = CellSummer(40, cell=7, cells=3, windows=5)
    together = np.empty((3, 45, 8), np.float32)
    summer.sum(crops, centres, together)
    for crop, points, sums in zip(crops, centres, together, strict=True):
        np.testing.assert_array_equal(
            sum_cells(crop, [tuple(p) for p in points], 7).reshape(45, 8), sums
        )
