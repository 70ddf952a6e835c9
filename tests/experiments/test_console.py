import csv
import json
from pathlib import Path

import pytest

from mien.errors import MienError
from mien.experiments import console
from mien.experiments.audit import audit_store
from mien.experiments.audit_summary import summarise_audit
from mien.experiments.compare import compare
from mien.experiments.comparison_options import ComparisonOptions, Progress
from mien.experiments.console import (
    CompareProgress,
    ExtractProgress,
    PredictionPrinter,
    TuneProgress,
    print_audit,
    print_comparison,
    print_error,
    print_exported,
    print_extract_summary,
    print_info,
    print_interrupted,
    print_tuned,
    working,
    write_predictions,
)
from mien.experiments.export import fit_bundle
from mien.experiments.folds import make_folds
from mien.experiments.row_data import RowData
from mien.experiments.tune import TuneResult
from mien.models.bundle import save_bundle
from mien.models.cnn.presets import get_preset
from mien.pipeline.extract import ExtractSummary
from mien.pipeline.predict import Prediction

ODD = "[red]x[/] \\[/b] :smile: y"
"""A name that would be markup, an escaped bracket, an end without a beginning, and an emoji."""
CLASSES = (ODD, "[bold]", "neutral")
SUMMARY = ExtractSummary(
    rows=200, faces_found=150, placed=40, reasons={"no_face": 40, "unreadable": 10}, seconds=4.0,
    rows_computed=100, workers=2, peak_memory_mb=512.4,
)  # fmt: skip


@pytest.fixture(autouse=True)
def _plain(monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture
def odd(make_store):
    """A store whose names look like markup."""
    store = make_store(classes=CLASSES)
    store.manifest.update(name=ODD, source=ODD, notes=[ODD])
    store.rows["split"] = ODD
    return store


@pytest.fixture
def terminal(monkeypatch):
    """Let the progress bars draw, as in a terminal."""
    monkeypatch.setattr(console.ERR, "_force_terminal", True)
    monkeypatch.setattr(console.ERR, "is_interactive", True)
    monkeypatch.setenv("TERM", "xterm")


def test_an_error_and_its_hint_are_two_lines(capsys):
    print_error(MienError(f"{ODD} failed.", f"Try {ODD}."))
    captured = capsys.readouterr()
    assert captured.err == f"Error: {ODD} failed.\nTry {ODD}.\n"
    assert captured.out == ""


def test_an_error_without_a_hint_is_one_line(capsys):
    print_error(MienError("It failed."))
    assert capsys.readouterr().err == "Error: It failed.\n"


@pytest.mark.parametrize("goes_on", [True, False])
def test_only_what_goes_on_is_said_to(capsys, goes_on):
    print_interrupted(goes_on=goes_on)
    assert ("goes on where it was" in capsys.readouterr().err) == goes_on


def test_summary_of_an_extraction(capsys):
    print_extract_summary(ODD, Path(ODD), SUMMARY)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{ODD}: 200 rows, 150 faces found (75.0%), landmarks placed in 40 others"
    assert lines[1] == "       40  no_face: the landmarker found no face in any attempt"
    assert lines[2] == "       10  unreadable: the file could not be decoded as a picture"
    assert lines[3] == "100 rows in 4 s (25/s) with 2 workers, at most 512 MB each"
    assert lines[4] == f"Store: {Path(ODD)}"


def test_info_of_a_store(capsys, odd):
    print_info(odd)
    out = capsys.readouterr().out
    assert out.startswith(f"{ODD} from {ODD}\n55 rows, 51 faces found\n")
    assert f"Classes: {ODD} 19, [bold] 18, neutral 18\n" in out
    assert f"Splits: {ODD} 55\n" in out
    assert "Persons: 6\n" in out
    assert f"Note: {ODD}\n" in out
    assert "4,608" in out


def test_audit(capsys, odd):
    summary = summarise_audit(audit_store(odd), odd, excluded=("occluded",))
    summary["twins"] |= {"rows": 6632, "groups": 2544, "mirrored": 56, "groups_across_splits": 646}
    print_audit(summary, Path(ODD), Path("keep[/].csv"))
    out = capsys.readouterr().out
    assert out.count(ODD) >= 4  # the dataset, a class, a split, the folder
    assert "unreadable" in out
    assert "keep[/].csv" in out
    assert "Without occluded: 55 rows." in out
    assert (
        "Twins: 6,632 rows in 2,544 groups; 56 rows mirror another; 646 groups lie in several"
        in out.replace("\n", " ")
    )


def test_info_without_persons(capsys, make_store):
    print_info(make_store(known_persons=False))
    assert "Persons: not known" in capsys.readouterr().out


def test_a_study(capsys, store):
    result = TuneResult("svm-rbf", {"C": 12.34567, "scaler": "none"}, 0.75, 20, 3, "study")
    print_tuned(result, make_folds(store.rows, scheme="subject:3"), Path(ODD))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "svm-rbf: 75.0% by subject:3 over 20 trials (3 cut short)"
    assert lines[1:3] == ["  C = 12.35", "  scaler = none"]
    assert lines[3] == f"Parameters: {Path(ODD)}"


@pytest.mark.parametrize("epochs", [12, 50])
def test_a_networks_study_tells_its_rows_and_epochs(capsys, store, epochs):
    result = TuneResult(
        "cnn-modern", {"epochs": epochs}, 0.5, 20, 3, "study", rows=8000, left_out=20709
    )
    print_tuned(result, make_folds(store.rows, scheme="holdout:0.2"), Path(ODD))
    out = capsys.readouterr().out
    assert (
        "Judged on 8,000 rows; 20,709 more were left out by --limit, which is 8,000 for a network "
        "when it is not given.\n"
    ) in out
    usual = get_preset("modern").epochs
    advice = f"--set cnn-modern.epochs={usual} to mien compare or export"
    assert (advice in out) is (epochs < usual)


def test_a_comparison(capsys, odd, tmp_path):
    parameters = {"svm-rbf": {"families": "blendshapes"}, "svm-linear": {"families": ODD}}
    options = ComparisonOptions(
        models=tuple(parameters), parameters=parameters, scheme="subject:3", command=ODD
    )
    results = compare(RowData(odd), options, tmp_path / ODD)
    capsys.readouterr()
    print_comparison(results, tmp_path / ODD)
    out = capsys.readouterr().out
    assert "Each fold held out whole persons" in out
    accuracy = results["models"]["svm-rbf"]["summary"]["accuracy"]
    assert f"{accuracy['mean']:.1%} ± {accuracy['std']:.1%}" in out
    assert "failed: There is no feature family" in out
    assert f"no feature family {ODD!r}" in out
    assert f"Report: {tmp_path / ODD}/report.html" in out
    report = (tmp_path / ODD / "report.html").read_text()
    assert "[red]x[/]" in report


def test_a_comparison_on_a_datasets_own_splits(capsys, make_store, tmp_path):
    splits = ("Training", "Training", "PublicTest", "PrivateTest")
    data = RowData(make_store(splits=splits, known_persons=False))
    options = ComparisonOptions(
        models=("svm-rbf",), parameters={"svm-rbf": {"families": "blendshapes"}}
    )
    results = compare(data, options, tmp_path)
    capsys.readouterr()
    print_comparison(results, tmp_path)
    splits = results["models"]["svm-rbf"]["splits"]
    public, private = (splits[name]["accuracy"] for name in ("PublicTest", "PrivateTest"))
    assert f"PublicTest {public:.1%}; PrivateTest {private:.1%}" in capsys.readouterr().out


def test_an_export(capsys, odd, tmp_path):
    bundle = fit_bundle(RowData(odd), "svm-rbf", {"families": "blendshapes"})
    save_bundle(bundle, tmp_path / "[red]model")
    print_exported(bundle, tmp_path / "[red]model")
    size = (tmp_path / "[red]model").stat().st_size / 1e6
    right = bundle.scores["evaluation"]["classification_report"]["accuracy"]
    assert capsys.readouterr().out == (
        f"svm-rbf fitted on 51 rows\n{right:.1%} right of 51 held-out rows\n"
        f"Model: {tmp_path}/[red]model ({size:.1f} MB)\n"
    )


FOUND = Prediction(f"{ODD}.png", "neutral", {ODD: 0.2, "[bold]": 0.1, "neutral": 0.7})
MISSED = Prediction("[/].png", "", {}, "no_face", "")


def test_an_unsure_prediction_shows_what_is_likeliest(capsys):
    with PredictionPrinter(as_json=False) as printer:
        printer.show(Prediction("a.png", "", {"sad": 0.3, "[red]": 0.4, "calm": 0.3}, "unsure"))
    told = "no class is probable enough for the model to answer ([red] 0.40, sad 0.30, calm 0.30)"
    assert capsys.readouterr().out == f"a.png: no label, {told}\n"


def test_predictions_as_lines(capsys):
    with PredictionPrinter(as_json=False) as printer:
        printer.show(FOUND)
        printer.show(MISSED)
    assert capsys.readouterr().out.splitlines() == [
        f"{ODD}.png: neutral 0.70 ({ODD} 0.20, [bold] 0.10)",
        "[/].png: no label, the landmarker found no face in any attempt",
    ]


def test_names_cannot_steer_the_terminal(capsys):
    name = "new\nline \x1b[31m\x07\r<script>\udcff.png"
    with PredictionPrinter(as_json=False) as printer:
        printer.show(Prediction(name, "", {}, "no_face"))
    print_error(MienError(f"Not {name}.", "First.\nSecond."))
    captured = capsys.readouterr()
    shown = r"\x1b[31m\x07\r<script>\udcff.png"
    assert captured.out.splitlines()[0].startswith(rf"new\nline {shown}: no label")
    assert captured.err.splitlines() == ["Error: Not new", f"line {shown}.", "First.", "Second."]


def test_predictions_as_json(capsys):
    with PredictionPrinter(as_json=True) as printer:
        printer.show(FOUND)
        printer.show(MISSED)
        assert capsys.readouterr().out == ""
    found = json.loads(capsys.readouterr().out)
    assert [Prediction(**prediction) for prediction in found] == [FOUND, MISSED]


def test_half_of_the_json_is_never_printed(capsys):
    printer = PredictionPrinter(as_json=True)
    printer.show(FOUND)
    printer.__exit__(MienError, MienError("stop"), None)
    assert capsys.readouterr().out == ""


def test_predictions_as_csv(tmp_path):
    file = tmp_path / "new" / "found.csv"
    write_predictions(file, CLASSES, [FOUND, MISSED])
    with file.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.reader(lines))
    assert rows == [
        ["picture", "label", "reason", *CLASSES],
        [f"{ODD}.png", "neutral", "", "0.200000", "0.100000", "0.700000"],
        ["[/].png", "", "no_face", "", "", ""],
    ]


@pytest.mark.usefixtures("terminal")
def test_progress_of_a_comparison(capsys):
    with CompareProgress() as bar:
        bar.update(Progress("svm-rbf", "fold 1", 2, 8, "[/b] epoch 1"))
        bar._progress.refresh()
    told = capsys.readouterr().err
    assert "svm-rbf" in told
    assert "2/8" in told
    assert "fold 1 [/b] epoch 1" in told


@pytest.mark.usefixtures("terminal")
def test_a_long_note_is_not_cut_where_the_terminal_ends(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    with CompareProgress() as bar:
        bar.update(Progress("cnn", "fold 1", 2, 8, "epoch 1/50, loss 1.234, about 12 minutes left"))
        bar._progress.refresh()
    lines = capsys.readouterr().err.splitlines()
    assert any("2/8" in line for line in lines)
    assert any("minutes left" in line for line in lines)


@pytest.mark.usefixtures("terminal")
def test_progress_of_a_study_names_no_best_before_there_is_one(capsys):
    with TuneProgress("[/b]") as bar:
        bar.update(1, 9, float("nan"))
        bar._progress.refresh()
        assert "best" not in capsys.readouterr().err
        bar.update(2, 9, 0.625)
        bar._progress.refresh()
    told = capsys.readouterr().err
    assert "[/b]" in told
    assert "2/9" in told
    assert "best 62.5%" in told


def test_rate_of_an_extraction_counts_only_this_run(monkeypatch):
    now = [0.0]
    bar = ExtractProgress()
    task = bar._progress.tasks[0]
    monkeypatch.setattr(task, "_get_time", lambda: now[0])
    with bar:
        task.start_time = 0.0
        for now[0], done, note in ((0.0, 1000, ""), (2.0, 1060, "30/s"), (10.0, 1100, "10/s")):
            bar.update(done, 2000)
            assert (task.completed, task.total, task.fields["note"]) == (done, 2000, note)


@pytest.mark.usefixtures("terminal")
def test_what_is_worked_at_is_shown(capsys):
    with working("fitting [/b]") as told:
        told.step("epoch 3/50, loss 0.500")
    assert "fitting [/b]: epoch 3/50, loss 0.500" in capsys.readouterr().err
