"""The expressions in a clip, frame by frame: decoding, following and predicting side by side."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from mien.features.faces import FaceBatch
from mien.models.bundle import Bundle
from mien.pipeline.face_networks import FaceNetworks
from mien.pipeline.landmarks import Landmarks
from mien.pipeline.predict import judge, predict_faces
from mien.pipeline.video.clip_reader import ClipReader, Frame
from mien.pipeline.video.face_box import FaceBox, box_around
from mien.pipeline.video.face_tracker import FaceTracker, TrackedFace
from mien.pipeline.video.run_ahead import run_ahead
from mien.pipeline.video.smoothing import ProbabilitySmoother

FACES = 4
"""How many faces are followed at once when nothing else is said."""

_AHEAD = 4
_BATCH = 16
_BATCH_BYTES = 64 << 20


@dataclass(frozen=True)
class TrackedPrediction:
    """What a model says of one face in one frame.

    Attributes
    ----------
    face : int
        The face's number, from 1, the same in all frames.
    landmarks : Landmarks
    probabilities : ndarray of float64, shape (n_classes,)
        In the order of the bundle's classes; smoothed, if that was asked for.
    label : str
        The most probable class; empty where the model abstains.
    reason : str
        Why there is no label (a reason code), else empty.
    """

    face: int
    landmarks: Landmarks
    probabilities: np.ndarray
    label: str
    reason: str

    @property
    def box(self) -> FaceBox:
        """The box around the landmarks."""
        return box_around(self.landmarks.mesh)


@dataclass(frozen=True)
class FramePrediction:
    """One frame and the faces in it.

    Attributes
    ----------
    frame : int
        From 0.
    seconds : float
        From the clip's first frame.
    picture : ndarray of uint8, shape (height, width, 3)
        Blue, green, red.
    faces : list of TrackedPrediction
        By number; empty where no face was found.
    """

    frame: int
    seconds: float
    picture: np.ndarray
    faces: list[TrackedPrediction]


Predictions = Generator[FramePrediction, None, None]


@dataclass(frozen=True)
class _Seen:
    frame: Frame
    grey: np.ndarray
    faces: list[TrackedFace]


def predict_clip(
    bundle: Bundle,
    clip: str | Path,
    *,
    landmarker: Path,
    faces: int = FACES,
    smoothing: float = 0.0,
) -> Predictions:
    """Predict all faces in all frames of a clip.

    Parameters
    ----------
    bundle : Bundle
    clip : str or Path
        A file, or ``webcam:0``.
    landmarker : Path
        The landmarker's verified model bundle.
    faces : int
        How many faces are followed at once.
    smoothing : float
        Seconds over which probabilities are smoothed; 0 for not at all. See
        :class:`~mien.pipeline.video.smoothing.ProbabilitySmoother`.

    Returns
    -------
    generator of FramePrediction
        One a frame, in order. Close it to end before the clip does.

    Raises
    ------
    MienError
        Here if the clip cannot be opened; while iterating if it has no frame.
    """
    return _read_and_predict(bundle, ClipReader(clip), landmarker, faces, smoothing)


def _read_and_predict(
    bundle: Bundle, reader: ClipReader, landmarker: Path, faces: int, smoothing: float
) -> Predictions:
    with reader:
        yield from predict_frames(
            bundle,
            reader.frames(),
            landmarker=landmarker,
            faces=faces,
            smoothing=smoothing,
            live=reader.live,
        )


def predict_frames(
    bundle: Bundle,
    frames: Iterator[Frame],
    *,
    landmarker: Path,
    faces: int = FACES,
    smoothing: float = 0.0,
    live: bool = False,
) -> Predictions:
    """Predict all faces in frames that come from anywhere; see :func:`predict_clip`.

    Parameters
    ----------
    bundle, landmarker, faces, smoothing
        As of :func:`predict_clip`.
    frames : iterator of Frame
        Runs in a thread of its own.
    live : bool
        Whether each frame is predicted as soon as it is there. Otherwise up to 16 are predicted
        together, which is faster.

    Yields
    ------
    FramePrediction
    """
    tracker = FaceTracker(FaceNetworks(landmarker), most=faces)
    smoother = ProbabilitySmoother(smoothing)
    seen = run_ahead(_follow(run_ahead(frames, _AHEAD), tracker), _AHEAD)
    with closing(seen):
        for batch in _gather(seen, 1 if live else _BATCH):
            yield from _predict_batch(bundle, batch, smoother)


def _follow(frames: Generator[Frame, None, None], tracker: FaceTracker) -> Iterator[_Seen]:
    with closing(frames):
        for frame in frames:
            rgb = cv2.cvtColor(frame.picture, cv2.COLOR_BGR2RGB)
            faces = tracker.update(rgb, frame.seconds)
            yield _Seen(frame, cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), faces)


def _gather(seen: Iterable[_Seen], most: int) -> Iterator[list[_Seen]]:
    """Put frames together, as many as are wanted and their pictures are small enough for."""
    batch: list[_Seen] = []
    size = 0
    for own in seen:
        batch.append(own)
        size += own.frame.picture.nbytes
        if len(batch) >= most or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _predict_batch(
    bundle: Bundle, batch: list[_Seen], smoother: ProbabilitySmoother
) -> Iterator[FramePrediction]:
    rows = iter(_compute_probabilities(bundle, batch))
    for seen in batch:
        faces = []
        for own in seen.faces:
            smoothed = smoother.smooth(own.face, seen.frame.seconds, next(rows))
            faces.append(_judge(bundle, own, smoothed))
        yield FramePrediction(seen.frame.number, seen.frame.seconds, seen.frame.picture, faces)


def _compute_probabilities(bundle: Bundle, batch: list[_Seen]) -> np.ndarray:
    """Return the probabilities of all faces of all frames; shape (n, n_classes)."""
    pairs = [(seen.grey, own.landmarks) for seen in batch for own in seen.faces]
    if not pairs:
        return np.empty((0, len(bundle.classes)))
    faces = FaceBatch(
        pictures=[grey for grey, _ in pairs],
        mesh=np.stack([own.mesh for _, own in pairs]),
        blendshapes=np.stack([own.blendshapes for _, own in pairs]),
    )
    return predict_faces(bundle, faces)


def _judge(bundle: Bundle, own: TrackedFace, probabilities: np.ndarray) -> TrackedPrediction:
    label, reason = judge(bundle, probabilities)
    return TrackedPrediction(
        face=own.face,
        landmarks=own.landmarks,
        probabilities=probabilities,
        label=label,
        reason=reason,
    )
