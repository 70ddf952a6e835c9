from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.errors import MienError
from mien.experiments.video.frame_encoder import CODECS, FrameEncoder, find_codecs

BLUE = (200, 60, 20)


def encode(path: Path, frames: list[tuple[np.ndarray, float]], rate: float = 10.0) -> FrameEncoder:
    encoder = FrameEncoder(path, rate, find_codecs(path))
    with closing(encoder):
        for picture, seconds in frames:
            encoder.write(picture, seconds)
    return encoder


def flat(value: int | tuple[int, ...], height: int = 64, width: int = 96) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


def decode(path: Path) -> tuple[list[np.ndarray], float]:
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    frames = []
    while True:
        there, picture = capture.read()
        if not there:
            return frames, capture.get(cv2.CAP_PROP_FPS)
        frames.append(picture)


@pytest.mark.parametrize("ending", list(CODECS))
def test_each_container_can_be_written_and_read(tmp_path: Path, capfd, ending: str) -> None:
    path = tmp_path / f"clip{ending}"
    encoder = encode(path, [(flat(BLUE), i / 10) for i in range(8)])
    assert encoder.check_whole()
    frames, rate = decode(path)
    assert len(frames) == encoder.written == 8
    assert rate == pytest.approx(10)
    np.testing.assert_allclose(frames[3].mean(axis=(0, 1)), BLUE, atol=8)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("name", ["clip.gif", "clip", "clip.txt"])
def test_other_endings_are_refused(name: str) -> None:
    with pytest.raises(MienError, match=r"end in one of \.mp4"):
        find_codecs(Path(name))


def test_odd_sides_get_a_pixel_and_the_aspect_stays(tmp_path: Path) -> None:
    picture = flat(0, 63, 95)
    picture[:, -1] = 255
    encode(tmp_path / "clip.avi", [(picture, 0.0)])
    (found,), _ = decode(tmp_path / "clip.avi")
    assert found.shape == (64, 96, 3)
    assert found[:, 95].mean() > 200
    assert found[:, :90].mean() < 10


def test_uneven_times_are_held_or_left_out(tmp_path: Path) -> None:
    """At 10 a second: one at 0, the next at 0.5, two within a tenth, one at the end."""
    times = [0.0, 0.5, 0.52, 0.7]
    frames = [(flat(40 + 60 * i), seconds) for i, seconds in enumerate(times)]
    encoder = encode(tmp_path / "clip.avi", frames)
    found, _ = decode(tmp_path / "clip.avi")
    assert encoder.written == len(found) == 8
    values = [round((picture.mean() - 40) / 60) for picture in found]
    assert values == [0, 0, 0, 0, 0, 1, 2, 3]


def test_even_times_give_every_frame_once(tmp_path: Path) -> None:
    rate = 23.976
    encoder = encode(
        tmp_path / "clip.avi", [(flat(9), round(i / rate, 3)) for i in range(100)], rate
    )
    assert encoder.written == 100


def test_a_hole_in_the_times_is_not_filled_for_ever(tmp_path: Path) -> None:
    times = [0.0, 1e6, 1e6 + 0.1, 1e6 + 0.2]
    encoder = encode(tmp_path / "clip.avi", [(flat(9), seconds) for seconds in times])
    assert encoder.written == 1 + 100 + 3


def test_a_frame_of_another_size_is_fitted(tmp_path: Path) -> None:
    encode(tmp_path / "clip.avi", [(flat(9), 0.0), (flat(200, 128, 192), 0.1)])
    found, _ = decode(tmp_path / "clip.avi")
    assert [picture.shape for picture in found] == [(64, 96, 3)] * 2
    assert found[1].mean() > 190


@contextmanager
def small_disk(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond a size, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    action = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, action)


@pytest.mark.parametrize("ending", [".mp4", ".webm", ".avi"])
def test_a_full_disk_is_noticed(tmp_path: Path, capfd, ending: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (30, 96, 128, 3), dtype=np.uint8)
    path = tmp_path / f"clip{ending}"
    with small_disk(8_000):
        encoder = encode(path, [(picture, i / 10) for i, picture in enumerate(noise)])
    assert not encoder.check_whole()
    capfd.readouterr()
