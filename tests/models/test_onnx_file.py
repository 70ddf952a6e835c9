import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import onnx
import pytest

from mien.errors import MienError
from mien.models import bundle_migration, onnx_file
from mien.models.bundle import load_bundle
from mien.models.bundle_record import to_record
from mien.models.checked_file import compare_models
from mien.models.onnx_file import load_onnx, read_onnx_record, save_onnx

PAGE = Path(__file__).parents[2] / "docs" / "formats.md"


@pytest.fixture(scope="module")
def bundle(make_bundle):
    return make_bundle()


@pytest.fixture(scope="module")
def rows(make_rows):
    return make_rows("blendshapes+0.5*pose", n=60, seed=1)[0]


@pytest.fixture
def file(bundle, rows, tmp_path):
    save_onnx(bundle, tmp_path / "model.onnx", rows)
    return tmp_path / "model.onnx"


def test_a_bundle_comes_back(bundle, rows, file, check_all_but_the_estimator):
    loaded = load_bundle(file)
    check_all_but_the_estimator(loaded, bundle)
    assert compare_models(bundle, loaded, rows).difference < 1e-5
    assert [path.name for path in file.parent.iterdir()] == ["model.onnx"]


def test_the_first_bytes_tell_the_format_where_the_name_does_not(bundle, file):
    other = file.rename(file.with_name("expressions.bin"))
    assert load_bundle(other).classes == bundle.classes


def test_a_bundle_without_reference_predictions(bundle, rows, tmp_path):
    save_onnx(replace(bundle, check=None), tmp_path / "model.onnx", rows)
    assert load_onnx(tmp_path / "model.onnx").check is None


def test_the_record_is_read_alone(bundle, file):
    assert read_onnx_record(file) == json.loads(json.dumps(to_record(bundle)))


def test_one_row_is_predicted_as_in_a_batch(file, rows):
    loaded = load_onnx(file)
    whole = loaded.predict_proba(rows)
    ones = np.concatenate([loaded.predict_proba(row[None]) for row in rows])
    np.testing.assert_allclose(ones, whole, atol=1e-5)
    np.testing.assert_array_equal(loaded.estimator.predict(rows), whole.argmax(axis=1))
    assert loaded.predict_proba(rows[:0]).shape == (0, 3)


def test_more_rows_than_a_block_are_predicted(file, rows):
    loaded = load_onnx(file)
    many = np.repeat(rows, 40, axis=0)
    expected = np.repeat(loaded.predict_proba(rows), 40, axis=0)
    np.testing.assert_allclose(loaded.predict_proba(many), expected, atol=1e-5)


@pytest.mark.parametrize("wrong", [np.zeros((2, 9)), np.zeros(55), np.full((2, 55), np.nan)])
def test_what_cannot_be_predicted_is_said(file, wrong):
    with pytest.raises(ValueError, match="expected"):
        load_onnx(file).predict_proba(wrong)


def check_refused(file, message, read=load_bundle):
    with pytest.raises(MienError) as caught:
        read(file)
    assert message in str(caught.value)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize("read", [load_bundle, read_onnx_record])
def test_a_file_that_is_cut_short_is_refused(file, read):
    whole = file.read_bytes()
    for length in (0, 1, 80, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:length])
        check_refused(file, "cut short", read)


@pytest.mark.parametrize("read", [load_bundle, read_onnx_record])
def test_a_flipped_bit_anywhere_is_found(file, read):
    whole = file.read_bytes()
    rng = np.random.default_rng(0)
    for place in rng.integers(len(whole), size=100):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(rng.integers(8))
        file.write_bytes(damaged)
        check_refused(file, "damaged" if place < len(whole) - 81 else "checksum", read)


def test_another_onnx_model_is_refused(tmp_path, bundle):
    model = onnx_file.build_model(bundle.estimator, 3)
    onnx.save(model, tmp_path / "model.onnx")
    check_refused(tmp_path / "model.onnx", "not an ONNX model that mien export wrote")


@pytest.mark.parametrize("read", [load_bundle, read_onnx_record])
def test_a_sealed_file_of_something_else_is_refused(tmp_path, bundle, read):
    content = onnx_file.build_model(bundle.estimator, 3).SerializeToString()
    (tmp_path / "model.onnx").write_bytes(content + onnx_file._seal(content))
    check_refused(tmp_path / "model.onnx", "not an ONNX model that this release reads", read)


def test_another_schema_is_refused(bundle, rows, tmp_path, monkeypatch):
    with monkeypatch.context() as release:
        release.setattr(bundle_migration, "EARLIER", ("mien.bundle/99",))
        save_onnx(replace(bundle, schema="mien.bundle/99"), tmp_path / "model.onnx", rows)
    check_refused(tmp_path / "model.onnx", "mien.bundle/99")


def test_a_pickle_under_this_name_is_not_read_as_one(tmp_path):
    joblib.dump(Trap(str(tmp_path / "sprung")), tmp_path / "model.onnx")
    check_refused(tmp_path / "model.onnx", "not an ONNX model")
    assert not (tmp_path / "sprung").exists()


class Trap:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


@pytest.mark.parametrize(("package", "read"), [("onnxruntime", load_bundle), ("onnx", None)])
def test_a_missing_package_is_said(file, bundle, rows, monkeypatch, package, read):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MienError, match=rf"package {package},.*pip install 'mien\[onnx\]'"):
        read(file) if read else save_onnx(bundle, file, rows)


def test_a_file_that_predicts_otherwise_is_not_written(bundle, rows, file, monkeypatch):
    build, before = onnx_file.build_model, file.read_bytes()

    def build_wrong(estimator, n_classes):
        model = build(estimator, n_classes)
        for node in model.graph.node:
            if node.op_type == "Add":
                node.op_type = "Sub"
        return model

    monkeypatch.setattr(onnx_file, "build_model", build_wrong)
    with pytest.raises(MienError, match="was not written: read again, its probabilities differ"):
        save_onnx(bundle, file, rows)
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


def test_a_file_larger_than_allowed_is_not_written(bundle, rows, tmp_path):
    with pytest.raises(MienError, match=r"more than --max-size 0\.00MB"):
        save_onnx(bundle, tmp_path / "model.onnx", rows, max_size=1000)
    assert list(tmp_path.iterdir()) == []


def test_the_script_in_the_docs_works_without_mien(bundle, file, rows):
    np.save(file.with_name("features.npy"), rows)
    (script,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert "mien" not in re.findall(r"^import (\w+)", script, re.MULTILINE)
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=file.parent, env=os.environ | {"PYTHONPATH": ""},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    probabilities = bundle.predict_proba(rows)
    told = [line.split() for line in done.stdout.splitlines()]
    assert [name for name, _ in told] == [bundle.classes[i] for i in probabilities.argmax(axis=1)]
    np.testing.assert_allclose(
        [float(own) for _, own in told], probabilities.max(axis=1), atol=6e-4
    )
