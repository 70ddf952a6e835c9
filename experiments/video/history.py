"""What was seen in a clip, face by face: for its summary and its picture."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from mien.pipeline.video.frame_predictions import FramePrediction


@dataclass
class FaceHistory:
    """One face's times, labels (empty where the model abstained) and probabilities.

    Attributes
    ----------
    seconds : list of float
    labels : list of str
    rows : list of ndarray of float64, shape (n_classes,)
    """

    seconds: list[float] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    rows: list[np.ndarray] = field(default_factory=list)


class ClipHistory:
    """Gathers a clip's predictions, without its pictures.

    Attributes
    ----------
    frames : int
        How many frames there were.
    seconds : float
        The last frame's time.
    with_face : int
        In how many frames there was a face.
    faces : dict of int to FaceHistory
        By the face's number.
    """

    def __init__(self) -> None:
        self.frames = 0
        self.seconds = 0.0
        self.with_face = 0
        self.faces: dict[int, FaceHistory] = {}

    def add(self, prediction: FramePrediction) -> None:
        """Take the next frame's prediction."""
        self.frames += 1
        self.seconds = prediction.seconds
        self.with_face += bool(prediction.faces)
        for own in prediction.faces:
            history = self.faces.setdefault(own.face, FaceHistory())
            history.seconds.append(prediction.seconds)
            history.labels.append(own.label)
            history.rows.append(own.probabilities)

    def list_longest(self, most: int) -> list[int]:
        """Return the faces that were seen in most frames, at most so many, by number."""
        ranked = sorted(self.faces, key=lambda face: (-len(self.faces[face].labels), face))
        return sorted(ranked[:most])

    def count_labels(self, face: int) -> list[tuple[str, float]]:
        """Return each label's share of a face's frames, the largest first; '' is abstaining."""
        labels = self.faces[face].labels
        return [(name, count / len(labels)) for name, count in Counter(labels).most_common()]
