"""Frames to a video file, at a steady rate, checked at the end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mien.errors import MienError
from mien.pipeline.quiet import quiet_native_stderr

CODECS: dict[str, tuple[str, ...]] = {
    ".mp4": ("avc1", "mp4v"),
    ".m4v": ("avc1", "mp4v"),
    ".mov": ("avc1", "mp4v"),
    ".mkv": ("avc1", "mp4v"),
    ".webm": ("VP80",),
    ".avi": ("MJPG",),
}
"""By the file's ending, the codecs to try; OpenCV's wheels have no H.264 (avc1), others may."""

_LONGEST_HOLD = 10.0


def find_codecs(target: Path) -> tuple[str, ...]:
    """Return the codecs for a file's ending.

    Raises
    ------
    MienError
        If it is not one of :data:`CODECS`.
    """
    ending = target.suffix.lower()
    if ending not in CODECS:
        raise MienError(
            f"A clip cannot be written as {target.name}.",
            f"Let its name end in one of {', '.join(CODECS)}.",
        )
    return CODECS[ending]


class FrameEncoder:
    """Writes frames as a video. Close it before the file is used.

    Frames have the size of the first (an odd side gets one more pixel, which repeats the edge).
    They stand at a steady rate: each is held until the time of the next, for 10 seconds at most,
    and left out where another of the same moment was there already.

    Parameters
    ----------
    path : Path
    rate : float
        Frames a second.
    codecs : sequence of str
        Four-letter codes, the first that works is taken.
    """

    def __init__(self, path: Path, rate: float, codecs: Sequence[str]) -> None:
        self._path = path
        self._rate = rate
        self._codecs = codecs
        self._writer: Any = None
        self._size = (0, 0)
        self._last: np.ndarray | None = None
        self._skipped = 0
        self.written = 0

    def write(self, picture: np.ndarray, seconds: float) -> None:
        """Write a frame, shape (height, width, 3), blue, green, red; seconds from the first."""
        fitted = self._fit(picture)
        due = round(seconds * self._rate) - self._skipped
        if self._last is not None:
            longest = int(_LONGEST_HOLD * self._rate)
            excess = max(0, due - self.written - longest)
            self._skipped += excess
            due -= excess
            for _ in range(due - self.written):
                self._put(self._last)
        if self._last is None or due >= self.written:
            self._put(fitted)
        self._last = fitted

    def close(self) -> None:
        """Write what is left, and the file's index."""
        if self._writer is not None:
            self._writer.release()
            self._writer = None

    def check_whole(self) -> bool:
        """Tell whether the closed file has all frames: OpenCV does not tell of a full disk."""
        undecoded = (cv2.CAP_PROP_FORMAT, -1)
        with quiet_native_stderr():
            capture = cv2.VideoCapture(str(self._path), cv2.CAP_FFMPEG, undecoded)
            found = 0
            while capture.isOpened() and capture.grab():
                found += 1
            capture.release()
        return found >= self.written

    def _put(self, picture: np.ndarray) -> None:
        self._writer.write(picture)
        self.written += 1

    def _fit(self, picture: np.ndarray) -> np.ndarray:
        height, width = picture.shape[:2]
        if self._writer is None:
            self._size = (width + width % 2, height + height % 2)
            self._open()
        if (width + width % 2, height + height % 2) != self._size:
            return cv2.resize(picture, self._size, interpolation=cv2.INTER_AREA)
        if not (width % 2 or height % 2):
            return picture
        return cv2.copyMakeBorder(picture, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)

    def _open(self) -> None:
        with quiet_native_stderr():
            for codec in self._codecs:
                code = cv2.VideoWriter.fourcc(*codec)
                writer = cv2.VideoWriter(
                    str(self._path), cv2.CAP_FFMPEG, code, self._rate, self._size
                )
                if writer.isOpened():
                    self._writer = writer
                    return
        raise OSError(0, f"this OpenCV has none of the codecs {', '.join(self._codecs)}")
