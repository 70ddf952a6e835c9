"""Stand-ins for what other parts bring; replaced by theirs when they are merged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from mien.errors import MienError
from mien.models.bundle import Bundle
from mien.pipeline import predict as predict_module
from mien.pipeline.detector import FaceDetector
from mien.pipeline.landmarks import Landmarks
from mien.pipeline.predict import Prediction
from mien.pipeline.preparation import to_grey
from mien.pipeline.reasons import Reason


@dataclass(frozen=True)
class FoundPrediction(Prediction):
    """A prediction with landmarks."""

    landmarks: Landmarks | None = None


class Predictor:
    """One bundle and one detector."""

    def __init__(self, bundle: Bundle, landmarker: Path) -> None:
        self.bundle = bundle
        self._detector = FaceDetector(landmarker, bundle.detector["name"])

    def predict(self, pictures: Sequence[np.ndarray]) -> list[FoundPrediction]:
        """Predict RGB or grey pictures."""
        return [self._predict(picture) for picture in pictures]

    def _predict(self, picture: np.ndarray) -> FoundPrediction:
        landmarks = self._detector.detect(picture)
        if landmarks is None and not self.bundle.reads_pixels:
            return FoundPrediction("", "", {}, str(Reason.NO_FACE))
        row = self.predict_landmarks(to_grey(picture), landmarks)
        label = self.bundle.classes[int(row.argmax())]
        told = {name: float(p) for name, p in zip(self.bundle.classes, row, strict=True)}
        return FoundPrediction("", label, told, landmarks=landmarks)

    def predict_landmarks(self, grey: np.ndarray, landmarks: Landmarks | None) -> np.ndarray:
        """Predict a face whose landmarks are known."""
        return predict_module._compute(self.bundle, [predict_module._Read(grey, landmarks)])[0]

    def close(self) -> None:
        """Free the detector."""
        self._detector.close()


@dataclass(frozen=True)
class TrackedPrediction:
    """One face of a frame."""

    face: int
    landmarks: Landmarks | None
    probabilities: np.ndarray
    label: str
    reason: str


@dataclass(frozen=True)
class FramePrediction:
    """One frame."""

    frame: int
    seconds: float
    picture: np.ndarray
    faces: list[TrackedPrediction]


def predict_clip(bundle: Bundle, clip: Path, *, landmarker: Path) -> Iterator[FramePrediction]:
    """Predict every frame, one face each."""
    opened = cv2.VideoCapture(str(clip))
    predictor = Predictor(bundle, landmarker)
    try:
        rate = opened.get(cv2.CAP_PROP_FPS) or 25.0
        frame = 0
        while True:
            good, picture = opened.read()
            if not good:
                break
            found = predictor.predict([cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)])[0]
            faces = []
            if found.label:
                row = np.array(list(found.probabilities.values()))
                faces = [TrackedPrediction(1, found.landmarks, row, found.label, "")]
            yield FramePrediction(frame, frame / rate, picture, faces)
            frame += 1
        if not frame:
            raise MienError("The clip has no frame that can be decoded.", "Convert it to MP4.")
    finally:
        opened.release()
        predictor.close()
