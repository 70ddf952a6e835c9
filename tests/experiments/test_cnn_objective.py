import importlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import optuna
import pytest

from mien.errors import MienError
from mien.experiments.candidates import Candidate, get_candidate
from mien.experiments.cnn_objective import DIVERGED, CnnObjective
from mien.experiments.parameters import read_parameters
from mien.experiments.row_data import RowData
from mien.experiments.storages import open_storage
from mien.experiments.tune import make_tuning_folds, plan_folds, tune
from mien.models.cnn import isolated

SUPPORT = Path(__file__).parent / "support"
FIXED = {
    "learning_rate": 0.01, "dense_dropout": 0.5, "width": 1.0, "label_smoothing": 0.0,
    "weight_decay": 0.0, "flip": 0.0, "epochs": 6,
}  # fmt: skip
"""All that is searched but dropout."""
WORKER = """
import sys
import study_fakes
from mien.experiments import cli
study_fakes.build_fakes()
cli.main()
"""


@pytest.fixture
def data(store):
    return RowData(store)


@pytest.fixture
def folds(data):
    return plan_folds(data, "cnn")


@pytest.fixture
def fakes(monkeypatch, tmp_path):
    """The module with the fake network, which every candidate builds."""
    monkeypatch.syspath_prepend(str(SUPPORT))
    module = importlib.import_module("study_fakes")
    monkeypatch.setattr(Candidate, "build", module.build_fake)
    monkeypatch.setenv(module.EPOCH_FILE, str(tmp_path / "epochs"))
    return module


@pytest.fixture
def _here(fakes, monkeypatch):  # noqa: ARG001
    """Let the fakes be fitted in this process: quickly, and an epoch at a time."""

    def fit_predict(classifier, X_train, y_train, X_tests, *, on_progress, **_):
        classifier.fit(X_train, y_train, on_epoch=on_progress)
        probabilities = [classifier.predict_proba(pictures) for pictures in X_tests]
        return isolated.IsolatedResult(probabilities, classifier.classes_, 1.0, 1.0, 1.0, 1.0)

    monkeypatch.setattr(isolated, "fit_predict_isolated", fit_predict)


def read_epochs(tmp_path):
    """Return, of every epoch that was begun, the dropout and the epoch's number."""
    lines = (tmp_path / "epochs").read_text().splitlines()
    return [(float(line.split()[0]), int(line.split()[1])) for line in lines]


def count_epochs(tmp_path):
    """Count the epochs that were begun; 0 before the first."""
    return len(read_epochs(tmp_path)) if (tmp_path / "epochs").exists() else 0


def load_trials(storage, study):
    with open_storage(storage) as opened:
        return optuna.load_study(study_name=study, storage=opened).get_trials()


def run_trials(objective, dropouts):
    """Run trials with these dropouts on a new study with the objective's pruner."""
    study = optuna.create_study(direction="maximize", pruner=objective.make_pruner())
    for dropout in dropouts:
        study.enqueue_trial({"dropout": dropout})
    study.optimize(lambda trial: objective.run(trial, lambda: None), n_trials=len(dropouts))
    return study.trials


@pytest.mark.usefixtures("_here")
def test_a_study_scores_the_held_out_rows(data, folds, tmp_path):
    told = []
    result = tune(
        data, "cnn", folds=folds, trials=4, sampler="random", fixed=FIXED,
        storage=f"journal:{tmp_path / 'study'}", on_epoch=lambda *news: told.append(news),
    )  # fmt: skip
    trials = load_trials(f"journal:{tmp_path / 'study'}", result.study)
    (fold,) = folds.folds
    for trial in trials:
        assert trial.params.keys() == {"dropout"}
        right = round(2 * trial.params["dropout"] * len(fold.test))
        predicted = np.where(np.arange(len(fold.test)) < right, data.codes[fold.test], 0)
        assert trial.value == pytest.approx((predicted == data.codes[fold.test]).mean())
        validated = [(1 - trial.params["dropout"]) * epoch / 6 for epoch in range(1, 7)]
        assert trial.intermediate_values == pytest.approx(dict(enumerate(validated, 1)))
    best = max(trials, key=lambda trial: trial.value)
    assert result.accuracy == best.value
    assert result.parameters == get_candidate("cnn").parameters({**FIXED, **best.params})
    assert (result.rows, result.left_out) == (54, 0)
    assert [epoch for epoch, _ in told] == [1, 2, 3, 4, 5, 6] * 4


@pytest.mark.usefixtures("_here")
def test_trials_are_short_unless_epochs_are_fixed(data, folds, tmp_path):
    result = tune(data, "cnn-modern", folds=folds, trials=1)
    assert result.parameters["epochs"] == 12
    assert [epoch for _, epoch in read_epochs(tmp_path)] == list(range(1, 13))
    assert tune(data, "cnn", folds=folds, trials=1, fixed={"epochs": 2}).parameters["epochs"] == 2


@pytest.mark.usefixtures("_here")
def test_several_folds_are_scored_one_after_another(data):
    folds = make_tuning_folds(data, scheme="subject:2")
    objective = CnnObjective(get_candidate("cnn"), data, folds, seed=0, fixed=FIXED)
    (trial,) = run_trials(objective, [0.25])
    assert list(trial.intermediate_values) == list(range(1, 13))
    accuracies = [
        (np.where(np.arange(len(fold.test)) < round(len(fold.test) / 2),
                  data.codes[fold.test], 0) == data.codes[fold.test]).mean()
        for fold in folds.folds
    ]  # fmt: skip
    assert trial.value == pytest.approx(np.mean(accuracies))


@pytest.mark.usefixtures("_here")
def test_a_hopeless_training_ends_early(data, folds, tmp_path):
    objective = CnnObjective(get_candidate("cnn"), data, folds, seed=0, fixed=FIXED)
    *others, hopeless = run_trials(objective, [0.1, 0.15, 0.2, 0.25, 0.3, 0.45])
    assert {trial.state.name for trial in others} == {"COMPLETE"}
    assert hopeless.state.name == "PRUNED"
    # epoch 2 of 6 is the first that may end a trial
    assert hopeless.intermediate_values == pytest.approx({1: 0.55 / 6, 2: 0.55 * 2 / 6})
    epochs = read_epochs(tmp_path)
    assert [epoch for dropout, epoch in epochs if dropout == 0.45] == [1, 2]
    assert len(epochs) == 5 * 6 + 2


def test_the_training_process_of_a_hopeless_training_is_ended(
    data, folds, fakes, tmp_path, monkeypatch
):
    (tmp_path / "hang").touch()
    monkeypatch.setenv(fakes.HANG_FILE, str(tmp_path / "hang"))
    objective = CnnObjective(get_candidate("cnn"), data, folds, seed=0, fixed=FIXED)
    study = optuna.create_study(direction="maximize", pruner=optuna.pruners.ThresholdPruner(0.5))
    study.enqueue_trial({"dropout": 0.4})
    study.optimize(lambda trial: objective.run(trial, lambda: None), n_trials=1)
    assert study.trials[0].state.name == "PRUNED"
    assert list(study.trials[0].intermediate_values) == [1]
    process = int((tmp_path / "epochs").read_text().split()[2])
    assert process != os.getpid()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


@pytest.mark.usefixtures("_here")
def test_a_training_that_diverges_is_cut_short_with_a_reason(data, folds, tmp_path):
    fixed = {**FIXED, "learning_rate": 5.0}
    objective = CnnObjective(get_candidate("cnn"), data, folds, seed=0, fixed=fixed)
    (trial,) = run_trials(objective, [0.2])
    assert trial.state.name == "PRUNED"
    assert trial.user_attrs["reason"] == DIVERGED
    assert read_epochs(tmp_path) == [(0.2, 1)]
    with pytest.raises(MienError, match=rf"came to its end \(in 2, {DIVERGED}\)"):
        tune(data, "cnn", folds=folds, trials=2, fixed=fixed)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError("The training diverged: the loss is not a number."), DIVERGED),
        (ValueError("Expected at least two groups"), "cnn cannot be fitted: Expected at least two"),
        (
            isolated.IsolatedError("The training process was killed."),
            "Trial 0 failed. The training",
        ),
    ],
)
def test_what_ends_a_training_process_is_said(data, folds, monkeypatch, error, expected):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(isolated, "fit_predict_isolated", fail)
    with pytest.raises(MienError) as caught:
        tune(data, "cnn", folds=folds, trials=1, fixed=FIXED)
    assert expected in str(caught.value)


def test_studies_of_other_networks_rows_values_or_seeds_are_not_mixed(data, folds, make_store):
    other = RowData(make_store(seed=1))

    def name(model="cnn", own=data, folds=folds, seed=0, fixed=None, grid=False):
        objective = CnnObjective(get_candidate(model), own, folds, seed=seed, fixed=fixed)
        return objective.name_study(grid=grid)

    names = [
        name(),
        name("cnn-modern"),
        name(own=other),
        name(folds=plan_folds(data, "cnn", limit=40)),
        name(seed=1),
        name(fixed={"batch_size": 64}),
        name(fixed={"dropout": 0.25}),  # the default, but not searched
        name(grid=True),
    ]
    assert len(set(names)) == len(names)
    assert name() == names[0]
    assert name(fixed={"epochs": 12}) == names[0]


@pytest.mark.usefixtures("_here")
def test_a_grid_is_gone_through_once(data, folds):
    fixed = {name: value for name, value in FIXED.items() if name != "learning_rate"}
    options = {"folds": folds, "trials": 100, "sampler": "grid"}
    result = tune(data, "cnn", fixed={**fixed, "dropout": 0.1}, **options)
    assert result.trials == 4
    assert result.parameters["learning_rate"] in (3e-4, 1e-3, 3e-3, 1e-2)


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_a_study_that_was_ended_in_a_training_goes_on(
    run, store, fakes, tmp_path, monkeypatch, end
):
    command = [
        "tune", str(store.path), "--model", "cnn", "--trials", "2", "--set", "epochs=2",
        "--storage", "journal:study.log", "--out", "tuned.json",
    ]  # fmt: skip
    monkeypatch.setenv(fakes.HANG_FILE, str(tmp_path / "hang"))
    monkeypatch.setenv("PYTHONPATH", str(SUPPORT))
    (tmp_path / "hang").touch()
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, *command], cwd=tmp_path, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while count_epochs(tmp_path) < 2 and time.monotonic() < deadline:
        assert worker.poll() is None, worker.communicate()[1]
        time.sleep(0.02)
    os.killpg(worker.pid, end)
    _, error = worker.communicate(timeout=60)
    if end == signal.SIGINT:
        assert worker.returncode == 130, error
        assert error.strip().splitlines()[-1].startswith("Interrupted. Run the same command again")
    assert "Traceback" not in error
    assert not (tmp_path / "tuned.json").exists()

    (tmp_path / "hang").unlink()
    code, _, error = run(*command)
    assert code == 0, error
    tuned = json.loads((tmp_path / "tuned.json").read_text())
    first, *others = load_trials(f"journal:{tmp_path / 'study.log'}", tuned["study"])
    assert tuned["trials"] == 2
    assert [trial.state.name for trial in others] == ["COMPLETE"] * 2
    assert first.state.name == ("FAIL" if end == signal.SIGINT else "RUNNING")
    assert (others[0].params == first.params) is (end == signal.SIGINT)


def test_a_real_network_is_tuned(run, store, tmp_path):
    code, out, error = run(
        "tune", store.path, "--model", "cnn", "--trials", "1", "--limit", "30",
        "--set", "epochs=1", "--set", "batch_size=8", "--set", "shift=2",
    )  # fmt: skip
    assert code == 0, error
    assert "by holdout:0.2 over 1 trials" in out
    assert "Judged on 30 rows; 24 more were left out by --limit" in out
    stored = read_parameters(tmp_path / "tuned.json")
    assert stored.model == "cnn"
    expected = {"epochs": 1, "batch_size": 8, "shift": 2.0, "rotation": 0.0, "flip": 0.0}
    assert expected.items() <= stored.parameters.items()
