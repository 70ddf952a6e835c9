from __future__ import annotations

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.errors import MienError
from mien.pipeline.video import clip_reader
from mien.pipeline.video.clip_reader import ClipReader, Frame

BLUE = (200, 60, 20)


def grey_frames(count: int, height: int = 96, width: int = 128) -> list[np.ndarray]:
    return [np.full((height, width, 3), 10 + 2 * i, np.uint8) for i in range(count)]


def read(source: str | Path) -> list[Frame]:
    with ClipReader(source) as reader:
        return list(reader.frames())


@pytest.mark.parametrize("name", ["clip.mp4", "clip.avi"])
def test_every_frame_with_its_time(make_clip, name: str) -> None:
    frames = read(make_clip(grey_frames(30), name))
    assert [frame.number for frame in frames] == list(range(30))
    np.testing.assert_allclose([f.seconds for f in frames], np.arange(30) / 25, atol=1e-3)
    means = [frame.picture.mean() for frame in frames]
    np.testing.assert_allclose(means, 10 + 2 * np.arange(30), atol=5)


def test_colours_keep_their_order(make_clip) -> None:
    clip = make_clip([np.full((64, 64, 3), BLUE, np.uint8)] * 3)
    np.testing.assert_allclose(read(clip)[1].picture.mean(axis=(0, 1)), BLUE, atol=6)


def test_what_the_clip_declares(make_clip) -> None:
    with ClipReader(make_clip(grey_frames(12), rate=50.0)) as reader:
        assert (reader.rate, reader.declared, reader.live) == (50.0, 12, False)
        assert reader.read == 0
        list(reader.frames())
        assert (reader.read, reader.missing) == (12, 0)


def test_a_clip_that_was_turned_is_read_upright(make_clip) -> None:
    """A telephone writes sideways frames, and how to turn them into the track's header."""
    frame = np.zeros((96, 128, 3), np.uint8)
    frame[:, :64] = 255
    clip = make_clip([frame] * 3)
    data = bytearray(clip.read_bytes())
    level = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    turned = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 96 << 16, 0, 1 << 30)
    at = data.index(level, data.index(b"tkhd"))
    data[at : at + len(turned)] = turned
    clip.write_bytes(data)
    picture = read(clip)[0].picture
    assert picture.shape == (128, 96, 3)
    assert picture[:60].mean() > 240
    assert picture[68:].mean() < 15


@pytest.mark.parametrize("name", ["missing.mp4", "empty.mp4", "text.mp4", "cut.mp4"])
def test_what_is_no_clip_is_one_error(make_clip, tmp_path: Path, capfd, name: str) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("no clip" * 99)
    whole = make_clip(grey_frames(30)).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(MienError, match=r"There is no file|no frame that can be decoded"):
        read(tmp_path / name)
    assert capfd.readouterr().err == ""


def test_a_clip_that_was_cut_is_read_as_far_as_it_goes(make_clip, tmp_path: Path, capfd) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (60, 96, 128, 3), dtype=np.uint8)
    whole = make_clip(list(noise), "whole.avi").read_bytes()
    (tmp_path / "cut.avi").write_bytes(whole[: len(whole) // 2])
    with ClipReader(tmp_path / "cut.avi") as reader:
        frames = list(reader.frames())
        assert 20 < len(frames) < 40
        assert reader.missing == 60 - len(frames)
    assert capfd.readouterr().err == ""


class FakeCapture:
    """Stands for OpenCV's: frames of given times."""

    def __init__(self, milliseconds: list[float], rate: float = 10.0, shape=(32, 32, 3)) -> None:
        self.left, self.rate, self.shape = list(milliseconds), rate, shape
        self.now = 0.0
        self.released = False

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return True

    def get(self, what: int) -> float:
        return {cv2.CAP_PROP_FPS: self.rate, cv2.CAP_PROP_POS_MSEC: self.now}.get(what, 0.0)

    def read(self) -> tuple[bool, np.ndarray | None]:
        if not self.left:
            return False, None
        self.now = self.left.pop(0)
        return True, np.zeros(self.shape, np.uint8)

    def release(self) -> None:
        self.released = True


def read_times(monkeypatch, tmp_path: Path, capture: FakeCapture) -> list[float]:
    (tmp_path / "clip.mp4").touch()
    monkeypatch.setattr(cv2, "VideoCapture", lambda *_: capture)
    found = [frame.seconds for frame in read(tmp_path / "clip.mp4")]
    assert capture.released
    return found


def test_uneven_times_are_kept(monkeypatch, tmp_path: Path) -> None:
    capture = FakeCapture([500, 533, 700, 2500])
    np.testing.assert_allclose(read_times(monkeypatch, tmp_path, capture), [0, 0.033, 0.2, 2])


def test_times_that_do_not_ascend_are_counted_on(monkeypatch, tmp_path: Path) -> None:
    capture = FakeCapture([0, 0, 0, 900, float("nan"), 20])
    found = read_times(monkeypatch, tmp_path, capture)
    np.testing.assert_allclose(found, [0, 0.1, 0.2, 0.9, 1.0, 1.1])


@pytest.mark.parametrize("rate", [0.0, float("nan"), 90_000.0])
def test_a_rate_that_cannot_be_is_30(monkeypatch, tmp_path: Path, rate: float) -> None:
    capture = FakeCapture([0, 0], rate)
    np.testing.assert_allclose(read_times(monkeypatch, tmp_path, capture), [0, 1 / 30])


def test_grey_frames_get_three_channels(monkeypatch, tmp_path: Path) -> None:
    capture = FakeCapture([0], shape=(32, 40))
    (tmp_path / "clip.mp4").touch()
    monkeypatch.setattr(cv2, "VideoCapture", lambda *_: capture)
    assert read(tmp_path / "clip.mp4")[0].picture.shape == (32, 40, 3)


def test_frames_that_are_too_large_are_refused(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(clip_reader, "MAX_PIXELS", 1000)
    with pytest.raises(MienError, match="32 x 32 pixels, more than 1,000"):
        read_times(monkeypatch, tmp_path, FakeCapture([0]))


def test_a_webcam_goes_by_the_clock(monkeypatch) -> None:
    opened = []

    def capture(*arguments: object) -> FakeCapture:
        opened.append(arguments)
        return FakeCapture([0, 0, 0])

    clock = iter([100.0, 100.5, 102.0])
    monkeypatch.setattr(cv2, "VideoCapture", capture)
    monkeypatch.setattr(clip_reader.time, "monotonic", lambda: next(clock))
    with ClipReader("webcam:3") as reader:
        assert reader.live
        assert reader.declared == 0
        np.testing.assert_allclose([f.seconds for f in reader.frames()], [0, 0.5, 2.0])
    assert opened == [(3,)]


def test_a_webcam_that_is_not_there_is_one_error(capfd) -> None:
    with pytest.raises(MienError, match="webcam:97 gives no picture"):
        ClipReader("webcam:97")
    assert capfd.readouterr().err == ""
