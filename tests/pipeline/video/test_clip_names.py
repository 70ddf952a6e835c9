from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.pipeline.video.clip_names import is_clip, parse_webcam


@pytest.mark.parametrize(
    ("name", "start", "expected"),
    [
        ("a.mp4", b"", True),
        ("a.MOV", b"nonsense", True),
        ("a.dat", b"\0\0\0\x18ftypmp42\0\0\0\0", True),
        ("a.mkv.part", b"\x1a\x45\xdf\xa3 and more", True),
        ("a.jpg", b"RIFF\x10\0\0\0AVI LIST", True),
        ("a.webp", b"RIFF\x10\0\0\0WEBPVP8 ", False),
        ("a.avif", b"\0\0\0\x18ftypavif\0\0\0\0", False),
        ("a.txt", b"a text", False),
        ("a", b"", False),
    ],
)
def test_the_beginning_decides_then_the_ending(
    tmp_path: Path, name: str, start: bytes, expected: bool
) -> None:
    (tmp_path / name).write_bytes(start)
    assert is_clip(tmp_path / name) is expected


def test_a_picture_with_a_clips_ending_is_a_picture(tmp_path: Path) -> None:
    data = cv2.imencode(".png", np.zeros((20, 20), np.uint8))[1]
    (tmp_path / "a.mp4").write_bytes(data.tobytes())
    assert not is_clip(tmp_path / "a.mp4")


def test_a_folder_is_no_clip_and_a_missing_file_goes_by_its_ending(tmp_path: Path) -> None:
    (tmp_path / "folder.mp4").mkdir()
    assert not is_clip(tmp_path / "folder.mp4")
    assert is_clip(tmp_path / "none.mp4")
    assert not is_clip(tmp_path / "none.png")


def test_webcams() -> None:
    assert parse_webcam("webcam:2") == 2
    assert parse_webcam(Path("webcam:0")) == 0
    assert parse_webcam("webcam:") is parse_webcam("webcam:-1") is parse_webcam("webcam") is None
    assert is_clip("webcam:1")
