"""Numbers of faces, by networks that see squares; and real networks on a moving face."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.pipeline.detector import FaceDetector
from mien.pipeline.face_networks import FaceNetworks
from mien.pipeline.face_region import Region
from mien.pipeline.landmarks import RawFace
from mien.pipeline.rendered.renderer import RenderedFace
from mien.pipeline.video import face_tracker
from mien.pipeline.video.face_tracker import FOLLOWED, SEARCH_EVERY, FaceTracker

FRAME = np.zeros((240, 320, 3), np.uint8)
SIDE = 40.0
Place = tuple[float, float]


class SquareNetworks:
    """Sees a face of 40 pixels at each of ``places``; counts what it is asked.

    The picture's border that an attempt adds is known from the prepared picture's size.
    """

    def __init__(self) -> None:
        self.places: list[Place] = []
        self.searches = self.looks = 0

    def find_regions(self, prepared: np.ndarray, *, most: int, **_: float) -> list[Region]:
        self.searches += 1
        shift = self._shift(prepared)
        return [Region(x + shift[0], y + shift[1], 1.5 * SIDE) for x, y in self.places[:most]]

    def locate(self, picture: np.ndarray, region: Region) -> tuple[np.ndarray, float]:
        self.looks += 1
        shift = self._shift(picture)
        for place in self.places:
            x, y = place[0] + shift[0], place[1] + shift[1]
            if np.hypot(x - region.x, y - region.y) < region.side / 3:
                return make_mesh(x, y), 0.9
        return make_mesh(region.x, region.y), 0.1

    def complete(self, mesh: np.ndarray, presence: float) -> RawFace:
        return RawFace(mesh, np.zeros(52, np.float32), presence)

    def _shift(self, picture: np.ndarray) -> Place:
        return (picture.shape[1] - 320) / 2, (picture.shape[0] - 240) / 2


def make_mesh(x: float, y: float) -> np.ndarray:
    """Return points on a square around a place; the eyes are level."""
    mesh = np.zeros((478, 3), np.float32)
    mesh[:, :2] = (x, y)
    mesh[0, :2] = (x - SIDE / 2, y - SIDE / 2)
    mesh[1, :2] = (x + SIDE / 2, y + SIDE / 2)
    mesh[33, :2], mesh[263, :2] = (x - 9, y - 5), (x + 9, y - 5)
    return mesh


@pytest.fixture
def networks() -> SquareNetworks:
    return SquareNetworks()


def track(
    networks: SquareNetworks, frames: list[list[Place]], *, most: int = 4, rate: float = 10.0
) -> list[list[int]]:
    """Return the numbers in each frame."""
    tracker = FaceTracker(networks, most=most)  # type: ignore[arg-type]
    numbers = []
    for i, places in enumerate(frames):
        networks.places = places
        numbers.append([own.face for own in tracker.update(FRAME, i / rate)])
    return numbers


def test_landmarks_are_in_pixels_of_the_frame(networks: SquareNetworks) -> None:
    networks.places = [(100, 80)]
    tracker = FaceTracker(networks, most=1)  # type: ignore[arg-type]
    first = tracker.update(FRAME, 0.0)[0]
    again = tracker.update(FRAME, 0.1)[0]
    expected = make_mesh(100, 80)[:, :2] - 0.5
    np.testing.assert_allclose(first.landmarks.mesh[:, :2], expected, atol=1e-3)
    np.testing.assert_allclose(again.landmarks.mesh[:, :2], expected, atol=1e-3)
    assert first.landmarks.attempt == "border"
    assert again.landmarks.attempt == FOLLOWED


def test_faces_keep_their_numbers_while_they_move(networks: SquareNetworks) -> None:
    frames = [[(60.0 + 3 * i, 60.0), (260.0 - 3 * i, 160.0)] for i in range(40)]
    assert track(networks, frames) == [[1, 2]] * 40


def test_a_face_that_is_followed_is_not_searched_for(networks: SquareNetworks) -> None:
    frames = 4 * SEARCH_EVERY
    assert track(networks, [[(100, 100)]] * frames, most=1) == [[1]] * frames
    assert networks.searches == 1
    assert networks.looks == frames


def test_a_new_face_is_found_by_and_by(networks: SquareNetworks) -> None:
    frames = [[(60.0, 60.0)]] * 5 + [[(60.0, 60.0), (200.0, 100.0)]] * (SEARCH_EVERY + 1)
    numbers = track(networks, frames)
    assert numbers[4] == [1]
    assert numbers[SEARCH_EVERY - 1] == [1]
    assert numbers[-1] == numbers[SEARCH_EVERY] == [1, 2]


def test_a_face_lost_for_a_short_time_has_its_number_again(networks: SquareNetworks) -> None:
    seen, gone = [(100.0, 100.0)], []
    frames = [seen] * 3 + [gone] * 8 + [[(125.0, 100.0)]] * 2
    assert track(networks, frames) == [[1]] * 3 + [[]] * 8 + [[1]] * 2


def test_a_face_lost_for_long_or_far_away_is_another(networks: SquareNetworks) -> None:
    seen, gone = [(100.0, 100.0)], []
    assert track(networks, [seen, *[gone] * 12, seen])[-1] == [2]
    assert track(networks, [seen, gone, [(200.0, 100.0)]])[-1] == [2]


def test_no_more_faces_than_wanted(networks: SquareNetworks) -> None:
    places = [(40.0, 60.0), (120.0, 60.0), (200.0, 60.0)]
    assert track(networks, [places] * 20, most=2) == [[1, 2]] * 20


def test_two_that_follow_one_face_become_one(networks: SquareNetworks) -> None:
    """The second's place empties while the first is near: it must not be followed twice."""
    apart = [(100.0, 100.0), (130.0, 100.0)]
    together = [(115.0, 100.0)]
    numbers = track(networks, [apart, apart, together, together])
    assert numbers == [[1, 2], [1, 2], [1], [1]]


def test_a_face_that_leaves_the_picture_is_let_go(networks: SquareNetworks) -> None:
    frames = [[(290.0 + 8 * i, 100.0)] for i in range(6)]
    numbers = track(networks, frames)
    assert numbers[0] == [1]
    assert numbers[-1] == []


@pytest.fixture(scope="module")
def real(landmarker: Path) -> FaceNetworks:
    return FaceNetworks(landmarker)


def put(faces: list[RenderedFace], places: list[tuple[int, int]]) -> np.ndarray:
    frame = np.full((300, 620, 3), 90, np.uint8)
    for face, (x, y) in zip(faces, places, strict=True):
        height, width = face.picture.shape[:2]
        frame[y : y + height, x : x + width] = face.picture
    return frame


def test_followed_landmarks_are_those_of_a_single_picture(
    real: FaceNetworks, detector: FaceDetector, rendered: list[RenderedFace]
) -> None:
    tracker = FaceTracker(real, most=2)
    for i in range(6):
        frame = put([rendered[0]], [(40 + 9 * i, 10 + 4 * i)])
        (own,) = tracker.update(frame, i / 25)
    alone = detector.detect(frame)
    assert alone is not None
    assert own.landmarks.attempt == FOLLOWED
    apart = np.linalg.norm((own.landmarks.mesh - alone.mesh)[:, :2], axis=1)
    assert apart.mean() < 2
    assert np.abs(own.landmarks.blendshapes - alone.blendshapes).max() < 0.2


def test_several_real_faces(real: FaceNetworks, rendered: list[RenderedFace]) -> None:
    tracker = FaceTracker(real, most=4)
    for i in range(4):
        frame = put([rendered[0], rendered[2]], [(10 + 3 * i, 20), (340 - 3 * i, 20)])
        found = tracker.update(frame, i / 25)
    assert [own.face for own in found] == [1, 2]
    middles = [own.landmarks.mesh[:, 0].mean() for own in found]
    assert abs(middles[0] - middles[1]) > 200


def test_large_frames_are_read_at_the_size_of_pictures(
    real: FaceNetworks, rendered: list[RenderedFace]
) -> None:
    frame = cv2.resize(put([rendered[1]], [(200, 20)]), None, fx=4, fy=4)
    tracker = FaceTracker(real, most=1)
    first = tracker.update(frame, 0.0)[0].landmarks
    again = tracker.update(frame, 0.04)[0].landmarks
    assert max(frame.shape) > face_tracker.MAX_SIDE
    apart = np.linalg.norm((first.mesh - again.mesh)[:, :2], axis=1)
    assert apart.mean() < 4 * 2
