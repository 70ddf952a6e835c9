"""Reading a clip or a webcam frame by frame, with the time of each frame."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import cv2
import numpy as np

from mien.errors import MienError
from mien.pipeline.picture_decoding import MAX_PIXELS
from mien.pipeline.quiet import quiet_native_stderr
from mien.pipeline.video.clip_names import parse_webcam

os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # else FFmpeg prints damage to the terminal
_USUAL_RATE = 30.0
_RATES = (1.0, 240.0)
_MISSING_SHARE = 0.02


@dataclass(frozen=True)
class Frame:
    """One frame.

    Attributes
    ----------
    number : int
        From 0.
    seconds : float
        From the clip's first frame; strictly ascending.
    picture : ndarray of uint8, shape (height, width, 3)
        Blue, green, red; upright, as the clip's rotation flag says.
    """

    number: int
    seconds: float
    picture: np.ndarray


class ClipReader:
    """A clip or webcam that is read once, from its beginning. Use it as a context manager.

    Sound is ignored. Times are the clip's own, so that frames may come at any intervals; where a
    clip does not tell them or they do not ascend, its frame rate is counted on.

    Parameters
    ----------
    source : str or Path
        A file, or ``webcam:0``.

    Attributes
    ----------
    source : str
    live : bool
        Whether it is a webcam, whose times are those of the clock.
    rate : float
        Frames a second as the clip declares, 30 where it declares nothing between 1 and 240.
    declared : int
        How many frames the clip declares to have; 0 if unknown.
    read : int
        How many frames have been read.

    Raises
    ------
    MienError
        If there is no such file, it is not a clip that can be decoded, or the webcam gives nothing.
    """

    def __init__(self, source: str | Path) -> None:
        self.source = str(source)
        number = parse_webcam(source)
        self.live = number is not None
        if number is None and not Path(source).is_file():
            raise MienError(f"There is no file {source}.", "Name a clip, or webcam:0.")
        with quiet_native_stderr():
            self._capture: Any = (
                cv2.VideoCapture(str(source), cv2.CAP_FFMPEG)
                if number is None
                else cv2.VideoCapture(number)
            )
        if not self._capture.isOpened():
            raise self._unreadable()
        rate = float(self._capture.get(cv2.CAP_PROP_FPS))
        self.rate = rate if _RATES[0] <= rate <= _RATES[1] else _USUAL_RATE
        declared = float(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self.declared = int(declared) if 0 < declared < 1e9 and not self.live else 0
        self.read = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the decoder or the device go."""
        self._capture.release()

    @property
    def missing(self) -> int:
        """How many frames fewer than declared were read, once all are read; 0 for a handful.

        A clip that was cut short declares more than it has.
        """
        fewer = self.declared - self.read
        return fewer if fewer > max(2, _MISSING_SHARE * self.declared) else 0

    def frames(self) -> Iterator[Frame]:
        """Read the frames.

        Yields
        ------
        Frame
            Frames that cannot be decoded are passed over by the decoder.

        Raises
        ------
        MienError
            If there is not a single one, or it has more than 100 million pixels.
        """
        first = last = None
        while True:
            there, picture = self._capture.read()
            if not there:
                break
            if picture.shape[0] * picture.shape[1] > MAX_PIXELS:
                raise MienError(
                    f"{self.source} has frames of {picture.shape[1]} x {picture.shape[0]} pixels, "
                    f"more than {MAX_PIXELS:,}.",
                    "Make the clip smaller.",
                )
            now = self._measure_time()
            first = now if first is None else first
            seconds = now - first
            if last is not None and not last < seconds:
                seconds = last + 1 / self.rate
            last = seconds
            self.read += 1
            yield Frame(self.read - 1, seconds, _to_colour(picture))
        if not self.read:
            raise self._unreadable()

    def _measure_time(self) -> float:
        """Return the last frame's time in seconds."""
        if self.live:
            return time.monotonic()
        found = float(self._capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000
        return found if np.isfinite(found) else self.read / self.rate

    def _unreadable(self) -> MienError:
        if self.live:
            return MienError(
                f"{self.source} gives no picture.",
                "See that a webcam of this number is connected and used by no other program.",
            )
        return MienError(
            f"{self.source} has no frame that can be decoded: it is damaged, cut short, or not a "
            "clip.",
            "Play it elsewhere; if it plays, convert it to MP4 with H.264.",
        )


def _to_colour(picture: np.ndarray) -> np.ndarray:
    if picture.ndim == 3 and picture.shape[2] == 3:
        return picture
    return cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
