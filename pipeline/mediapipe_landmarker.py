"""MediaPipe's own Face Landmarker, for comparison and for those who prefer it."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mien.pipeline.landmarks import RawFace
from mien.pipeline.quiet import quiet_native_stderr


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


class MediaPipeLandmarker:
    """The graph that MediaPipe ships, in IMAGE mode.

    Parameters
    ----------
    bundle : Path
        The verified model bundle.
    """

    def __init__(self, bundle: Path) -> None:
        self._bundle = str(bundle)
        self._mediapipe = import_mediapipe()
        self._graphs: dict[float, Any] = {}

    def close(self) -> None:
        """Free the native graphs."""
        for graph in self._graphs.values():
            graph.close()
        self._graphs.clear()

    def find(self, prepared: np.ndarray, *, confidence: float) -> RawFace | None:
        """Find the most certain face and its landmarks.

        Parameters
        ----------
        prepared : ndarray of uint8, shape (side, side) or (side, side, 3)
            A square picture, grey or RGB.
        confidence : float
            What the scores of the face and of its presence must reach at least.

        Returns
        -------
        RawFace or None
            Its ``presence`` is NaN: MediaPipe does not tell it.
        """
        if prepared.ndim == 2:
            prepared = cv2.cvtColor(prepared, cv2.COLOR_GRAY2RGB)
        mp = self._mediapipe
        data = np.ascontiguousarray(prepared)  # MediaPipe misreads others silently
        image = mp.Image(image_format=mp.ImageFormat.SRGB, data=data)
        # creation and first use print notices to file descriptor 2
        with quiet_native_stderr() if confidence not in self._graphs else nullcontext():
            result = self._graph(confidence).detect(image)
        if not result.face_landmarks:
            return None
        mesh = np.array([(p.x, p.y, p.z) for p in result.face_landmarks[0]], dtype=np.float32)
        scores = [c.score for c in result.face_blendshapes[0]]
        return RawFace(mesh * len(prepared), np.array(scores, dtype=np.float32), float("nan"))

    def _graph(self, confidence: float) -> Any:
        if confidence not in self._graphs:
            from mediapipe.tasks.python import vision
            from mediapipe.tasks.python.core.base_options import BaseOptions

            options = vision.FaceLandmarkerOptions(
                base_options=BaseOptions(model_asset_path=self._bundle),
                running_mode=vision.RunningMode.IMAGE,
                min_face_detection_confidence=confidence,
                min_face_presence_confidence=confidence,
                output_face_blendshapes=True,
            )
            self._graphs[confidence] = vision.FaceLandmarker.create_from_options(options)
        return self._graphs[confidence]
