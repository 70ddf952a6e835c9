from __future__ import annotations

import base64

import cv2
import numpy as np
import pytest

from mien.pipeline.face_crop import CropBox, compute_crop_box, cut_square, draw_sample


def box_mesh(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    """Landmarks whose extremes are the centres of these pixels."""
    mesh = np.full((478, 3), ((left + right) / 2, (top + bottom) / 2, 0), np.float32)
    mesh[0, :2], mesh[1, :2] = (left, top), (right, bottom)
    return mesh


def test_box_around_landmarks_by_hand() -> None:
    # 100 wide, 40 high, middle (70.5, 80.5) in edge coordinates; 15 % larger: side 115
    box = compute_crop_box((300, 400, 3), box_mesh(20, 60, 120, 100))
    assert box.side == pytest.approx(115)
    assert (box.x, box.y) == (pytest.approx(70.5 - 57.5), pytest.approx(80.5 - 57.5))


def test_box_of_a_small_picture_is_the_whole() -> None:
    assert compute_crop_box((48, 48), box_mesh(5, 5, 40, 40)) == CropBox(0, 0, 48)
    assert compute_crop_box((48, 48), None) == CropBox(0, 0, 48)


def test_box_without_a_face_is_the_central_square() -> None:
    assert compute_crop_box((100, 160, 3), None) == CropBox(30, 0, 100)
    assert compute_crop_box((161, 100), None) == CropBox(0, 30.5, 100)


def test_a_picture_of_the_size_is_left_untouched() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (48, 48), dtype=np.uint8)
    assert cut_square(picture, CropBox(0, 0, 48), 48) is picture


def test_whole_pixels_are_copied() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (60, 90), dtype=np.uint8)
    np.testing.assert_array_equal(
        cut_square(picture, CropBox(30.0, 7.9, 48.2), 48), picture[7:55, 30:78]
    )


def test_outside_the_edge_is_repeated() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    square = cut_square(picture, CropBox(-10, -4, 48), 48)
    padded = np.pad(picture, ((4, 4), (10, 8), (0, 0)), mode="edge")
    np.testing.assert_array_equal(square, padded)


def test_shrinking_averages() -> None:
    picture = np.kron(np.arange(4, dtype=np.uint8).reshape(2, 2) * 60, np.ones((24, 24), np.uint8))
    noisy = picture + np.indices((48, 48)).sum(axis=0).astype(np.uint8) % 2 * 20
    assert cut_square(noisy, CropBox(0, 0, 48), 2).tolist() == [[10, 70], [130, 190]]


def test_tiny_box() -> None:
    picture = np.full((20, 20), 9, np.uint8)
    assert (cut_square(picture, CropBox(5.2, 5.2, 0.3), 48) == 9).all()


def decode(uri: str) -> np.ndarray:
    head, data = uri.split(",")
    assert head == "data:image/jpeg;base64"
    return cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR_RGB)


@pytest.mark.parametrize("shape", [(48, 48), (300, 200), (300, 200, 3)])
def test_sample_shows_points_where_the_landmarks_are(shape: tuple[int, ...]) -> None:
    height, width = shape[:2]
    mesh = box_mesh(0.2 * width, 0.2 * height, 0.8 * width, 0.8 * height)
    mesh[0, :2] = mesh[2, :2]  # the corners of the box are not named points
    nose = np.array([width * 0.35, height * 0.4])
    mesh[:, :2] = nose
    mesh[10, :2], mesh[199, :2] = (0.2 * width, 0.2 * height), (0.8 * width, 0.8 * height)
    picture = np.full(shape, 60, np.uint8)
    drawn = decode(draw_sample(picture, mesh)).astype(int)
    assert drawn.shape == (168, 168, 3)
    green = drawn[..., 1] - drawn[..., 2]
    y, x = np.nonzero(green > 40)
    side = 48 if shape == (48, 48) else 0.6 * height * 1.45
    corner = np.array([0, 0]) if shape == (48, 48) else np.array([width, height]) / 2 - side / 2
    expected = (nose + 0.5 - np.floor(corner)) * 168 / side - 0.5
    np.testing.assert_allclose([x.mean(), y.mean()], expected, atol=1.2)


def test_sample_keeps_colours() -> None:
    picture = np.zeros((300, 300, 3), np.uint8)
    picture[..., 0] = 200
    drawn = decode(draw_sample(picture, box_mesh(100, 100, 200, 200)))
    assert np.abs(drawn[5, 5].astype(int) - [200, 0, 0]).max() < 12
