"""Following faces from frame to frame, each with a number that stays."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from mien.pipeline.face_networks import FaceNetworks
from mien.pipeline.face_region import Region, region_from_mesh
from mien.pipeline.landmarks import Landmarks
from mien.pipeline.preparation import MAX_SIDE, to_landmarks
from mien.pipeline.video.face_box import FaceBox, box_around
from mien.pipeline.video.face_finder import SURE, FaceFinder

FOLLOWED = "followed"
"""The attempt of landmarks that were found where the face was in the frame before."""

SEARCH_EVERY = 15
"""Frames from one search for further faces to the next, while all that were seen are followed."""
KEPT_SECONDS = 1.0
"""How long a face that was lost keeps its number."""

_SAME_DISTANCE = 1.0
_SAME_SIZE = 2.0
_DOUBLE = 0.6
_SMALLEST = 8.0


@dataclass(frozen=True)
class TrackedFace:
    """A face in one frame.

    Attributes
    ----------
    face : int
        Its number, from 1, the same in all frames.
    landmarks : Landmarks
    """

    face: int
    landmarks: Landmarks


@dataclass
class _Track:
    face: int
    landmarks: Landmarks
    box: FaceBox
    seen: float


class FaceTracker:
    """Follows faces through the frames of a clip.

    In each frame the landmark network looks where a face was in the frame before, as MediaPipe does
    in VIDEO mode; its score of presence tells whether the face is still there. The detector looks
    for faces when none is followed, for as long as one that was lost may come back, and otherwise
    every 15th frame while there are fewer than ``most``. A face that is found within a second of
    being lost, near to where it was and of a similar size, has its number again.

    Parameters
    ----------
    networks : FaceNetworks
    most : int
        How many faces are followed at once.

    Notes
    -----
    A number says where a face was, not whose it is: after a cut, or when two people change places
    while covered, another person may have it.
    """

    def __init__(self, networks: FaceNetworks, *, most: int) -> None:
        self._networks = networks
        self._finder = FaceFinder(networks)
        self._most = most
        self._held: list[_Track] = []
        self._lost: list[_Track] = []
        self._given = 0
        self._frames = 0

    def update(self, picture: np.ndarray, seconds: float) -> list[TrackedFace]:
        """Find the faces of the next frame.

        Parameters
        ----------
        picture : ndarray of uint8, shape (height, width, 3)
            RGB.
        seconds : float
            The frame's time; must ascend.

        Returns
        -------
        list of TrackedFace
            By number.
        """
        self._follow(picture, seconds)
        self._lost = [own for own in self._lost if seconds - own.seen <= KEPT_SECONDS]
        if self._is_to_search():
            known = [own.box for own in self._held]
            for found in self._finder.find(picture, known, most=self._most - len(known)):
                box = box_around(found.mesh)
                if _is_inside(box, picture.shape):
                    self._adopt(found, box, seconds)
            self._drop_doubles()
        self._frames += 1
        self._held.sort(key=lambda own: own.face)
        return [TrackedFace(own.face, own.landmarks) for own in self._held]

    def _is_to_search(self) -> bool:
        if len(self._held) >= self._most:
            return False
        return not self._held or bool(self._lost) or self._frames % SEARCH_EVERY == 0

    def _follow(self, picture: np.ndarray, seconds: float) -> None:
        if not self._held:
            return
        reduced, matrix = _reduce(picture)
        tracks, self._held = self._held, []
        for own in tracks:
            region = _place_region(own.landmarks.mesh, float(matrix[0, 0]), float(matrix[1, 1]))
            mesh, presence = self._networks.locate(reduced, region)
            if presence > SURE:
                face = self._networks.complete(mesh, presence)
                landmarks = to_landmarks(face, matrix, FOLLOWED)
                box = box_around(landmarks.mesh)
                if _is_inside(box, picture.shape):
                    self._held.append(_Track(own.face, landmarks, box, seconds))
                    continue
            self._lost.append(own)
        self._drop_doubles()

    def _drop_doubles(self) -> None:
        """Where two follow the same face, let the one go that came later."""
        kept: list[_Track] = []
        for own in sorted(self._held, key=lambda own: own.face):
            if all(own.box.measure_overlap(other.box) < _DOUBLE for other in kept):
                kept.append(own)
        self._held = kept

    def _adopt(self, landmarks: Landmarks, box: FaceBox, seconds: float) -> None:
        """Follow a face from now on, under the number of the lost one that it is, or a new one."""
        alike = [own for own in self._lost if _may_be_same(box, own.box)]
        if alike:
            known = min(alike, key=lambda own: box.measure_distance(own.box))
            self._lost.remove(known)
            face = known.face
        else:
            self._given += 1
            face = self._given
        self._held.append(_Track(face, landmarks, box, seconds))


def _reduce(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bring a large frame to the size that single pictures are read at; return the matrix, too."""
    height, width = picture.shape[:2]
    scale = min(1.0, MAX_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if size == (width, height):
        return picture, np.eye(2, 3)
    kept = np.array([size[0] / width, size[1] / height])
    matrix = np.column_stack([np.diag(kept), (kept - 1) / 2])
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA), matrix


def _place_region(mesh: np.ndarray, across: float, down: float) -> Region:
    """Return where to look for a face in the reduced frame, from its landmarks in the frame."""
    corner = (mesh[:, :2] + 0.5) * np.array([across, down], dtype=np.float32)
    return region_from_mesh(corner)


def _is_inside(box: FaceBox, shape: tuple[int, ...]) -> bool:
    """Tell whether a face's middle is in the picture, and the face of a size to be one."""
    height, width = shape[:2]
    x, y = box.centre
    return bool(0 <= x <= width and 0 <= y <= height and box.size >= _SMALLEST)


def _may_be_same(first: FaceBox, second: FaceBox) -> bool:
    larger, smaller = max(first.size, second.size), min(first.size, second.size)
    return first.measure_distance(second) <= _SAME_DISTANCE and larger <= _SAME_SIZE * smaller
