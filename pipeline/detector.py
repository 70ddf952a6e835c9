"""Finding a face: MediaPipe's landmarker, tried in a short cascade of preparations."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mien.pipeline.landmarks import Landmarks, compute_pose_angles
from mien.pipeline.quiet import quiet_native_stderr

MAX_SIDE = 1280
MIN_SIDE = 192
DETECTOR_VERSION = 1


@dataclass(frozen=True)
class Attempt:
    """How a picture is prepared for one try.

    Attributes
    ----------
    name : str
        Kept with the row that it found.
    border : float
        Black border on every side, as a share of the picture's longer side.
    roll : float
        Degrees by which the picture is turned anticlockwise.
    equalise : bool
        Whether the contrast is equalised.
    upscale : bool
        Whether a picture below :data:`MIN_SIDE` is enlarged to it.
    lenient : bool
        Whether the landmarker accepts faces it is unsure of.
    """

    name: str
    border: float
    roll: float = 0.0
    equalise: bool = False
    upscale: bool = True
    lenient: bool = False


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


def prepare_picture(picture: np.ndarray, attempt: Attempt) -> tuple[np.ndarray, np.ndarray]:
    """Bring a picture into the form that one attempt asks for.

    Parameters
    ----------
    picture : ndarray of uint8, shape (height, width) or (height, width, 3)
        Grey or RGB.
    attempt : Attempt

    Returns
    -------
    prepared : ndarray of uint8, shape (side, side, 3)
        RGB, contiguous.
    matrix : ndarray of float64, shape (2, 3)
        From pixels of ``picture`` to pixels of ``prepared``.
    """
    height, width = picture.shape[:2]
    longer = max(height, width)
    scale = MIN_SIDE / longer if attempt.upscale and longer < MIN_SIDE else 1.0
    if longer > MAX_SIDE:
        scale = MAX_SIDE / longer
    if attempt.equalise:
        picture = cv2.equalizeHist(to_grey(picture))
    side = round(longer * scale * (1 + 2 * attempt.border))
    angle = np.radians(attempt.roll)
    turn = scale * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    matrix = np.column_stack([turn, (side - 1) / 2 - turn @ centre])
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        reduced = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        kept = np.array([size[0] / width, size[1] / height])
        shift = (1 / kept - 1) / 2
        smaller = np.column_stack([matrix[:, :2] / kept, matrix[:, 2] + matrix[:, :2] @ shift])
        prepared = cv2.warpAffine(reduced, smaller, (side, side), flags=cv2.INTER_LINEAR)
    else:
        prepared = cv2.warpAffine(picture, matrix, (side, side), flags=cv2.INTER_CUBIC)
    if prepared.ndim == 2:
        prepared = cv2.cvtColor(prepared, cv2.COLOR_GRAY2RGB)
    return np.ascontiguousarray(prepared), matrix


def to_grey(picture: np.ndarray) -> np.ndarray:
    """Return the luma of an RGB picture, or a grey picture as it is."""
    return picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)


def import_mediapipe() -> Any:
    """Import MediaPipe without TensorFlow, which it would load (seconds, 600 MB) for nothing.

    MediaPipe sends usage logs when a landmarker is closed. Its HTTP library follows proxy settings
    in the environment, so it is given a proxy of a kind that does not exist, and gives up before it
    looks up a name or opens a connection. Python's ``os.environ`` does not show that proxy: the
    rest of the process reaches the network as before.
    """
    os.putenv("https_proxy", "none://usage-logs-are-off")
    os.environ.setdefault("GLOG_minloglevel", "3")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if "tensorflow" in sys.modules:
        import mediapipe

        return mediapipe
    sys.modules["tensorflow"] = None  # type: ignore[assignment]
    try:
        import mediapipe
    finally:
        del sys.modules["tensorflow"]
    return mediapipe


class FaceDetector:
    """The landmarker with its cascade. Use it as a context manager: it holds native memory.

    Parameters
    ----------
    bundle : Path
        The verified model bundle.
    """

    def __init__(self, bundle: Path) -> None:
        self._bundle = str(bundle)
        self._mediapipe = import_mediapipe()
        self._landmarkers: dict[bool, Any] = {}

    def __enter__(self) -> FaceDetector:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the native landmarkers."""
        for landmarker in self._landmarkers.values():
            landmarker.close()
        self._landmarkers.clear()

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
            found = self._try(picture, attempt)
            if found is not None:
                return found
        return None

    def _try(self, picture: np.ndarray, attempt: Attempt) -> Landmarks | None:
        prepared, matrix = prepare_picture(picture, attempt)
        mp = self._mediapipe
        image = mp.Image(image_format=mp.ImageFormat.SRGB, data=prepared)
        # creation and first use print notices to file descriptor 2
        quiet = quiet_native_stderr() if attempt.lenient not in self._landmarkers else nullcontext()
        with quiet:
            result = self._landmarker(lenient=attempt.lenient).detect(image)
        if not result.face_landmarks:
            return None
        side = prepared.shape[0]
        mesh = np.array([(p.x, p.y, p.z) for p in result.face_landmarks[0]]) * side
        return Landmarks(
            mesh=_to_picture(mesh, matrix),
            blendshapes=np.array([c.score for c in result.face_blendshapes[0]], dtype=np.float32),
            pose=_unrolled(result.facial_transformation_matrixes[0], attempt.roll),
            attempt=attempt.name,
        )

    def _landmarker(self, *, lenient: bool) -> Any:
        if lenient not in self._landmarkers:
            from mediapipe.tasks.python import vision
            from mediapipe.tasks.python.core.base_options import BaseOptions

            options = vision.FaceLandmarkerOptions(
                base_options=BaseOptions(model_asset_path=self._bundle),
                running_mode=vision.RunningMode.IMAGE,
                min_face_detection_confidence=0.1 if lenient else 0.5,
                min_face_presence_confidence=0.1 if lenient else 0.5,
                output_face_blendshapes=True,
                output_facial_transformation_matrixes=True,
            )
            self._landmarkers[lenient] = vision.FaceLandmarker.create_from_options(options)
        return self._landmarkers[lenient]


def _to_picture(mesh: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Undo the preparation: prepared pixels (edges at whole numbers) to picture pixels."""
    inverse = cv2.invertAffineTransform(matrix)
    xy = (mesh[:, :2] - 0.5) @ inverse[:, :2].T + inverse[:, 2]
    z = mesh[:, 2:] * np.hypot(inverse[0, 0], inverse[1, 0])
    return np.concatenate([xy, z], axis=1).astype(np.float32)


def _unrolled(matrix: np.ndarray, roll: float) -> np.ndarray:
    pose = compute_pose_angles(np.asarray(matrix))
    pose[2] -= roll
    return pose
