"""The networks run directly, held against MediaPipe's own graph."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mien.pipeline.detector import ATTEMPTS, FaceDetector
from mien.pipeline.face_networks import FaceNetworks, decode_boxes, make_anchors, merge_best
from mien.pipeline.face_region import region_from_mesh
from mien.pipeline.mediapipe_landmarker import MediaPipeLandmarker
from mien.pipeline.picture_decoding import decode_picture
from mien.pipeline.preparation import prepare_picture
from mien.pipeline.rendered.renderer import RenderedFace


@pytest.fixture(scope="module")
def networks(landmarker: Path) -> FaceNetworks:
    return FaceNetworks(landmarker)


@pytest.fixture(scope="module")
def graph(landmarker: Path) -> Iterator[MediaPipeLandmarker]:
    found = MediaPipeLandmarker(landmarker)
    yield found
    found.close()


def assert_alike(
    picture: np.ndarray, networks: FaceNetworks, graph: MediaPipeLandmarker, attempt: int = 0
) -> None:
    prepared, _ = prepare_picture(picture, ATTEMPTS[attempt])
    ours = networks.find(prepared, confidence=0.5)
    theirs = graph.find(prepared, confidence=0.5)
    assert ours is not None
    assert theirs is not None
    apart = np.abs(ours.mesh - theirs.mesh)
    pixel = max(1.0, len(prepared) / 288)
    assert apart[:, :2].mean() < 0.1 * pixel
    assert apart.max() < 1.5 * pixel
    assert np.abs(ours.blendshapes - theirs.blendshapes).max() < 0.05
    assert 0.5 < ours.presence <= 1
    assert np.isnan(theirs.presence)


def test_tight_grey_crops(
    networks: FaceNetworks, graph: MediaPipeLandmarker, crops: np.ndarray
) -> None:
    for crop in crops:
        assert_alike(crop, networks, graph)


@pytest.mark.parametrize("attempt", [0, 1, 3])
def test_colour_pictures(
    networks: FaceNetworks,
    graph: MediaPipeLandmarker,
    rendered: list[RenderedFace],
    attempt: int,
) -> None:
    for face in rendered:
        assert_alike(face.picture, networks, graph, attempt)


def test_real_faces(
    networks: FaceNetworks, graph: MediaPipeLandmarker, london_pictures: list[Path]
) -> None:
    for path in london_pictures:
        assert_alike(decode_picture(path.read_bytes()), networks, graph)


def test_a_given_region_gives_the_same_landmarks(networks: FaceNetworks, crops: np.ndarray) -> None:
    prepared, _ = prepare_picture(crops[0], ATTEMPTS[0])
    face = networks.find(prepared, confidence=0.5)
    assert face is not None
    mesh, presence = networks.locate(prepared, region_from_mesh(face.mesh))
    assert np.abs(mesh - face.mesh)[:, :2].mean() < 3
    assert presence > 0.9


def test_the_presence_of_nothing_is_small(networks: FaceNetworks) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (192, 192), dtype=np.uint8)
    face = networks.find(noise, confidence=0.0)
    assert face is None or face.presence < 0.1


def test_anchors_stand_in_the_middle_of_cells() -> None:
    anchors = make_anchors()
    assert anchors.shape == (896, 2)
    np.testing.assert_allclose(anchors[:3], [[1 / 32, 1 / 32], [1 / 32, 1 / 32], [3 / 32, 1 / 32]])
    np.testing.assert_allclose(anchors[512], [1 / 16, 1 / 16])
    np.testing.assert_allclose(anchors[-1], [15 / 16, 15 / 16])


def test_boxes_are_decoded_relative_to_their_anchor() -> None:
    values = np.zeros((1, 16), np.float32)
    values[0, :6] = (12.8, 0, 25.6, 51.2, -12.8, 6.4)
    points = decode_boxes(values, np.array([[0.5, 0.25]], np.float32))
    np.testing.assert_allclose(points[0, :3], [[0.5, 0.05], [0.7, 0.45], [0.4, 0.3]], atol=1e-6)


def test_the_best_box_is_averaged_with_those_that_overlap_it() -> None:
    boxes = np.zeros((3, 8, 2), np.float32)
    boxes[0, 1] = boxes[1, 1] = (0.4, 0.4)
    boxes[1, :2] += 0.05
    boxes[2, :2] = [[0.8, 0.8], [0.9, 0.9]]
    merged = merge_best(boxes, np.array([0.6, 0.9, 0.8]))
    np.testing.assert_allclose(merged[0], 0.05 * 0.9 / 1.5, atol=1e-6)


@pytest.mark.parametrize("name", ["litert", "mediapipe"])
def test_a_picture_can_be_detected_by_either(
    landmarker: Path, name: str, crops: np.ndarray
) -> None:
    with FaceDetector(landmarker, name) as detector:
        found = detector.detect(crops[0])
    assert found is not None
    assert found.measured
