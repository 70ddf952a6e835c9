"""`mien audit --write-filter`, and the commands that take the filter."""

import json

import numpy as np
import pandas as pd
import pytest

from mien.experiments.report.schema import read_results
from mien.experiments.row_data import RowData
from mien.models.bundle import load_bundle
from mien.pipeline.row_filter import read_filter

ONLY = ("--families", "blendshapes")


@pytest.fixture
def keep(store, tmp_path):
    """A filter of the shared store that leaves out every tenth row as blurred."""
    rows = store.rows
    left_out = np.arange(len(rows)) % 10 == 5
    table = pd.DataFrame(
        {
            "picture": rows["picture"],
            "keep": ~left_out,
            "reasons": np.where(left_out, "blurred", ""),
            "pixels_hash": rows["pixels_hash"],
        }
    )
    table.to_csv(tmp_path / "keep.csv", index=False)
    return tmp_path / "keep.csv"


def test_audit_writes_its_files_and_prints_a_table(run, store, tmp_path):
    code, out, error = run("audit", store.path, "--out", "a", "--write-filter", "f/keep.csv")
    assert code == 0, error
    assert "Synthetic: 55 rows" in out
    assert "unreadable" in out
    assert "angry" in out
    assert "contact sheets" in out
    assert (tmp_path / "a" / "audit.csv").is_file()
    assert len(read_filter(tmp_path / "f" / "keep.csv").rows) == 55


def test_audit_prints_json(run, store, tmp_path):
    code, out, _ = run("audit", store.path, "--out", "a", "--json", "--exclude", "unreadable")
    assert code == 0
    told = json.loads(out)
    assert told["filter"]["excluded"] == ["unreadable"]
    assert told["filter"]["rows_left_out"] == 1
    assert told == json.loads((tmp_path / "a" / "audit.json").read_text())


def test_audit_takes_thresholds(run, store):
    _, out, _ = run("audit", store.path, "--out", "a", "--json", "--set", "contrast=1")
    assert json.loads(out)["reasons"]["low_contrast"]["rows"] == 54


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--exclude", "ugly"], "no reason 'ugly'"),
        (["--set", "ugly=1"], "THRESHOLD=NUMBER"),
        (["--write-filter", "."], "cannot be written"),
    ],
)
def test_audit_refuses_before_it_works(run, store, options, message):
    code, out, error = run("audit", store.path, "--out", "a", *options)
    assert (code, out) == (2, "")
    assert message in error


def test_compare_uses_what_the_filter_keeps(run, store, keep, tmp_path):
    options = ("--models", "svm-linear", "--set", "svm-linear.families=blendshapes")
    code, _, error = run("compare", store.path, "--out", "all", *options)
    assert code == 0, error
    code, _, error = run("compare", store.path, "--out", "kept", *options, "--filter", keep)
    assert code == 0, error
    whole, kept = (read_results(tmp_path / name / "results.json") for name in ("all", "kept"))
    predicted = sorted(i for fold in kept["models"]["svm-linear"]["folds"] for i in fold["indices"])
    assert predicted == [i for i in range(54) if i % 10 != 5]
    assert kept["protocol"]["folds_digest"] != whole["protocol"]["folds_digest"]
    note = "Left out by the filter keep.csv: 5 of 55 pictures (blurred 5)."
    assert kept["dataset"]["notes"] == [note]
    assert whole["dataset"]["notes"] == []
    assert note in (tmp_path / "kept" / "report.md").read_text()


def test_finished_fits_of_other_rows_are_not_taken(run, store, keep, tmp_path):
    options = ("--models", "svm-linear", "--set", "svm-linear.families=blendshapes", "--out", "r")
    assert run("compare", store.path, *options)[0] == 0
    before = {path.name for path in (tmp_path / "r" / "cells").iterdir()}
    assert run("compare", store.path, *options, "--filter", keep)[0] == 0
    assert {path.name for path in (tmp_path / "r" / "cells").iterdir()} > before
    kept = read_results(tmp_path / "r" / "results.json")
    assert all(5 not in fold["indices"] for fold in kept["models"]["svm-linear"]["folds"])


def test_tune_and_export_use_what_the_filter_keeps(run, store, keep, tmp_path):
    tune = ("tune", store.path, "--model", "svm-linear", "--trials", 1, *ONLY)
    assert run(*tune, "--out", "all.json")[0] == 0
    code, _, error = run(*tune, "--out", "kept.json", "--filter", keep)
    assert code == 0, error
    digests = [json.loads((tmp_path / f"{n}.json").read_text()) for n in ("all", "kept")]
    assert digests[0]["folds_digest"] != digests[1]["folds_digest"]
    assert digests[0]["study"] != digests[1]["study"]
    code, _, error = run(
        "export", store.path, "--model", "svm-linear", "--set", "families=blendshapes",
        "--out", "m.joblib", "--filter", keep,
    )  # fmt: skip
    assert code == 0, error
    faces = store.has_face & RowData(store, read_filter(keep)).usable
    assert load_bundle(tmp_path / "m.joblib").training["rows"] == faces.sum()


def test_extract_reads_what_the_filter_keeps(run, monkeypatch, tmp_path):
    """Without a landmarker: the dataset is read and filtered before it is asked for."""
    from mien.experiments.api import extract as api
    from mien.pipeline import extract as module

    given = []
    monkeypatch.setattr(api, "ensure_landmarker_bundle", lambda _: tmp_path)
    monkeypatch.setattr(module, "extract", lambda dataset, *_, **__: given.append(dataset) or 1 / 0)
    pixels = " ".join(map(str, np.random.default_rng(0).integers(0, 255, 48 * 48)))
    lines = "".join(f"{i % 7},{pixels},Training\n" for i in range(4))
    (tmp_path / "fer2013.csv").write_text("emotion,pixels,Usage\n" + lines)
    (tmp_path / "keep.csv").write_text(
        "picture,keep,reasons\n"
        + "".join(f"row 00000{i},{i > 1},{'' if i > 1 else 'occluded'}\n" for i in range(4))
    )
    with pytest.raises(ZeroDivisionError):
        run("extract", "fer2013.csv", "--out", "s", "--filter", "keep.csv")
    assert given[0].rows["picture"].tolist() == ["row 000002", "row 000003"]
    assert given[0].notes[-1] == ("Left out by the filter keep.csv: 2 of 4 pictures (occluded 2).")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cannot be read"),
        ("picture,keep\nother,1\n", "made of another dataset"),
        ("picture\na\n", "no column keep"),
    ],
)
@pytest.mark.parametrize("command", ["tune", "compare", "export"])
def test_a_wrong_filter_is_an_error_message(run, store, tmp_path, command, text, message):
    if text is not None:
        (tmp_path / "keep.csv").write_text(text)
    code, out, error = run(command, store.path, "--out", "o", "--filter", "keep.csv")
    assert (code, out) == (2, "")
    assert message in error


def test_a_filter_of_other_pixels_is_refused(run, store, keep):
    table = pd.read_csv(keep, dtype=str, keep_default_na=False)
    table.loc[3, "pixels_hash"] = "f" * 32
    table.to_csv(keep, index=False)
    code, _, error = run("compare", store.path, "--out", "o", "--filter", keep)
    assert code == 2
    assert "other pixels" in error
