"""Finding faces that are new in a frame: the detector, a little of its cascade a frame."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from mien.pipeline.detector import ATTEMPTS
from mien.pipeline.face_networks import FaceNetworks
from mien.pipeline.landmarks import Landmarks
from mien.pipeline.preparation import Attempt, prepare_picture, to_landmarks
from mien.pipeline.video.face_box import FaceBox

SURE = 0.5
"""What the scores of a face and of its presence must reach at least."""

_USUAL = tuple(attempt for attempt in ATTEMPTS if attempt.name in ("border", "plain"))
_HARDER = tuple(attempt for attempt in ATTEMPTS if attempt not in _USUAL and not attempt.lenient)


class FaceFinder:
    """The detector's attempts, dealt out over the frames of a clip.

    The next frame is nearly the same picture. So each frame gets one of the two usual attempts, in
    turn; while no face is followed, it gets the other one and one of the harder ones, too, where
    nothing was found. Lenient attempts are left out: among thousands of frames they would see faces
    that are none.

    Parameters
    ----------
    networks : FaceNetworks
    """

    def __init__(self, networks: FaceNetworks) -> None:
        self._networks = networks
        self._turn = 0

    def find(self, picture: np.ndarray, known: Sequence[FaceBox], *, most: int) -> list[Landmarks]:
        """Find faces.

        Parameters
        ----------
        picture : ndarray of uint8, shape (height, width, 3)
            RGB.
        known : sequence of FaceBox
            Faces that are followed already, and not to be found again.
        most : int
            How many to find at most.

        Returns
        -------
        list of Landmarks
            The most certain first.
        """
        for attempt in self._choose(alone=not known):
            if found := self._try(attempt, picture, known, most):
                return found
        return []

    def _choose(self, *, alone: bool) -> list[Attempt]:
        self._turn += 1
        usual = _USUAL if self._turn % 2 else _USUAL[::-1]
        if not alone:
            return [usual[0]]
        return [*usual, _HARDER[self._turn % len(_HARDER)]]

    def _try(
        self, attempt: Attempt, picture: np.ndarray, known: Sequence[FaceBox], most: int
    ) -> list[Landmarks]:
        prepared, matrix = prepare_picture(picture, attempt)
        back = cv2.invertAffineTransform(matrix)
        found = []
        for region in self._networks.find_regions(
            prepared, confidence=SURE, most=most + len(known)
        ):
            centre = back[:, :2] @ (region.x - 0.5, region.y - 0.5) + back[:, 2] + 0.5
            if any(box.contains(centre) for box in known):
                continue
            mesh, presence = self._networks.locate(prepared, region)
            if presence > SURE:
                face = self._networks.complete(mesh, presence)
                found.append(to_landmarks(face, matrix, attempt.name))
        return found[:most]
