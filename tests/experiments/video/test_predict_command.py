"""A clip on the command line, from its file to a table, a labelled clip and a plot."""

from __future__ import annotations

import csv
import json
import signal
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.errors import MienError
from mien.experiments.console import ClipProgress
from mien.experiments.video import clip_job
from mien.experiments.video.clip_job import ClipFiles
from mien.features.blendshapes import BLENDSHAPE_NAMES
from mien.features.registry import get_family
from mien.models.bundle import Bundle, save_bundle
from mien.pipeline.landmarker_bundle import ensure_landmarker_bundle
from mien.pipeline.rendered.dataset import read_rendered
from mien.pipeline.video.clip_reader import ClipReader

RATE = 20.0


class Jaw:
    """Says that a mouth is open as much as its blendshape does."""

    classes_ = np.array([0, 1])

    def predict_proba(self, X):
        share = X[:, BLENDSHAPE_NAMES.index("jawOpen")].astype(np.float64)
        return np.stack([1 - share, share], axis=1)


@pytest.fixture(scope="module")
def landmarker():
    try:
        return ensure_landmarker_bundle()
    except MienError as error:
        pytest.skip(str(error))


@pytest.fixture
def model(tmp_path):
    families = {"blendshapes": get_family("blendshapes").version}
    bundle = Bundle("svm-rbf", Jaw(), ("closed", "open"), families, {}, {"name": "litert"}, {}, {})
    save_bundle(bundle, tmp_path / "model.joblib")
    return tmp_path / "model.joblib"


@pytest.fixture(scope="module")
def clip(landmarker, tmp_path_factory):
    """Two empty frames, then a face that moves for ten, at 20 a second."""
    face = read_rendered("rendered:people=1,takes=1,seed=3", landmarker).pictures.render(0).picture
    target = tmp_path_factory.mktemp("clips") / "clip.mp4"
    code = cv2.VideoWriter.fourcc(*"mp4v")
    writer = cv2.VideoWriter(str(target), code, RATE, (400, 280))
    for i in range(12):
        picture = np.full((280, 400, 3), 90, np.uint8)
        if i >= 2:
            picture[10:266, 20 + 4 * i : 276 + 4 * i] = face[:, :, ::-1]
        writer.write(picture)
    writer.release()
    return target


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_table_a_labelled_clip_and_a_plot(run, model, clip, tmp_path):
    code, out, error = run(
        "predict", model, clip, "--csv", "f.csv", "--out", "new/l.mp4", "--plot", "p.png",
        "--smooth", "0.1", "--faces", "2",
    )  # fmt: skip
    assert (code, error.strip()) == (0, "")
    told = out.splitlines()
    assert told[0] == f"{clip}: 12 frames, 0.6 s, with a face in 10 (83.3%)"
    assert told[1].startswith("Face 1, 0.1 to 0.6 s: ")
    assert told[2:] == ["CSV: f.csv", "Clip: new/l.mp4", "Plot: p.png"]
    rows = read_rows(tmp_path / "f.csv")
    assert [row["reason"] for row in rows] == ["no_face"] * 2 + [""] * 10
    assert [row["face"] for row in rows] == [""] * 2 + ["1"] * 10
    assert [float(row["seconds"]) for row in rows] == pytest.approx(np.arange(12) / RATE)
    assert float(rows[-1]["x"]) - float(rows[2]["x"]) == pytest.approx(36, abs=6)
    labelled, plain = ClipReader(tmp_path / "new" / "l.mp4"), ClipReader(clip)
    with labelled, plain:
        pairs = list(zip(labelled.frames(), plain.frames(), strict=True))
        assert labelled.rate == RATE
    changed = [np.abs(one.picture.astype(int) - two.picture).max(axis=2) > 60 for one, two in pairs]
    assert changed[0].mean() < 0.001
    assert changed[8].mean() > 0.01
    assert cv2.imread(str(tmp_path / "p.png")) is not None
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "f.csv", "model.joblib", "new", "p.png",
    ]  # fmt: skip


def test_json_is_the_rows(run, model, clip):
    code, out, _ = run("predict", model, clip, "--json")
    assert code == 0
    rows = json.loads(out)
    assert len(rows) == 12
    assert rows[0]["reason"] == "no_face"
    assert sum(rows[5]["probabilities"].values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["clip.mp4", "a.png"], "is a clip, and there are 2 paths"),
        (["a.png", "--out", "x.mp4"], "--out is for a clip"),
        (["a.png", "--smooth", "1"], "--smooth is for a clip"),
        (["none.mp4"], "There is no file none.mp4"),
        (["clip.mp4"], "no frame that can be decoded"),
        (["clip.mp4", "--out", "x.gif"], "cannot be written as x.gif"),
        (["clip.mp4", "--plot", "x.txt"], "cannot be written as x.txt"),
        (["clip.mp4", "--out", "clip.mp4"], "is the clip itself"),
        (["clip.mp4", "--csv", "x.csv", "--plot", "./x.csv"], "cannot be written as x.csv"),
        (["clip.mp4", "--csv", "x.png", "--plot", "./x.png"], "the name of another file"),
        (["clip.mp4", "--csv", "a.png/x.csv"], "cannot be written"),
        (["clip.mp4", "--smooth", "nan"], "--smooth"),
    ],
)
def test_a_users_mistake_is_one_message(run, model, tmp_path, arguments, message):
    (tmp_path / "clip.mp4").write_text("no clip")
    (tmp_path / "a.png").touch()
    code, out, error = run("predict", model, *arguments)
    assert (code, out) == (2, "")
    assert message in error
    assert {path.name for path in tmp_path.iterdir()} == {"a.png", "clip.mp4", "model.joblib"}


def test_an_interrupt_ends_the_clip_and_keeps_what_there_is(
    run, model, clip, tmp_path, monkeypatch
):
    def interrupt(_, prediction, __):
        if prediction.frame == 5:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(ClipProgress, "update", interrupt)
    code, out, error = run("predict", model, clip, "--csv", "f.csv", "--out", "l.avi")
    assert code == 130
    assert "interrupted; the files hold all frames until then" in out
    assert "Interrupted." in error
    assert [row["frame"] for row in read_rows(tmp_path / "f.csv")] == [str(i) for i in range(6)]
    with ClipReader(tmp_path / "l.avi") as reader:
        assert len(list(reader.frames())) == 6


def test_a_clip_that_cannot_be_written_whole_leaves_nothing(
    run, model, clip, tmp_path, monkeypatch
):
    (tmp_path / "l.mp4").write_text("of before")
    monkeypatch.setattr(
        "mien.experiments.video.frame_encoder.FrameEncoder.check_whole", lambda _: False
    )
    code, _, error = run("predict", model, clip, "--csv", "f.csv", "--out", "l.mp4")
    assert code == 2
    assert "l.mp4 cannot be written (it has not all frames: is the disk full?)" in error
    assert (tmp_path / "l.mp4").read_text() == "of before"
    assert {path.name for path in tmp_path.iterdir()} == {"l.mp4", "model.joblib"}


def test_a_cut_clip_is_said(run, model, clip, monkeypatch):
    monkeypatch.setattr(ClipReader, "missing", 70)
    code, out, _ = run("predict", model, clip)
    assert code == 0
    assert "the clip declares 70 frames more than could be read" in out


def test_a_model_that_abstains_is_told(run, clip, tmp_path, model, monkeypatch):
    from mien.models import bundle as bundle_module

    load = bundle_module.load_bundle
    monkeypatch.setattr(
        bundle_module, "load_bundle", lambda path, **_: replace(load(path), threshold=1.1)
    )
    code, out, _ = run("predict", model, clip, "--csv", "f.csv")
    assert code == 0
    assert "unsure 100%" in out
    assert read_rows(tmp_path / "f.csv")[5]["reason"] == "unsure"


def test_files_of_one_name_are_refused():
    with pytest.raises(MienError, match="another file"):
        ClipFiles(table=Path("a.mp4"), clip=Path("./a.mp4")).check("webcam:0")
    assert clip_job.ClipFiles().check("webcam:0") is None
