"""The model behind the page: answers for pictures, and for the frames of clips."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mien.errors import MienError
from mien.experiments.serve.answers import describe_face, show_inputs
from mien.experiments.serve.mesh_drawing import describe_mesh
from mien.experiments.serve.refusals import Refusal, refuse_content
from mien.models.bundle import Bundle
from mien.pipeline.picture_decoding import decode_picture
from mien.pipeline.picture_header import read_header_size
from mien.pipeline.predict import Predictor
from mien.pipeline.quiet import quiet_native_stderr
from mien.pipeline.reasons import EXPLANATIONS, PictureError, Reason
from mien.pipeline.video import FramePrediction, predict_clip

MAX_PIXELS = 40_000_000
"""Pixels that a picture on the page may have."""
MAX_FRAMES = 18_000
"""Frames of a clip that are answered; ten minutes of 30 a second."""
_INPUT_SECONDS = 0.25


class Recogniser:
    """One model and one detector. Use it from one thread at a time, and close it.

    Parameters
    ----------
    bundle : Bundle
    landmarker : Path
        The landmarker's verified model bundle.
    """

    def __init__(self, bundle: Bundle, landmarker: Path) -> None:
        self._bundle = bundle
        self._landmarker = landmarker
        self._predictor = Predictor(bundle, landmarker)

    def close(self) -> None:
        """Free the detector's memory."""
        self._predictor.close()

    def describe(self) -> dict[str, Any]:
        """Return what the page says of the model, and how it draws meshes."""
        training = self._bundle.training
        return {
            "model": self._bundle.model,
            "classes": list(self._bundle.classes),
            "families": list(self._bundle.families),
            "reads_pixels": self._bundle.reads_pixels,
            "dataset": training.get("dataset", ""),
            "rows": training.get("rows"),
            "threshold": self._bundle.threshold,
            **describe_mesh(self._landmarker),
        }

    def answer_picture(self, data: bytes | bytearray) -> dict[str, Any]:
        """Decode a picture file and predict it.

        Returns
        -------
        dict
            ``width`` and ``height`` in pixels; ``faces``, each as of
            :func:`~mien.experiments.serve.answers.describe_face` with ``inputs``; ``reason`` and
            ``message`` where there is none.

        Raises
        ------
        Refusal
            For a file that cannot be used, with the reason of its
            :class:`~mien.pipeline.reasons.PictureError`.
        """
        picture = _decode(data)
        height, width = picture.shape[:2]
        found = self._predictor.predict([picture])[0]
        told: dict[str, Any] = {"width": width, "height": height, "faces": []}
        if not found.probabilities:
            message = EXPLANATIONS[Reason(found.reason)]
            return told | {"reason": found.reason, "message": message}
        face = describe_face(
            picture, found.landmarks, found.probabilities, found.label, found.reason
        )
        face["inputs"] = show_inputs(self._bundle, picture, found.landmarks)
        return told | {"faces": [face], "reason": "", "message": ""}

    def answer_clip(self, clip: Path) -> Iterator[dict[str, Any]]:
        """Predict the frames of a clip, one after another.

        Yields
        ------
        dict
            ``frame``, ``seconds``, ``width``, ``height`` and ``faces`` of each frame, these as in
            :meth:`answer_picture` with the track's number ``face``, and with ``inputs`` four times
            a second; last ``done`` (the number of frames) and ``cut`` (whether there were more).

        Raises
        ------
        Refusal
            For a clip that cannot be read.
        """
        shown: dict[int, float] = {}
        done, cut = 0, False
        frames: Iterator[FramePrediction] = iter(())
        try:
            _check_clip(clip)
            frames = predict_clip(self._bundle, clip, landmarker=self._landmarker)
            for frame in frames:
                if cut := done == MAX_FRAMES:
                    break
                yield self._describe_frame(frame, shown)
                done += 1
            yield {"done": done, "cut": cut}
        except MienError as error:
            raise refuse_content("unreadable", _without_path(error, clip)) from error
        finally:
            close_frames(frames)

    def _describe_frame(self, frame: FramePrediction, shown: dict[int, float]) -> dict[str, Any]:
        height, width = frame.picture.shape[:2]
        faces = []
        for tracked in frame.faces:
            row = tracked.probabilities
            told = bool(np.isfinite(row).all())
            named = dict(zip(self._bundle.classes, row, strict=True)) if told else {}
            face = describe_face(
                frame.picture, tracked.landmarks, named, tracked.label, tracked.reason
            )
            if frame.seconds - shown.get(tracked.face, -1.0) >= _INPUT_SECONDS:
                shown[tracked.face] = frame.seconds
                rgb = frame.picture[:, :, ::-1]
                face["inputs"] = show_inputs(
                    self._bundle, np.ascontiguousarray(rgb), tracked.landmarks
                )
            faces.append({"face": tracked.face, **face})
        return {
            "frame": frame.frame,
            "seconds": round(frame.seconds, 4),
            "width": width,
            "height": height,
            "faces": faces,
        }


def close_frames(frames: Iterator[object]) -> None:
    """End an iteration before its end, so that it frees what it holds."""
    if isinstance(frames, Generator):
        frames.close()


def _decode(data: bytes | bytearray) -> np.ndarray:
    size = read_header_size(data)
    if size is not None and size[0] * size[1] > MAX_PIXELS:
        raise Refusal(
            413, "too_large", f"The picture has {size[0]} x {size[1]} pixels.",
            f"Choose one of at most {MAX_PIXELS // 1_000_000} million pixels.",
        )  # fmt: skip
    try:
        with quiet_native_stderr():
            return decode_picture(data)
    except PictureError as error:
        told = EXPLANATIONS[error.reason]
        raise Refusal(
            422, str(error.reason), f"{told[0].upper()}{told[1:]} ({error.detail}).",
            "Choose another picture.",
        ) from error  # fmt: skip


def _check_clip(clip: Path) -> None:
    """Refuse what no decoder opens, and frames that would fill the memory."""
    import cv2

    with quiet_native_stderr():
        opened = cv2.VideoCapture(str(clip))
        width, height = (
            int(opened.get(k)) for k in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
        )
        usable = opened.isOpened()
        opened.release()
    if not usable:
        raise Refusal(
            422, "unreadable", "The clip cannot be decoded.", "Convert it to MP4 or WebM."
        )
    if width * height > MAX_PIXELS:
        raise Refusal(
            413, "too_large", f"The clip has frames of {width} x {height} pixels.",
            f"Choose one of at most {MAX_PIXELS // 1_000_000} million pixels.",
        )  # fmt: skip


def _without_path(error: MienError, clip: Path) -> MienError:
    """Name the clip as the user knows it, not as the temporary file that it is."""
    return MienError(*(text.replace(str(clip), "the clip") for text in error.args))
