"""Export with figures and a threshold, inspect, the card: as the shell runs them."""

import gzip
import json
import os
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import pytest

from mien.experiments.compare import compare
from mien.experiments.comparison_options import ComparisonOptions
from mien.experiments.export import fit_bundle
from mien.experiments.export_bundle import CardOptions
from mien.experiments.report.schema import read_results
from mien.experiments.row_data import RowData
from mien.models.bundle import load_bundle, save_bundle

SMALL = ("--set", "families=blendshapes")


@pytest.fixture(scope="module")
def bundle(store):
    card = CardOptions(abstain_below=0.6, licence="for [red] research only")
    return fit_bundle(RowData(store), "svm-rbf", {"families": "blendshapes"}, card=card)


@pytest.fixture
def file(bundle, tmp_path):
    save_bundle(bundle, tmp_path / "m.joblib")
    return tmp_path / "m.joblib"


def test_inspect_says_what_a_model_is(run, file, store):
    code, out, error = run("inspect", file)
    assert code == 0, error
    for told in (
        "Model: svm-rbf (SVM, RBF kernel)",
        "Classes: angry, happy, neutral",
        "Features: blendshapes (version 1)",
        f"51 rows of Synthetic, all splits, hash {store.manifest['dataset_hash'][:16]}",
        "of 51 held-out rows (held-out training rows), log loss",
        "Abstains: where the highest probability is below 0.6; answers",
        "Differs here: nothing",
        "Licence: for [red] research only",
        "Checksum: OK",
    ):
        assert told in out


def test_inspect_as_json_is_the_record_and_the_file(run, file):
    code, out, _ = run("inspect", file, "--json", "--check")
    told = json.loads(out)
    assert code == 0
    assert told["schema"] == "mien.bundle/2"
    assert told["model"] == "svm-rbf"
    assert told["parameters"]["families"] == "blendshapes"
    assert told["file"]["bytes"] == file.stat().st_size
    assert told["file"]["damage"] == told["problem"] == ""
    assert told["check"] == {"rows": 4}
    assert told["reference_difference"] == 0
    assert told["threshold"] == 0.6


def test_what_differs_here_is_told(run, bundle, file):
    versions = {**bundle.versions, "numpy": "1.0"}
    families = {"blendshapes": 1, "mine": 1}
    save_bundle(replace(bundle, versions=versions, families=families), file)
    code, out, _ = run("inspect", file)
    assert code == 0
    assert f"Differs here: numpy 1.0 there, {np.__version__} here; " in out
    assert "reads the feature family 'mine', which is not known here" in out


def test_a_damaged_file_is_told_and_its_card_is_not_written(run, file, tmp_path):
    content = file.read_bytes()
    file.write_bytes(content[:-9])
    code, out, _ = run("inspect", file, "--card", "card.md", "--check")
    assert code == 1
    told = f"DAMAGED: it has {len(content) - 9:,} bytes, expected {len(content):,}"
    assert told in out
    assert not (tmp_path / "card.md").exists()
    assert json.loads(run("inspect", file, "--json")[1])["file"]["damage"]


class Trap:
    def __init__(self, made):
        self.made = made

    def __reduce__(self):
        return os.mkdir, (self.made,)


def test_inspect_runs_nothing_of_the_file(run, bundle, file, tmp_path):
    trap = replace(bundle, estimator=Trap(str(tmp_path / "made")))
    save_bundle(trap, file)
    assert run("inspect", file, "--card", "card.html")[0] == 0
    joblib.dump(trap, tmp_path / "older.joblib", compress=3)
    code, _, error = run("inspect", tmp_path / "older.joblib")
    assert code == 2
    assert "has no card: it was exported by an earlier release (schema mien.bundle/1)" in error
    assert "It was not opened further" in error
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["inspect", "none.joblib"], "There is no model at none.joblib"),
        (["inspect", "{store}"], "There is no model at"),
        (["inspect", "m.joblib", "--card", "card.pdf"], "Markdown or HTML, not as 'card.pdf'"),
        (["inspect", "m.joblib", "--card", "m.joblib/card.md"], "cannot be written"),
        (["export", "{store}", *SMALL, "--card", "card"], "Markdown or HTML, not as 'card'"),
        (["export", "{store}", *SMALL, "--abstain-below", "50"], "must be between 0 and 1, not 50"),
        (["export", "{store}", *SMALL, "--target-accuracy", "nan"], "must be between 0 and 1"),
        (
            ["export", "{store}", *SMALL, "--abstain-below", "0.5", "--target-accuracy", "0.9"],
            "both choose the threshold",
        ),
        (["export", "{store}", *SMALL, "--results", "none.json"], "it cannot be read"),
    ],
)
def test_what_is_asked_for_wrongly_is_said(run, file, store, command, message):
    assert file.exists()
    code, _, error = run(*(part.format(store=store.path) for part in command))
    assert code == 2
    assert message in error


def test_a_target_accuracy_chooses_the_threshold(run, make_store, tmp_path):
    store = make_store(separation=0.2, takes=4, faceless=0)
    curve = fit_bundle(RowData(store), "svm-rbf", {"families": "blendshapes"}).scores["evaluation"][
        "ranking"
    ]["coverage"]
    target = next(own["accuracy"] for own in curve if own["coverage"] == 0.5) - 0.01
    command = ("export", store.path, *SMALL, "--out", "m.joblib", "--card", "card.md")
    code, out, error = run(*command, "--target-accuracy", str(target))
    assert code == 0, error
    bundle = load_bundle(tmp_path / "m.joblib")
    told = bundle.scores["abstaining"]
    assert told["accuracy"] >= target > curve[0]["accuracy"]
    assert 0.5 <= told["coverage"] < 1
    assert bundle.threshold == told["threshold"] > 1 / 3
    assert f"Abstains below {bundle.threshold:.4g}: answers {told['coverage']:.1%}" in out
    card = (tmp_path / "card.md").read_text()
    assert f"it answers {100 * told['coverage']:.1f}\u00a0%" in card


@pytest.fixture(scope="module")
def compared(store, tmp_path_factory):
    """A file of results."""
    out = tmp_path_factory.mktemp("compared")
    options = ComparisonOptions(
        models=("svm-rbf",), scheme="subject:3",
        parameters={"svm-rbf": {"families": "blendshapes"}},
    )  # fmt: skip
    compare(RowData(store), options, out)
    return out / "results.json"


def test_figures_can_be_those_of_a_comparison(run, store, compared):
    command = ("export", store.path, *SMALL, "--out", "m.joblib", "--card", "card.md")
    code, _, error = run(*command, "--results", compared)
    assert code == 0, error
    told = load_bundle("m.joblib").scores["evaluation"]
    results = read_results(compared)
    model = results["models"]["svm-rbf"]
    assert told["source"] == "comparison"
    assert told["classification_report"] == model["classification_report"]
    assert told["intervals"] == model["intervals"]
    assert told["protocol"]["statement"] == results["protocol"]["statement"]
    assert told["rows"] == 54
    card = Path("card.md").read_text()
    assert results["protocol"]["statement"] in card
    assert "Scheme: subject:3" in card


def test_figures_of_something_else_are_refused(run, store, make_store, compared):
    other = make_store(seed=5)
    for place, options, message in (
        (store.path, ("--set", "C=3"), "families is blendshapes there and patch_hog here"),
        (store.path, (*SMALL, "--set", "C=3"), "exported: C is 10 there and 3 here."),
        (other.path, SMALL, "the dataset is Synthetic with the hash"),
        (store.path, ("--model", "svm-poly"), "svm-poly is not among the models of --results."),
    ):
        code, _, error = run("export", place, *options, "--results", compared)
        assert code == 2
        assert message in error


def test_no_name_or_row_of_the_data_is_in_the_file(file, store):
    content = file.read_bytes()[:30_000] + gzip.decompress(file.read_bytes())
    for name in {*store.rows["picture"], *store.rows["subject"]} - {""}:
        assert name.encode() not in content
    features = store.view(["blendshapes"], np.arange(54))
    reference = load_bundle(file).check["inputs"]["features"].astype(np.float32)
    apart = np.abs(reference[:, None] - features[None]).max(axis=2)
    assert np.nanmin(apart) > 0.1
