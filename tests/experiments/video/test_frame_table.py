from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from mien.errors import MienError
from mien.experiments.video.frame_table import list_rows, write_table
from mien.pipeline.landmarks import Landmarks
from mien.pipeline.video.frame_predictions import FramePrediction, TrackedPrediction

CLASSES = ("happy", "sad, or so")
MESH = np.array([[9.5, 19.5, 0], [39.5, 59.5, 0]], np.float32)


def make_frame(frame: int, *faces: TrackedPrediction) -> FramePrediction:
    return FramePrediction(frame, frame / 24, np.zeros((2, 2, 3), np.uint8), list(faces))


def make_face(face: int, share: float, *, label: str = "", reason: str = "") -> TrackedPrediction:
    landmarks = Landmarks(MESH, np.zeros(52, np.float32), 0.9, "followed")
    return TrackedPrediction(face, landmarks, np.array([share, 1 - share]), label, reason)


FRAMES = [
    make_frame(0),
    make_frame(1, make_face(1, 0.75, label="happy"), make_face(3, 0.5, reason="unsure")),
]


def test_a_row_a_face_and_one_where_there_is_none(tmp_path: Path) -> None:
    with write_table(tmp_path / "new" / "frames.csv", CLASSES) as add:
        for frame in FRAMES:
            add(frame)
        assert not (tmp_path / "new" / "frames.csv").exists()
    with (tmp_path / "new" / "frames.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["frame", "seconds", "face", "label", "reason", "x", "y", "width", "height", *CLASSES],
        ["0", "0.0000", "", "", "no_face", "", "", "", "", "", ""],
        ["1", "0.0417", "1", "happy", "", "10.0", "20.0", "30.0", "40.0", "0.750000", "0.250000"],
        ["1", "0.0417", "3", "", "unsure", "10.0", "20.0", "30.0", "40.0", "0.500000", "0.500000"],
    ]


def test_rows_for_programs() -> None:
    (none,) = list_rows(FRAMES[0], CLASSES)
    assert (none["face"], none["box"], none["probabilities"]) == (None, None, {})
    first, _ = list_rows(FRAMES[1], CLASSES)
    assert first["box"] == [10.0, 20.0, 30.0, 40.0]
    assert first["probabilities"] == {"happy": 0.75, "sad, or so": 0.25}


def test_nothing_is_left_when_the_block_raises(tmp_path: Path) -> None:
    (tmp_path / "frames.csv").write_text("of before")

    def fail() -> None:
        with write_table(tmp_path / "frames.csv", CLASSES) as add:
            add(FRAMES[1])
            raise ValueError("other")

    with pytest.raises(ValueError, match="other"):
        fail()
    assert [path.name for path in tmp_path.iterdir()] == ["frames.csv"]
    assert (tmp_path / "frames.csv").read_text() == "of before"


def test_a_full_disk_is_a_users_error() -> None:
    with (
        pytest.raises(MienError, match="cannot be written"),
        write_table(Path("/proc/frames.csv"), CLASSES),
    ):
        pass
