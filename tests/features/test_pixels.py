from __future__ import annotations

import numpy as np

from mien.features.alignment import ALIGNED_EYES_AND_MOUTH
from mien.features.faces import FaceBatch
from mien.features.registry import get_family
from mien.features.scheme import MESH_POINTS


def place(picture: np.ndarray) -> FaceBatch:
    """A face whose aligned crop is this picture of 48 pixels."""
    mesh = np.zeros((1, MESH_POINTS, 3), np.float32)
    left, right, mouth = ALIGNED_EYES_AND_MOUTH * 48 - 0.5
    mesh[0, [33, 133, 159, 145], :2] = left
    mesh[0, [263, 362, 386, 374], :2] = right
    mesh[0, [61, 291], :2] = mouth
    return FaceBatch([picture], mesh, np.zeros((1, 52), np.float32))


def test_pixels_by_hand() -> None:
    picture = np.full((48, 48), 50, np.uint8)
    picture[:24] = 150
    values = get_family("pixels").compute(place(picture)).reshape(48, 48)
    np.testing.assert_allclose(values[:24], 1 / 48, rtol=1e-5)
    np.testing.assert_allclose(values[24:], -1 / 48, rtol=1e-5)


def test_names_tell_row_and_column() -> None:
    family = get_family("pixels")
    picture = np.zeros((48, 48), np.uint8)
    picture[7, 31] = 255
    brightest = int(family.compute(place(picture))[0].argmax())
    assert family.feature_names[brightest] == "pixel:row7:col31"


def test_brightness_and_contrast_do_not_matter() -> None:
    picture = np.random.default_rng(0).integers(0, 80, (48, 48), dtype=np.uint8)
    family = get_family("pixels")
    np.testing.assert_allclose(
        family.compute(place(picture * 3 + 10)), family.compute(place(picture)), atol=1e-6
    )


def test_mean_0_and_length_1(rendered_faces: FaceBatch) -> None:
    for spec in ("pixels", "pixels@crop=96"):
        values = get_family(spec).compute(rendered_faces)
        np.testing.assert_allclose(values.mean(axis=1), 0, atol=1e-6)
        np.testing.assert_allclose(np.linalg.norm(values, axis=1), 1, rtol=1e-5)
