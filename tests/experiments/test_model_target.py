import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.errors import MienError
from mien.experiments.model_target import ModelTarget, choose_target, draw_faces
from mien.experiments.row_data import RowData
from mien.models.bundle import load_bundle
from mien.pipeline import landmarker_bundle

FORMATS = ("joblib", "skops", "onnx")


@pytest.mark.parametrize(
    ("out", "file_format", "expected"),
    [
        (None, None, ("model.joblib", "joblib")),
        (None, "onnx", ("model.onnx", "onnx")),
        ("a/b.skops", None, ("a/b.skops", "skops")),
        ("b.ONNX", "onnx", ("b.ONNX", "onnx")),
        ("b.bin", None, ("b.bin", "joblib")),
        ("b.bin", "skops", ("b.bin", "skops")),
    ],
)
def test_a_target_is_chosen(out, file_format, expected):
    found = choose_target(None if out is None else Path(out), file_format, "svm-rbf")
    assert found == ModelTarget(Path(expected[0]), expected[1])


@pytest.mark.parametrize(
    ("out", "file_format", "model", "message"),
    [
        (None, "pickle", "svm-rbf", "no format 'pickle'. Choose one of joblib, skops, onnx"),
        ("a.joblib", "onnx", "svm-rbf", "a.joblib is named like a joblib file. Write --out a.onnx"),
        ("a.skops", "onnx", "svm-rbf", "a.skops is named like a skops file"),
        ("a.onnx", None, "cnn-modern", "cnn-modern has a network, and the format onnx holds SVMs"),
        (None, "skops", "fusion", "fusion has a network, and the format skops holds SVMs"),
        (None, "skops", "svm", "There is no model 'svm'"),
    ],
)
def test_a_target_that_cannot_be_is_refused_before_the_fit(out, file_format, model, message):
    with pytest.raises(MienError) as caught:
        choose_target(None if out is None else Path(out), file_format, model)
    assert message in str(caught.value)


@pytest.mark.parametrize(("file_format", "package"), [("skops", "skops.io"), ("onnx", "onnx")])
def test_a_missing_package_is_said_before_the_fit(monkeypatch, file_format, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MienError, match=rf"pip install 'mien\[{file_format}\]'"):
        choose_target(None, file_format, "svm-rbf")
    assert choose_target(None, None, "svm-rbf").file_format == "joblib"


def test_every_format_is_exported_and_predicts_the_same(run, store, tmp_path):
    for name in FORMATS:
        code, out, error = run("export", store.path, "--set", "families=blendshapes", "--format",
                               name)  # fmt: skip
        assert code == 0, error
        checked = "compared on 51 faces of the store: the same labels" in " ".join(out.split())
        assert checked is (name != "joblib")
    assert {path.name for path in tmp_path.glob("model*")} == {f"model.{own}" for own in FORMATS}
    whole, *others = (load_bundle(tmp_path / f"model.{name}") for name in FORMATS)
    X = draw_faces(RowData(store), whole, 20)
    assert X.shape == (20, 52)
    for other in others:
        np.testing.assert_allclose(other.predict_proba(X), whole.predict_proba(X), atol=1e-5)
        assert other.training == whole.training


def test_predict_takes_every_format(run, store, tmp_path):
    try:
        landmarker_bundle.ensure_landmarker_bundle()
    except MienError as error:
        pytest.skip(str(error))
    cv2.imwrite(str(tmp_path / "blank.png"), np.full((60, 60), 99, np.uint8))
    for name in FORMATS:
        run("export", store.path, "--set", "families=blendshapes", "--out", f"m.{name}")
        code, out, error = run("predict", f"m.{name}", "blank.png", "--json")
        assert code == 0, error
        assert json.loads(out)[0]["reason"] == "no_face"


def test_faces_are_drawn_from_usable_rows_with_features(store):
    data = RowData(store)
    bundle = type("Reads", (), {"families": {"blendshapes": 1}})()
    found = draw_faces(data, bundle, 1000)
    assert found.shape == (51, 52)
    assert np.isfinite(found).all()
    data.usable[:27] = False
    assert len(draw_faces(data, bundle, 1000)) == 24
    assert len(draw_faces(data, bundle, 5)) == 5


def test_inspect_takes_every_format(run, store, tmp_path):
    for name in FORMATS:
        options = ("--abstain-below", "0.5", "--out", f"m.{name}")
        run("export", store.path, "--set", "families=blendshapes", *options)
        code, out, error = run("inspect", f"m.{name}", "--json", "--check")
        assert code == 0, error
        told = json.loads(out)
        assert (told["model"], told["threshold"]) == ("svm-rbf", 0.5)
        assert (told["file"]["damage"], told["problem"]) == ("", "")
        assert told["reference_difference"] < 1e-4
        content = (tmp_path / f"m.{name}").read_bytes()
        (tmp_path / f"m.{name}").write_bytes(content[:-9])
        code, out, error = run("inspect", f"m.{name}")
        assert code in (1, 2)
        assert "damaged" in (out + error).lower() or "cut short" in error
