from __future__ import annotations

import cv2
import numpy as np
import pytest

from mien.features.alignment import (
    ALIGNED_EYES_AND_MOUTH,
    compute_anchor_points,
    compute_crop_transform,
    compute_similarity,
    transform_points,
    warp_crop,
)
from mien.features.scheme import MESH_POINTS


def roll_matrix(degrees: float) -> np.ndarray:
    """Clockwise as seen (y down)."""
    angle = np.radians(degrees)
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def test_similarity_by_hand() -> None:
    # (0,0) -> (1,1), (2,0) -> (1,5): twice as large, a quarter turn from +x to +y
    source = np.array([[[0.0, 0.0], [2.0, 0.0]]])
    target = np.array([[1.0, 1.0], [1.0, 5.0]])
    expected = [[[0, -2, 1], [2, 0, 1]]]
    np.testing.assert_allclose(compute_similarity(source, target), expected, atol=1e-6)


def test_similarity_is_the_least_squares_one() -> None:
    # centred: z = -1-i, 1-i, 2i and w = -1, 1, 0; sum conj(z) w = 2, sum |z|^2 = 8, mean z = i
    source = np.array([[[-1.0, 0.0], [1.0, 0.0], [0.0, 3.0]]])
    target = np.array([[-1.0, 0.0], [1.0, 0.0], [0.0, 0.0]])
    expected = [[[0.25, 0, 0], [0, 0.25, -0.25]]]
    np.testing.assert_allclose(compute_similarity(source, target), expected, atol=1e-6)


def test_similarity_never_reflects() -> None:
    source = np.array([[[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]])
    target = source[0] * [-1, 1]
    matrix = compute_similarity(source, target)[0]
    assert np.linalg.det(matrix[:, :2]) >= 0


@pytest.mark.parametrize(
    ("scale", "degrees", "shift"), [(3.0, 0, (0, 0)), (1, 33, (5, -7)), (0.2, -170, (900, 40))]
)
def test_similarity_undoes_scale_roll_and_shift(
    scale: float, degrees: float, shift: tuple[float, float]
) -> None:
    target = np.array([[0.0, 1.0], [4.0, 0.5], [2.0, 7.0]])
    source = (target @ roll_matrix(degrees).T * scale + shift)[None]
    matrix = compute_similarity(source, target)
    np.testing.assert_allclose(transform_points(matrix, source)[0], target, atol=1e-3)


def test_similarity_of_missing_or_coinciding_points_is_missing() -> None:
    target = np.array([[0.0, 1.0], [4.0, 0.5], [2.0, 7.0]])
    source = np.stack([target, target, np.ones((3, 2))]).astype(np.float32)
    source[1, 0, 0] = np.nan
    matrix = compute_similarity(source, target.astype(np.float32))
    assert np.isfinite(matrix).all(axis=(1, 2)).tolist() == [True, False, False]
    assert np.isnan(matrix[1:, :, :2]).all()


def test_similarity_of_an_empty_batch() -> None:
    assert compute_similarity(np.empty((0, 3, 2)), np.eye(3)[:, :2]).shape == (0, 2, 3)


def test_anchor_points_by_hand() -> None:
    mesh = np.zeros((1, MESH_POINTS, 3))
    mesh[0, [33, 133, 159, 145], :2] = [(0, 4), (4, 4), (2, 3), (2, 9)]
    mesh[0, [263, 362, 386, 374], :2] = [(10, 4), (14, 4), (12, 3), (12, 9)]
    mesh[0, 61, :2], mesh[0, 291, :2] = (3, 20), (11, 24)
    assert compute_anchor_points(mesh).tolist() == [[[2, 5], [12, 5], [7, 22]]]


def test_crop_transform_puts_exact_faces_at_the_anchors() -> None:
    # a face that has the aligned shape at crop size 96, drawn twice as large and shifted
    mesh = np.zeros((1, MESH_POINTS, 3))
    left, right, mouth = (ALIGNED_EYES_AND_MOUTH * 96 - 0.5) * 2 + (30, 11)
    for index in (33, 133, 159, 145):
        mesh[0, index, :2] = left
    for index in (263, 362, 386, 374):
        mesh[0, index, :2] = right
    for index in (61, 291):
        mesh[0, index, :2] = mouth
    np.testing.assert_allclose(
        compute_crop_transform(mesh, 96), [[[0.5, 0, -15], [0, 0.5, -5.5]]], atol=1e-4
    )


def test_crop_transform_follows_roll_scale_and_shift(frontal: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    faces = frontal + rng.normal(0, 2, (5, *frontal.shape))
    moved = faces.copy()
    moved[..., :2] = faces[..., :2] @ roll_matrix(40).T * 0.37 + (812, 55)
    crops = [
        transform_points(compute_crop_transform(m, 96), m[..., :2].astype(np.float32))
        for m in (faces, moved)
    ]
    np.testing.assert_allclose(*crops, atol=0.002)


def test_warp_crop_cuts_whole_pixels_exactly() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (40, 50), dtype=np.uint8)
    shift = np.array([[1, 0, -12], [0, 1, -9]], np.float32)
    crop = warp_crop(picture, shift, size=10, margin=4)
    np.testing.assert_array_equal(crop, picture[5:23, 8:26])


def test_warp_crop_repeats_the_edge() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (20, 20), dtype=np.uint8)
    crop = warp_crop(picture, np.array([[1, 0, 0], [0, 1, 0]], np.float32), size=20, margin=5)
    np.testing.assert_array_equal(crop, np.pad(picture, 5, mode="edge"))


@pytest.mark.parametrize("scale", [2.0, 0.7, 0.4, 0.375, 0.3, 0.171, 0.05])
@pytest.mark.parametrize("slope", [(1.0, 0.0), (0.0, 1.0), (-0.3, 0.6)])
def test_warp_crop_keeps_a_ramp_a_ramp_at_its_place(
    scale: float, slope: tuple[float, float]
) -> None:
    """At every scale, with and without reduction, pixel centres stay pixel centres."""
    side = 2 * round(60 / scale) + 1
    gentle = tuple(150 / side * s for s in slope)
    y, x = np.mgrid[:side, :side]
    offset = 20 - min(0, gentle[0]) * side
    picture = np.rint(offset + gentle[0] * x + gentle[1] * y).astype(np.uint8)
    # the picture's middle pixel goes to (16.25, 15.5) of the crop without margin
    middle = (side - 1) / 2
    matrix = np.array([[scale, 0, 16.25 - scale * middle], [0, scale, 15.5 - scale * middle]])
    crop = warp_crop(picture, matrix.astype(np.float32), size=32, margin=8)
    v, u = np.mgrid[:48, :48] - 8.0
    expected_x, expected_y = middle + (u - 16.25) / scale, middle + (v - 15.5) / scale
    expected = offset + gentle[0] * expected_x + gentle[1] * expected_y
    difference = crop - expected
    assert np.abs(difference).max() < 1.3
    assert abs(difference.mean()) < 0.12 + 0.03 * 150 / side


def test_reduction_finds_a_bright_block_at_its_place() -> None:
    """An odd size that no reduction factor divides: the block's centre must not move."""
    picture = np.zeros((1013, 1511), np.uint8)
    picture[500:541, 700:761] = 250
    matrix = np.array([[0.1, 0, -50], [0, 0.1, -30]], np.float32)
    crop = warp_crop(picture, matrix, size=48, margin=8).astype(float)
    weight = crop / crop.sum()
    v, u = np.mgrid[:64, :64] - 8.0
    assert (weight * u).sum() == pytest.approx(0.1 * 730 - 50, abs=0.03)
    assert (weight * v).sum() == pytest.approx(0.1 * 520 - 30, abs=0.03)


def test_reduction_averages_fine_texture() -> None:
    checks = (np.indices((800, 800)).sum(axis=0) % 2 * 200).astype(np.uint8)
    crop = warp_crop(checks, np.array([[0.1, 0, 0], [0, 0.1, 0]], np.float32), size=64, margin=4)
    assert np.abs(crop.astype(int) - 100).max() <= 3


@pytest.mark.parametrize("shape", [(40, 40_000), (40_000, 40)])
def test_warp_crop_takes_very_long_pictures(shape: tuple[int, int]) -> None:
    picture = np.zeros(shape, np.uint8)
    picture[10:30, 10:30] = 200
    crop = warp_crop(picture, np.array([[1, 0, 0], [0, 1, 0]], np.float32), size=40, margin=4)
    np.testing.assert_array_equal(crop[14:34, 14:34], 200)


def test_warp_crop_of_a_view_that_is_not_contiguous() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (60, 120), dtype=np.uint8)
    view = picture[:, ::2]
    matrix = cv2.getRotationMatrix2D((30, 30), 20, 0.9).astype(np.float32)
    np.testing.assert_array_equal(
        warp_crop(view, matrix, size=48, margin=4),
        warp_crop(view.copy(), matrix, size=48, margin=4),
    )


@pytest.mark.parametrize("shift", [(-30, 5), (15, -40), (300, 300), (-300, 7), (9, -2000)])
def test_warp_crop_beyond_the_picture_repeats_the_edge(shift: tuple[float, float]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (31, 47), dtype=np.uint8)
    matrix = np.column_stack([1.3 * roll_matrix(20), shift]).astype(np.float32)
    expected = cv2.warpAffine(picture, matrix, (40, 40), borderMode=cv2.BORDER_REPLICATE)
    crop = warp_crop(picture, matrix, size=40, margin=0)
    assert np.abs(crop.astype(int) - expected).max() <= 1


def test_warp_crop_of_a_collapsed_face_is_of_one_value() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (31, 47), dtype=np.uint8)
    crop = warp_crop(picture, np.zeros((2, 3), np.float32), size=8, margin=2)
    assert crop.shape == (12, 12)
    assert warp_crop(picture, np.full((2, 3), np.nan, np.float32), size=8, margin=2).size == 144
