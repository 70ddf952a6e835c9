"""Small clips."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

MakeClip = Callable[..., Path]


@pytest.fixture
def make_clip(tmp_path: Path) -> MakeClip:
    """A function that writes frames as a clip; by its ending, MPEG-4 or Motion JPEG."""

    def make(frames: Sequence[np.ndarray], name: str = "clip.mp4", rate: float = 25.0) -> Path:
        height, width = frames[0].shape[:2]
        code = cv2.VideoWriter.fourcc(*("MJPG" if name.endswith(".avi") else "mp4v"))
        writer = cv2.VideoWriter(str(tmp_path / name), code, rate, (width, height))
        assert writer.isOpened()
        for frame in frames:
            writer.write(frame)
        writer.release()
        return tmp_path / name

    return make
