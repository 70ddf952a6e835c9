import json
from datetime import datetime, timedelta

import cv2
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import TrialState

from mien.experiments.storages import open_storage

PLOTS = {
    "history", "importances", "slice", "parallel", "contour", "folds", "timeline", "distribution"
}  # fmt: skip
NAME = "svm-rbf-0123456789ab"
SPACE = {
    "C": FloatDistribution(1e-2, 1e3, log=True),
    "families": CategoricalDistribution(["geometry", "geometry+blendshapes"]),
}
START = datetime(2026, 1, 1)


def make_trial(c, scores, state="complete", *, family="geometry", second=0):
    """Return a trial of two seconds with the scores that it reported."""
    kind = {"failed": TrialState.FAIL}.get(state) or TrialState[state.upper()]
    trial = optuna.create_trial(
        state=kind,
        value=scores[-1] if state == "complete" else None,
        params={"C": c, "families": family},
        distributions=SPACE,
        user_attrs={"parameters": {"C": c, "families": family, "centre": "none"}},
        intermediate_values=dict(enumerate(scores)),
    )
    trial.datetime_start = START + timedelta(seconds=second)
    ended = kind.is_finished()
    trial.datetime_complete = trial.datetime_start + timedelta(seconds=2) if ended else None
    return trial


MIXED = (
    make_trial(1.0, [0.3, 0.4, 0.5]),
    make_trial(0.1, [0.2], "pruned", second=2),
    make_trial(10.0, [0.5, 0.6, 0.6], second=4),
    make_trial(20.0, [0.5], "failed", second=6),
    make_trial(30.0, [0.5], "running", second=7),
    make_trial(5.0, [0.4, 0.5, 0.55], family="geometry+blendshapes", second=10),
)


@pytest.fixture
def make_study(tmp_path):
    """Make a study in the test's one storage; return the storage's path."""

    def make(*trials, name=NAME, **options):
        with open_storage(f"sqlite:///{tmp_path / 'study.db'}") as storage:
            options = {"direction": "maximize"} | options
            study = optuna.create_study(study_name=name, storage=storage, **options)
            study.add_trials(trials)
        return tmp_path / "study.db"

    return make


def show(run, *arguments):
    code, out, error = run("study", "show", *arguments, "--json")
    assert code == 0, error
    return json.loads(out)


def test_a_study_is_summed_up(run, make_study):
    told = show(run, make_study(*MIXED))
    assert (told["study"], told["model"], told["direction"]) == (NAME, "svm-rbf", "maximize")
    assert told["trials"] == {
        "complete": 3, "pruned": 1, "failed": 1, "running_or_abandoned": 1, "waiting": 0
    }  # fmt: skip
    best = {"C": 10.0, "families": "geometry", "centre": "none"}
    assert told["best"] == {"trial": 2, "value": 0.6, "parameters": best}
    assert [(step["trial"], step["value"]) for step in told["improvements"]] == [(0, 0.5), (2, 0.6)]
    assert told["importances"].keys() == SPACE.keys()
    assert sum(told["importances"].values()) == pytest.approx(1)
    assert told["time"] == {"trials_seconds": 8.0, "elapsed_seconds": 12.0}
    assert told["pruning"] == {"saved_folds": 2, "all_folds": 12, "saved_share": 2 / 12}


def test_a_networks_study_counts_epochs(run, make_study, tmp_path):
    diverged = make_trial(0.2, [0.1], "pruned")
    diverged.set_user_attr("reason", "the loss exploded")
    file = make_study(*MIXED, diverged, name="cnn-modern-0123456789ab")
    told = show(run, file, "--out", tmp_path / "plots")
    assert told["model"] == "cnn-modern"
    assert told["pruning"] == {"saved_epochs": 4, "all_epochs": 15, "saved_share": 4 / 15}
    assert told["reasons"] == {"the loss exploded": 1}
    assert {path.stem for path in (tmp_path / "plots").glob("*")} == PLOTS - {"folds"} | {"epochs"}
    _, out, _ = run("study", "show", file)
    assert "Pruning saved 4 of 15 epochs (27%)\n" in out
    assert "Cut short: 1 because the loss exploded\n" in out


def test_a_study_is_told(run, make_study):
    code, out, _ = run("study", "show", f"sqlite:///{make_study(*MIXED)}")
    assert code == 0
    for line in (
        f"{NAME} (svm-rbf, maximize)",
        "Trials: 3 complete, 1 pruned, 1 failed, 1 running or abandoned",
        "Best: 60.0% in trial 2",
        "  families = geometry",
        "Time: 8.0 s in trials, 12.0 s from the first start to the last end",
        "Pruning saved 2 of 12 folds (17%)",
    ):
        assert f"{line}\n" in out
    assert "rough, from 3 complete trials" in out
    assert "│ 2     │ 60.0%       │ C 10 " in out


@pytest.mark.parametrize(
    ("trials", "expected"),
    [
        (MIXED, PLOTS),
        (MIXED[:1], {"history", "folds", "timeline"}),
        (MIXED[1:2], {"folds", "timeline"}),
        (MIXED[4:5], {"folds", "timeline"}),
        ((), set()),
        ((MIXED[0], MIXED[0]), PLOTS - {"importances", "contour"}),
        ((MIXED[0], make_trial(1.0, [0.3, 0.4, 0.6])), PLOTS),
    ],
    ids=["mixed", "one", "pruned", "running", "empty", "equal", "same parameters"],
)
def test_the_plots_that_the_trials_allow_are_written(run, make_study, tmp_path, trials, expected):
    told = show(run, make_study(*trials), "--out", tmp_path / "new" / "plots")
    written = {path.stem: path for path in (tmp_path / "new" / "plots").glob("*")}
    assert {str(path) for path in written.values()} == set(told["pictures"])
    assert written.keys() == expected
    for path in written.values():
        picture = cv2.imread(str(path))
        assert min(picture.shape[:2]) > 300
        assert picture.std() > 5


@pytest.mark.parametrize("trials", [(), MIXED[1:2], MIXED[3:5]], ids=["none", "pruned", "no end"])
def test_a_study_without_a_complete_trial_is_told(run, make_study, trials):
    file = make_study(*trials)
    told = show(run, file)
    assert (told["best"], told["improvements"], told["importances"]) == (None, [], {})
    code, out, _ = run("study", "show", file)
    assert code == 0
    assert "No trial is complete yet" in out


def test_the_studies_of_a_storage_are_listed(run, make_study):
    make_study(*MIXED)
    file = make_study(name="of someone else", directions=["maximize", "minimize"], direction=None)
    code, out, _ = run("study", "list", file, "--json")
    assert code == 0
    other, own = json.loads(out)
    assert (own["study"], own["model"], own["best"]) == (NAME, "svm-rbf", 0.6)
    assert (other["study"], other["model"], other["best"]) == ("of someone else", None, None)
    _, out, _ = run("study", "list", file)
    assert NAME in out
    assert "60.0%" in out
    code, _, error = run("study", "show", file)
    assert code == 2
    assert "holds 2 studies" in error
    assert show(run, file, "--study", NAME)["study"] == NAME
    code, _, error = run("study", "show", file, "--study", "of someone else")
    assert code == 2
    assert "has 2 objectives, not one" in error


def test_a_study_of_another_program_is_told(run, make_study):
    file = make_study(*MIXED, name="theirs", direction="minimize")
    told = show(run, file)
    assert (told["model"], told["best"]["value"]) == (None, 0.5)
    _, out, _ = run("study", "show", file)
    assert "theirs (of another program, minimize)" in out
    assert "Best: 0.5 in trial 0" in out


@pytest.mark.parametrize("command", ["show", "list"])
def test_what_is_no_storage_is_said(run, tmp_path, command):
    for name in ("none.db", f"sqlite:///{tmp_path}/none.db", f"journal:{tmp_path}/none.log"):
        code, out, error = run("study", command, name)
        assert (code, out) == (2, "")
        assert error.startswith("Error: ")
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_study_and_an_empty_storage_are_said(run, make_study):
    file = make_study(*MIXED)
    code, _, error = run("study", "show", file, "--study", "svm")
    assert code == 2
    assert "holds no study 'svm'" in error
    assert f"It has: {NAME}." in error
    with open_storage(f"sqlite:///{file}") as storage:
        optuna.delete_study(study_name=NAME, storage=storage)
    assert run("study", "list", file) == (0, "No studies.\n", "")
    code, _, error = run("study", "show", file)
    assert code == 2
    assert "holds no studies" in error


def test_a_folder_that_cannot_be_written_is_said(run, make_study, tmp_path):
    (tmp_path / "file").touch()
    code, _, error = run("study", "show", make_study(*MIXED), "--out", tmp_path / "file" / "plots")
    assert code == 2
    assert "cannot be written" in error


def test_each_command_says_what_it_does(run):
    code, out, _ = run("study", "--help")
    assert code == 0
    assert "List the studies of a storage." in out
    assert "Show a study" in out


def test_the_parameters_of_a_study_lead_to_it(run, store, tmp_path):
    options = ("--model", "svm-linear", "--trials", "2", "--cv", "subject:2")
    code, _, error = run("tune", store.path, *options, "--families", "blendshapes")
    assert code == 0, error
    told = show(run, "tuned.json")
    tuned = json.loads((tmp_path / "tuned.json").read_text())
    assert (told["study"], told["best"]["value"]) == (tuned["study"], tuned["accuracy"])
    assert told["best"]["parameters"].items() <= tuned["parameters"].items()
