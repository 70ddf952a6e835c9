import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

import mien
from mien.errors import MienError
from mien.experiments import cli
from mien.experiments.report.schema import read_results
from mien.models.bundle import load_bundle
from mien.pipeline import landmarker_bundle

COMMANDS = (
    "doctor",
    "demo",
    "render",
    "extract",
    "info",
    "features",
    "audit",
    "ablate",
    "tune",
    "compare",
    "report",
    "diff",
    "rerun",
    "reproduce",
    "export",
    "predict",
    "inspect",
    "serve",
)
HEAVY = (
    "numpy", "pandas", "sklearn", "scipy", "tensorflow", "keras", "mediapipe", "cv2", "optuna",
    "matplotlib", "pyarrow", "joblib", "starlette", "uvicorn",
)  # fmt: skip
SMALL = ("--families", "blendshapes")
TUNE_SLOWLY = """
import sys, time
from mien.experiments import cli
from mien.experiments.svm_scorer import SvmScorer
score = SvmScorer.score
def slow(*arguments):
    time.sleep(0.2)
    return score(*arguments)
SvmScorer.score = slow
cli.main()
"""


@pytest.fixture
def model(run, store, tmp_path):
    """A model file, fitted on blendshapes."""
    code, _, error = run("export", store.path, "--set", "families=blendshapes", "--out", "m.joblib")
    assert code == 0, error
    return tmp_path / "m.joblib"


def test_help_lists_every_command():
    result = CliRunner().invoke(cli.app, ["--help"])
    assert result.exit_code == 0
    assert all(f" {name} " in result.stdout for name in COMMANDS)
    listed = {command.callback.__name__ for command in cli.app.registered_commands}
    assert listed == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_explains_each_option(name):
    result = CliRunner().invoke(cli.app, [name, "--help"], env={"COLUMNS": "250"})
    assert result.exit_code == 0
    for line in result.stdout.splitlines():
        if line.strip("│ ").startswith("--"):
            assert len(line.strip("│ ").split()) > 2, line


def test_help_names_every_layout(run):
    from mien.pipeline.datasets.registry import LAYOUTS

    _, out, _ = run("extract", "--help")
    shown = " ".join(out.replace("│", " ").split())
    assert all(f"{name}," in shown or f"{name}." in shown for name in LAYOUTS)


def test_help_and_version_import_nothing_heavy():
    code = (
        "import sys\nfrom mien.experiments.cli import main\n"
        "sys.argv = ['mien', sys.argv[1]]\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    for option in ("--help", "--version"):
        done = subprocess.run(
            [sys.executable, "-c", code, option], capture_output=True, text=True, check=True
        )
        assert done.stdout.splitlines()[-1] == "[]"


def test_version(run):
    assert run("--version") == (0, f"{mien.__version__}\n", "")


def test_without_arguments_the_help_is_shown(run):
    code, out, error = run()
    assert code == 2
    assert "compare" in out + error


def test_the_module_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "mien", "info", "nowhere"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("Error: There is no feature store at nowhere.\nMake one with")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["info", "{out}/none"], "There is no feature store at"),
        (["info", "{out}"], "is not a feature store"),
        (["tune", "{out}/none"], "There is no feature store at"),
        (["compare", "{out}/none", "--out", "{out}/r"], "There is no feature store at"),
        (["compare", "{store}", "--out", "{out}/r", "--models", "forest"], "no model 'forest'"),
        (["compare", "{store}", "--out", "{out}/r", "--models", ","], "No model was named"),
        (["compare", "{store}", "--out", "{out}/r", "--cv", "kfold:3"], "scheme 'kfold:3'"),
        (["compare", "{store}", "--out", "{out}/r", "--cv", "subject:99"], "only 6 persons"),
        (["compare", "{store}", "--out", "{out}/r", "--cv", "official"], "needs rows of the spl"),
        (["compare", "{store}", "--out", "{out}/r", "--set", "epochs=5"], "MODEL.PARAMETER=VALUE"),
        (["compare", "{store}", "--out", "{out}/r", "--set", "cnn.epoch=5"], "no parameter epoch"),
        (["compare", "{store}", "--out", "{out}/r", "--set", "cnn.epochs=x"], "a whole number"),
        (["compare", "{store}", "--out", "{out}/file"], "cannot be written"),
        (["compare", "{store}", "--out", "{out}/r", "--params", "{out}/none.json"], "be read"),
        (["compare", "{store}", "--out", "{out}/r", "--params", "{out}/file"], "be read"),
        (["compare", "{store}", "--out", "{out}/r", "--repeats", "0"], "--repeats"),
        (["compare", "{store}", "--out", "{out}/r", "--attempts", "0"], "--attempts"),
        (
            ["compare", "{store}", "--out", "{out}/r", "--models", "svm-rbf", "--attempts", "2"],
            "Only networks are fitted in 2 attempts",
        ),
        (["compare", "{store}", "--out", "{out}/r", "--time-budget", "45"], "45m, 2h or 1h30m"),
        (
            [
                "compare",
                "{store}",
                "--out",
                "{out}/r",
                "--models",
                "svm-rbf",
                "--time-budget",
                "1h",
            ],
            "svm-rbf is none",
        ),
        (["export", "{store}", "--time-budget", "1h"], "svm-rbf is none"),
        (["compare", "{store}"], "--out"),
        (
            ["tune", "{store}", "--model", "cnn", "--families", "pose"],
            "cnn reads pixels, no families",
        ),
        (["tune", "{store}", "--model", "[/x]"], "There is no model '[/x]'"),
        (["tune", "{store}", "--sampler", "cma"], "There is no sampler 'cma'"),
        (["tune", "{store}", "--storage", "mydb"], "storage 'mydb' cannot be opened"),
        (["tune", "{store}", "--cv", "holdout:2"], "a share between 0 and 1"),
        (["tune", "{store}", "--families", "hog"], "no feature family 'hog'"),
        (["tune", "{store}", "--out", "{out}/file/t.json"], "cannot be written"),
        (["tune", "{store}", "--out", "{out}"], "cannot be written (it is a folder)"),
        (["tune", "{store}", "--seed", "-1"], "--seed"),
        (["export", "{store}", "--model", "[/x]"], "There is no model '[/x]'"),
        (["export", "{store}", "--set", "C=abc"], "C must be a number above 0, not 'abc'"),
        (["export", "{store}", "--set", "svm-linear.C=1"], "--set names svm-linear, but --model"),
        (["export", "{store}", "--set", "C"], "MODEL.PARAMETER=VALUE"),
        (["export", "{store}", "--split", "Training"], "no split 'Training'"),
        (["export", "{store}", "--out", "{out}/file/m.joblib"], "cannot be written"),
        (["predict", "{out}/none.joblib", "{out}"], "There is no model at"),
        (["predict", "{out}/file", "{out}"], "is not a model that mien export wrote"),
        (["extract", "{out}/none", "--out", "{out}/s"], "none"),
        (["extract", "rendered:people=1", "--out", "{out}/s", "--max-failures", "x"], "'x'"),
        (["extract", "rendered:people=0", "--out", "{out}/s"], "people"),
        (["extract", "rendered:people=1", "--out", "{out}/s", "--families", "hog"], "'hog'"),
        (["render", "--out", "{out}/file/x", "--people", "1"], "{out}/file/x"),
        (["nonsense"], "nonsense"),
    ],
)
def test_a_users_mistake_is_a_message_and_exit_code_2(run, store, tmp_path, arguments, message):
    if arguments[0] in ("extract", "render"):
        require_landmarker()
    (tmp_path / "file").write_text("of something else")
    filled = [text.format(store=store.path, out=tmp_path) for text in arguments]
    code, out, error = run(*filled)
    assert code == 2
    assert message.format(out=tmp_path) in error
    assert "Traceback" not in out + error


def require_landmarker():
    try:
        return landmarker_bundle.ensure_landmarker_bundle()
    except MienError as error:
        pytest.skip(str(error))


def test_parameters_of_another_model_are_refused(run, store, tmp_path):
    tuned = {
        "schema": "mien.parameters/1",
        "model": "svm-linear",
        "parameters": {"C": 1.0},
        "dataset_hash": "0",
    }
    (tmp_path / "tuned.json").write_text(json.dumps(tuned))
    code, _, error = run("export", store.path, "--params", "tuned.json")
    assert code == 2
    assert "are of svm-linear, but --model is svm-rbf.\nWrite --model svm-" in error
    code, _, error = run(
        "compare", store.path, "--out", "r", "--models", "svm-rbf", "--params", "tuned.json"
    )
    assert code == 2
    assert "Parameters were given for svm-linear, which is not compared" in error


def test_info_as_json_and_as_text(run, store):
    code, out, error = run("info", store.path, "--json")
    content = json.loads(out)
    assert (code, error) == (0, "")
    assert (content["rows"], content["faces_found"]) == (55, 51)
    assert content["reasons"] == {"no_face": 3, "unreadable": 1}
    assert set(content["families"]) == {"blendshapes", "geometry", "patch_hog"}
    code, out, _ = run("info", store.path)
    assert code == 0
    assert "55 rows, 51 faces found" in out
    assert "Classes: angry 19, happy 18, neutral 18" in out
    assert "Persons: 6" in out


def test_tune_compare_export_hand_on_their_results(run, store, tmp_path):
    out = tmp_path / "new" / "tuned.json"
    tune = ("tune", store.path, "--model", "svm-linear", "--trials", "3", "--cv", "subject:2")
    code, told, error = run(*tune, *SMALL, "--out", out)
    assert code == 0, error
    assert "by subject:2 over 3 trials" in told
    assert (tmp_path / "new" / "tuned.db").exists()
    code, told, _ = run(*tune[:5], "4", *tune[6:], *SMALL, "--out", out)
    assert (code, json.loads(out.read_text())["trials"]) == (0, 4)
    code, told, error = run(
        "compare", store.path, "--models", "svm-linear,svm-rbf", "--params", out,
        "--set", "svm-rbf.families=blendshapes", "--cv", "subject:2", "--out", "report",
    )  # fmt: skip
    assert code == 0, error
    assert "svm-linear were chosen on the same pictures" in told
    results = read_results(tmp_path / "report" / "results.json")
    tuned = json.loads(out.read_text())["parameters"]
    assert results["models"]["svm-linear"]["parameters"] == tuned
    assert results["models"]["svm-rbf"]["parameters"]["families"] == "blendshapes"
    code, told, error = run(
        "export", store.path, "--model", "svm-linear", "--params", out, "--set", "C=2",
        "--out", "model.joblib",
    )  # fmt: skip
    assert code == 0, error
    assert "svm-linear fitted on 51 rows" in told
    parameters = load_bundle(tmp_path / "model.joblib").parameters
    assert parameters == {**tuned, "C": 2.0}


def test_rows_that_do_not_fit_into_memory_are_left_out_of_trials_and_it_is_said(
    run, store, tmp_path
):
    command = (
        "tune", store.path, "--model", "svm-linear", "--trials", "2", "--cv", "stratified:2",
        *SMALL, "--memory", "40KB", "--set", "mirror=average", "--set", "solver=least-squares",
    )  # fmt: skip
    code, told, error = run(*command, "--out", "tuned.json")
    assert code == 0, error
    content = json.loads((tmp_path / "tuned.json").read_text())
    assert content["rows"] + content["rows_left_out"] == 54
    assert f"Judged on {content['rows']} rows; {content['rows_left_out']} more were left" in told
    assert content["parameters"]["mirror"] == "average"
    assert content["parameters"]["solver"] == "least-squares"
    assert run(*command[:-5], "plenty", "--out", "b.json")[0] == 2


def test_an_export_that_does_not_fit_is_approximated_or_refused(run, store, tmp_path):
    command = ("export", store.path, "--set", "families=geometry", "--out", "model.joblib")
    code, _, error = run(*command, "--memory", "100KB")
    assert code == 2
    assert "51 rows of 2,178 columns do not fit into 100 KB.\nRaise --memory" in error
    code, _, error = run(*command, "--memory", "1.36MB")
    assert code == 0, error
    assert "low-rank" in load_bundle(tmp_path / "model.joblib").training["solver"]


def test_an_export_is_as_small_as_asked(run, store, tmp_path):
    command = ("export", store.path, "--set", "families=geometry", "--out", "model.joblib")
    code, _, error = run(*command, "--max-size", "300KB")
    assert code == 0, error
    assert (tmp_path / "model.joblib").stat().st_size <= 300_000
    assert "scores change most" in load_bundle(tmp_path / "model.joblib").training["solver"]
    code, _, error = run(*command, "--max-size", "small")
    assert code == 2
    assert "--max-size must be an amount above 0, not 'small'" in error


def test_the_report_holds_the_command_as_typed(run, store, tmp_path):
    command = (
        "compare", store.path, "--models", "svm-rbf", "--cv", "subject:2", "--out", "a report",
        "--set", "svm-rbf.families=blendshapes",
    )  # fmt: skip
    assert run(*command)[0] == 0
    results = read_results(tmp_path / "a report" / "results.json")
    assert results["command"] == (
        f"mien compare {store.path} --models svm-rbf --cv subject:2 --out 'a report' "
        "--set svm-rbf.families=blendshapes"
    )


@pytest.mark.usefixtures("fake_networks")
def test_a_time_budget_and_attempts_reach_every_network(run, store, tmp_path):
    code, told, error = run(
        "compare", store.path, "--models", "svm-linear,cnn,cnn-modern", "--cv", "holdout:0.5",
        "--set", "svm-linear.families=blendshapes", "--time-budget", "1h30m", "--attempts", "2",
        "--set", "cnn.network=diverged at 0", "--out", "report",
    )  # fmt: skip
    assert code == 0, error
    models = read_results(tmp_path / "report" / "results.json")["models"]
    for name in ("cnn", "cnn-modern"):
        assert models[name]["parameters"]["time_budget"] == 5400.0
        assert models[name]["folds"][0]["training"]["time_budget"] == 5400.0
        assert [attempt["seed"] for attempt in models[name]["attempts"]] == [0, 1]
    assert "Note: CNN of the thesis: the training diverged in 1 of 1 folds" in told
    assert "CNN of the thesis: 2 attempts that differ by their seed, accuracy" in told


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "[red]pictures[/]"
    folder.mkdir(parents=True)
    cv2.imwrite(str(folder / "blank.png"), np.full((200, 200), 128, np.uint8))
    (folder / "broken.png").write_bytes(b"no picture")
    return folder


def test_predictions_as_text_json_and_csv(run, model, pictures, tmp_path):
    require_landmarker()
    code, out, error = run("predict", model, pictures, "--json", "--csv", "new/found.csv")
    assert code == 0, error
    found = json.loads(out)
    assert [prediction["reason"] for prediction in found] == ["no_face", "unreadable"]
    assert found[0]["picture"] == str(pictures / "blank.png")
    with (tmp_path / "new" / "found.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["picture", "label", "reason", "angry", "happy", "neutral"]
    assert rows[1] == [str(pictures / "blank.png"), "", "no_face", "", "", ""]
    code, out, _ = run("predict", model, pictures)
    assert code == 0
    assert out.splitlines() == [
        f"{pictures}/blank.png: no label, the landmarker found no face in any attempt",
        f"{pictures}/broken.png: no label, the file could not be decoded as a picture",
    ]


def test_json_of_predictions_is_all_there_is_on_standard_output(model, pictures):
    """Native libraries write past Python, which only another process can tell."""
    require_landmarker()
    done = subprocess.run(
        [sys.executable, "-m", "mien", "predict", str(model), str(pictures), "--json"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert len(json.loads(done.stdout)) == 2


def test_an_unwritable_csv_is_said_before_the_work(run, model, pictures, tmp_path):
    (tmp_path / "file").touch()
    code, out, error = run("predict", model, pictures, "--csv", "file/found.csv")
    assert (code, out) == (2, "")
    assert "cannot be written" in error


def test_extract_counts_failures_against_the_limit(run, tmp_path):
    require_landmarker()
    for name in ("happy", "sad"):
        (tmp_path / "faces" / name).mkdir(parents=True)
        cv2.imwrite(f"{tmp_path}/faces/{name}/1.png", np.full((60, 60), 99, np.uint8))
    command = ("extract", "faces", "--out", "store", "--workers", "1", "--max-failures")
    code, out, error = run(*command, "1")
    assert code == 2
    assert "2 rows have no measured landmarks; --max-failures allows 1." in error
    assert "2 rows, 0 faces found (0.0%), landmarks placed in 2 others" in out
    code, out, _ = run(*command, "100%")
    assert code == 0
    assert "All rows were in the store already." in out


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["info"], "Interrupted.\n"),
        (["tune"], "Interrupted. Run the same command again: it goes on where it was.\n"),
    ],
)
def test_an_interrupt_is_a_line_and_exit_code_130(run, store, monkeypatch, command, message):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("mien.pipeline.store.FeatureStore.open", interrupt)
    assert run(*command, store.path) == (130, "", message)


def test_an_interrupted_study_goes_on(store, tmp_path):
    command = [
        sys.executable, "-c", TUNE_SLOWLY, "tune", str(store.path), "--model", "svm-linear",
        "--trials", "6", "--cv", "subject:2", *SMALL, "--storage", "journal:study.log",
        "--out", "tuned.json",
    ]  # fmt: skip
    environment = os.environ | {"PYTHONPATH": ""}
    worker = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True,
    )  # fmt: skip
    study = tmp_path / "study.log"
    deadline = time.monotonic() + 120
    while count_finished(study) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(worker.pid, signal.SIGINT)
    _, error = worker.communicate(timeout=120)
    assert worker.returncode == 130, error
    assert error.strip().splitlines()[-1].startswith("Interrupted. Run the same command again")
    assert "Traceback" not in error
    assert not (tmp_path / "tuned.json").exists()
    before = count_finished(study)
    assert 2 <= before < 6
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    assert json.loads((tmp_path / "tuned.json").read_text())["trials"] == 6
    assert count_finished(study) == 6


def count_finished(journal: Path) -> int:
    """Trials that a journal has as complete or pruned; each writes its values when it ends."""
    if not journal.exists():
        return 0
    whole, _, _ = journal.read_text().rpartition("\n")  # the last line may be half written
    lines = [json.loads(line) for line in whole.splitlines()]
    return sum(line.get("values") is not None for line in lines)


def test_an_interrupted_extraction_goes_on(tmp_path):
    require_landmarker()
    source, out = "rendered:people=40,seed=1,size=96", tmp_path / "store"
    command = [sys.executable, "-m", "mien", "extract", source, "--out", str(out), "--workers", "1"]
    worker = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    deadline = time.monotonic() + 120
    while not list(out.glob("parts/*.npz")) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(worker.pid, signal.SIGINT)
    told, error = worker.communicate(timeout=120)
    assert worker.returncode == 130, error
    assert told == ""
    assert "Traceback" not in error
    assert error.strip().splitlines()[-1].startswith("Interrupted. Run the same command again")
