from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.errors import MienError
from mien.experiments.report.colours import compute_contrast
from mien.experiments.video.colours import choose_colours, choose_ink, to_bgr
from mien.experiments.video.emotion_plot import break_gaps, list_runs, write_plot
from mien.experiments.video.history import ClipHistory, FaceHistory
from mien.pipeline.labels import EXPRESSIONS

CLASSES = ("happy", "sad")


def make_history(faces: int) -> ClipHistory:
    history = ClipHistory()
    history.frames, history.seconds = 20, 1.9
    for face in range(1, faces + 1):
        seconds = [i / 10 for i in range(20)]
        rows = [np.array([1.0, 0.0])] * 20
        history.faces[face] = FaceHistory(seconds, ["happy"] * 20, rows)
    return history


def test_lines_end_at_gaps() -> None:
    seconds, rows = break_gaps(np.array([0, 0.1, 2.0, 2.1]), np.ones((4, 2)))
    np.testing.assert_array_equal(seconds, [0, 0.1, 2.0, 2.0, 2.1])
    np.testing.assert_array_equal(np.isnan(rows[:, 0]), [False, False, True, False, False])


def test_runs_of_labels() -> None:
    seconds = [0.0, 0.1, 0.2, 0.3, 3.0, 3.1]
    labels = ["sad", "sad", "happy", "", "", "sad"]
    assert list_runs(seconds, labels) == [
        (0.0, 0.2, "sad"),
        (0.2, 0.3, "happy"),
        (0.3, 0.3, ""),
        (3.0, 3.1, ""),
        (3.1, 3.1, "sad"),
    ]
    assert list_runs([], []) == []


@pytest.mark.parametrize("faces", [0, 1, 3])
def test_a_panel_a_face(tmp_path: Path, faces: int) -> None:
    write_plot(tmp_path / "plot.png", make_history(faces), CLASSES, "clip.mp4")
    picture = cv2.imread(str(tmp_path / "plot.png"))
    happy = (np.abs(picture.astype(int) - to_bgr(choose_colours(CLASSES)["happy"])) < 4).all(axis=2)
    width = happy.shape[1]
    ribbons = (happy[:, : width // 2].sum(axis=1) > 0.3 * width).astype(np.uint8)
    bands = cv2.connectedComponents(ribbons[:, None])[0] - 1
    assert bands == 2 * faces  # the line at 1, and the ribbon
    assert picture[0].min() == 255


def test_many_faces_are_not_all_drawn(tmp_path: Path) -> None:
    history = make_history(9)
    del history.faces[2].labels[5:]
    write_plot(tmp_path / "plot.svg", history, CLASSES, r"a <clip> & $\frac$ 表")
    assert history.list_longest(6) == [1, 3, 4, 5, 6, 7]
    assert (tmp_path / "plot.svg").stat().st_size > 0


def test_other_endings_and_folders_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MienError, match=r"end in one of \.png"):
        write_plot(tmp_path / "plot.txt", make_history(1), CLASSES, "")
    with pytest.raises(MienError, match="cannot be written"):
        write_plot(Path("/proc/plot.png"), make_history(1), CLASSES, "")


def test_expressions_have_colours_of_their_own_that_text_can_be_read_on() -> None:
    colours = choose_colours(EXPRESSIONS)
    assert len(set(colours.values())) == len(EXPRESSIONS)
    for colour in colours.values():
        assert compute_contrast(colour, choose_ink(colour)) >= 4.5
    assert choose_colours(("sad", "happy"))["sad"] == colours["sad"]


def test_other_classes_get_what_is_left() -> None:
    colours = choose_colours(("open", "happy", "closed"))
    assert len(set(colours.values())) == 3
    assert len(choose_colours([f"class{i}" for i in range(20)])) == 20
