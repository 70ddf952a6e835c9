"""Finding a face: the landmarker, tried in a short cascade of preparations."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np

from mien.errors import MienError
from mien.pipeline.face_networks import FaceNetworks
from mien.pipeline.fallback import place_by_network, place_mean_face
from mien.pipeline.landmarks import Landmarker, Landmarks
from mien.pipeline.mediapipe_landmarker import MediaPipeLandmarker
from mien.pipeline.preparation import Attempt, prepare_picture, to_landmarks

DETECTOR_VERSION = 2
DETECTORS: tuple[str, ...] = ("litert", "mediapipe")
"""What can run the bundle's networks; the default first."""


ATTEMPTS: tuple[Attempt, ...] = (
    Attempt("border", 0.25),
    Attempt("plain", 0.0),
    Attempt("unscaled", 0.5, upscale=False),
    Attempt("roll+25", 0.5, roll=25.0),
    Attempt("roll-25", 0.5, roll=-25.0),
    Attempt("equalised", 0.25, equalise=True),
    Attempt("far", 1.0),
    Attempt("lenient", 0.5, lenient=True),
    Attempt("lenient-roll+25", 0.5, roll=25.0, lenient=True),
    Attempt("lenient-roll-25", 0.5, roll=-25.0, lenient=True),
    Attempt("lenient-far", 1.0, lenient=True),
)
"""Tried in order until one finds a face. The border gives small, tight crops room around the face,
which alone lifts FER2013 from 88 % to 96 %."""


def check_detector(name: str) -> None:
    """Raise a MienError for a name that is not one of :data:`DETECTORS`."""
    if name not in DETECTORS:
        raise MienError(f"There is no detector {name!r}.", f"Use {' or '.join(DETECTORS)}.")


class FaceDetector:
    """A landmarker with its cascade. Use it as a context manager: it holds native memory.

    Parameters
    ----------
    bundle : Path
        The verified model bundle.
    name : {"litert", "mediapipe"}
        What runs the bundle's networks: LiteRT directly, or MediaPipe's graph.

    Raises
    ------
    MienError
        For another name.
    """

    def __init__(self, bundle: Path, name: str = DETECTORS[0]) -> None:
        check_detector(name)
        self._bundle = bundle
        self._name = name

    @cached_property
    def _landmarker(self) -> Landmarker:
        return MediaPipeLandmarker(self._bundle) if self._name == "mediapipe" else self._networks

    @cached_property
    def _networks(self) -> FaceNetworks:
        return FaceNetworks(self._bundle)

    def __enter__(self) -> FaceDetector:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the native memory; it is taken again when it is needed."""
        for part in ("_landmarker", "_networks"):
            if part in self.__dict__:
                self.__dict__.pop(part).close()

    def detect(self, picture: np.ndarray) -> Landmarks | None:
        """Find the most certain face.

        Parameters
        ----------
        picture : ndarray of uint8, shape (height, width) or (height, width, 3)
            Grey or RGB.

        Returns
        -------
        Landmarks or None
            None when no attempt finds a face.
        """
        for attempt in ATTEMPTS:
            prepared, matrix = prepare_picture(picture, attempt)
            face = self._landmarker.find(prepared, confidence=0.1 if attempt.lenient else 0.5)
            if face is not None:
                return to_landmarks(face, matrix, attempt.name)
        return None

    def place(self, picture: np.ndarray) -> Landmarks:
        """Place landmarks where no attempt found a face, marked as a fallback.

        Parameters
        ----------
        picture : ndarray of uint8, shape (height, width) or (height, width, 3)
            Grey or RGB; taken to be filled by a face.

        Returns
        -------
        Landmarks
            Where the landmark network sees a face in the whole picture (``fallback-network``), else
            a mean face in its middle (``fallback-mean``).
        """
        return place_by_network(picture, self._networks) or place_mean_face(
            picture, self._networks, self._bundle
        )
