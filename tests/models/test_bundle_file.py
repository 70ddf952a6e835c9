"""A model's file: plain joblib reads it, its card is read without unpickling, damage is found."""

import gzip
import json
import os
import pickle
import subprocess
import sys
from dataclasses import replace

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from mien.errors import MienError
from mien.models.bundle import Bundle, load_bundle, save_bundle
from mien.models.bundle_file import find_damage, read_card
from mien.models.bundle_record import to_record

PLAIN_LOAD = """
import sys
import joblib
bundle = joblib.load(sys.argv[1])
print(bundle.model, len(bundle.estimator.weights), float(bundle.estimator.weights.sum()))
"""


class Weights:
    """An estimator of any size, whose numbers do not compress."""

    classes_ = np.array([0, 1])

    def __init__(self, n):
        self.weights = np.random.default_rng(0).integers(0, 256, n, dtype=np.uint8)


@pytest.fixture
def bundle():
    estimator = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    return Bundle(
        model="svm-rbf",
        estimator=estimator,
        classes=("sad \u2603", "happy"),
        families={"blendshapes": 1},
        parameters={"C": 1.0},
        detector={"name": "litert"},
        training={"rows": 2},
        versions={"mien": "0.0.9"},
        licence="line one\nline two \x00 \u2603",
    )


@pytest.fixture
def file(bundle, tmp_path):
    save_bundle(bundle, tmp_path / "model.joblib")
    return tmp_path / "model.joblib"


def test_the_card_is_the_record(bundle, file):
    card = read_card(file)
    assert card.record == json.loads(json.dumps(to_record(bundle)))
    assert card.record["licence"] == bundle.licence
    assert card.size == file.stat().st_size
    assert find_damage(file, card) == ""


def test_gzip_reads_the_file_and_finds_the_pickle(file):
    content = gzip.decompress(file.read_bytes())
    assert content.startswith(b"\x80")
    assert b"mien.models.bundle" in content


@pytest.mark.parametrize("size", [10, 5_000_000])
def test_plain_joblib_reads_it_in_a_fresh_process(bundle, tmp_path, size, monkeypatch):
    """The pickle names this test's module, which the other process imports from its folder."""
    module = "weights_of_a_model"
    source = "class Weights:\n    def __init__(self):\n        pass\n"
    (tmp_path / f"{module}.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    own = __import__(module).Weights()
    own.weights = Weights(size).weights
    save_bundle(replace(bundle, estimator=own), tmp_path / "model.joblib")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PLAIN_LOAD, str(tmp_path / "model.joblib")],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    name, length, total = done.stdout.split()
    assert (name, int(length), float(total)) == ("svm-rbf", size, float(own.weights.sum()))


def test_every_flipped_byte_after_the_header_is_found(file):
    whole = file.read_bytes()
    start = read_card(file).start
    rng = np.random.default_rng(0)
    for place in [*range(10, start + 40), *rng.integers(start, len(whole), 60).tolist()]:
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(MienError, match=r"is damaged|is a model of schema|not a model"):
            load_bundle(file)


def test_what_is_wrong_with_a_damaged_file_is_said(file):
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(MienError, match=r"SHA-256 is \w{12}…, expected \w{12}….+Copy or download"):
        load_bundle(file)
    file.write_bytes(whole[:-7])
    told = rf"is damaged: it has {len(whole) - 7:,} bytes, expected {len(whole):,}"
    with pytest.raises(MienError, match=told):
        load_bundle(file)


@pytest.mark.parametrize("length", [0, 3, 10, 50, 150, 400])
def test_a_file_that_was_cut_is_said(file, length):
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(
        MienError, match=r"is damaged, or not a model: its card|is not a model that"
    ):
        load_bundle(file)


def test_another_layout_of_a_newer_release_is_said(file):
    file.write_bytes(
        file.read_bytes().replace(b"mien.bundle/2 sha256=", b"mien.bundle/3 blake2=", 1)
    )
    with pytest.raises(MienError, match=r"schema 'mien\.bundle/3', which is newer"):
        load_bundle(file)


def test_files_of_something_else_have_no_card(bundle, tmp_path):
    contents = {
        "plain": pickle.dumps(1), "empty": b"", "gzip": gzip.compress(b"x"),
    }  # fmt: skip
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        assert read_card(tmp_path / name) is None
    joblib.dump(bundle, tmp_path / "older", compress=3)
    assert read_card(tmp_path / "older") is None


class Trap:
    """A pickle that makes a file when it is loaded."""

    def __init__(self, made):
        self.made = made

    def __reduce__(self):
        return os.mkdir, (str(self.made),)


def test_reading_the_card_runs_nothing_of_the_file(bundle, tmp_path):
    made = tmp_path / "made"
    save_bundle(replace(bundle, estimator=Trap(made)), tmp_path / "model.joblib")
    joblib.dump(replace(bundle, estimator=Trap(made)), tmp_path / "older.joblib", compress=3)
    card = read_card(tmp_path / "model.joblib")
    assert card.record["model"] == "svm-rbf"
    assert find_damage(tmp_path / "model.joblib", card) == ""
    assert read_card(tmp_path / "older.joblib") is None
    assert not made.exists()
    joblib.load(tmp_path / "model.joblib")
    assert made.exists()
