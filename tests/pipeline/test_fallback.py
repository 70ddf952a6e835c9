from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.pipeline.detector import FaceDetector
from mien.pipeline.face_networks import FaceNetworks
from mien.pipeline.fallback import MEAN, NETWORK, place_by_network, place_mean_face


@pytest.fixture(scope="module")
def networks(landmarker: Path) -> FaceNetworks:
    return FaceNetworks(landmarker)


def test_a_blank_picture_gets_the_mean_face_in_its_middle(detector: FaceDetector) -> None:
    placed = detector.place(np.zeros((48, 48), np.uint8))
    assert (placed.attempt, placed.measured) == (MEAN, False)
    assert np.isnan(placed.presence)
    surface = placed.mesh[:468, :2]
    np.testing.assert_allclose((surface.min(0) + surface.max(0)) / 2, 23.5, atol=0.5)
    assert np.ptp(surface[:, 1]) == pytest.approx(0.8 * 48, rel=1e-3)
    assert placed.mesh[33, 0] < placed.mesh[468, 0] < placed.mesh[133, 0]  # the left iris
    assert np.isfinite(placed.blendshapes).all()


def test_the_mean_face_fits_a_wide_picture(landmarker: Path, networks: FaceNetworks) -> None:
    mesh = place_mean_face(np.zeros((100, 300, 3), np.uint8), networks, landmarker).mesh
    assert mesh[:, 1].min() > 0
    assert mesh[:, 1].max() < 100
    assert mesh[:468, 0].mean() == pytest.approx(149.5, abs=3)


def test_a_face_is_placed_where_the_detector_would_find_it(
    detector: FaceDetector, networks: FaceNetworks, crops: np.ndarray
) -> None:
    for crop in crops:
        placed, found = place_by_network(crop, networks), detector.detect(crop)
        assert placed is not None
        assert found is not None
        assert placed.attempt == NETWORK
        assert 0.5 < placed.presence <= 1
        assert np.linalg.norm((placed.mesh - found.mesh)[:468, :2], axis=1).mean() < 1.5


def test_a_rolled_face_is_placed_upright_in_its_own_frame(
    networks: FaceNetworks, crops: np.ndarray
) -> None:
    turn = cv2.getRotationMatrix2D((23.5, 23.5), 25, 1.0)
    rolled = cv2.warpAffine(crops[0], turn, (48, 48), borderMode=cv2.BORDER_REPLICATE)
    placed = place_by_network(rolled, networks)
    assert placed is not None
    dx, dy = (placed.mesh[263] - placed.mesh[33])[:2]
    assert np.degrees(np.arctan2(-dy, dx)) == pytest.approx(25, abs=8)
