"""Several processes on one study, and what is left when some are killed."""

import os
import subprocess
import sys
import time

import psycopg
import pytest

from mien.experiments import storages
from mien.experiments.row_data import RowData
from mien.experiments.storages import open_storage
from mien.experiments.study_summary import load_study, summarise_study
from mien.experiments.tune import make_tuning_folds, tune

FAMILIES = ["blendshapes"]
FOLDS = 2
WORKER = """
import sys, time
from pathlib import Path
from mien.experiments import tune as module
from mien.experiments.row_data import RowData
from mien.experiments.svm_scorer import SvmScorer
from mien.pipeline.store import FeatureStore

store, storage, trials, sampler, hang_at, told = sys.argv[1:]
score, scored = SvmScorer.score, []
def slow(self, fold, parameters):
    scored.append(fold)
    if len(scored) == int(hang_at):
        Path(told + ".hangs").touch()
        time.sleep(100)
    time.sleep(0.05)
    return score(self, fold, parameters)
SvmScorer.score = slow
data = RowData(FeatureStore.open(store))
folds = module.make_tuning_folds(data, scheme="subject:2")
import mien.experiments.studies
Path(told + ".ready").touch()
while not (Path(told).parent / "go").exists():
    time.sleep(0.01)
tell = lambda done, *_: Path(told).write_text(str(done))
module.tune(data, "svm-linear", folds=folds, trials=int(trials), storage=storage, sampler=sampler,
            families=["blendshapes"], on_trial=tell)
"""
_SECOND_TRIAL = FOLDS + 2  # the number of its second fold


def wait_for(files, workers):
    """Wait until all the files are there; a worker that ended says why."""
    deadline = time.monotonic() + 120
    while not all(file.exists() for file in files):
        ended = [worker.communicate()[1] for worker in workers if worker.poll() is not None]
        assert not ended, "\n".join(ended)
        assert time.monotonic() < deadline, files
        time.sleep(0.01)


@pytest.fixture
def data(store):
    return RowData(store)


@pytest.fixture
def start(store, storage, tmp_path):
    """Start workers that begin together; those of ``hanging`` stop in their second trial."""
    workers = []

    def start(count, *, trials, hanging, sampler="tpe"):
        for i in range(count):
            hang_at = _SECOND_TRIAL if i < hanging else 0
            arguments = (store.path, storage, trials, sampler, hang_at, tmp_path / f"w{i}")
            workers.append(
                subprocess.Popen(
                    [sys.executable, "-c", WORKER, *map(str, arguments)],
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                    env=os.environ | {"PYTHONPATH": ""},
                )
            )  # fmt: skip
        wait_for([tmp_path / f"w{i}.ready" for i in range(count)], workers)
        (tmp_path / "go").touch()
        wait_for([tmp_path / f"w{i}.hangs" for i in range(hanging)], workers)
        return workers

    yield start
    for worker in workers:
        worker.kill()
        worker.communicate()


def kill(workers):
    for worker in workers:
        worker.kill()  # SIGKILL
        worker.communicate()


def finish(workers):
    errors = [worker.communicate(timeout=120)[1] for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * len(workers), errors


def read_study(storage):
    """Return a study's trials and summary, with the storage closed again."""
    with open_storage(storage, existing=True) as opened:
        study = load_study(opened, None, shown="it")
        return study.get_trials(), summarise_study(study)


def finished(trials):
    return {trial.number: trial for trial in trials if trial.state.name in ("COMPLETE", "PRUNED")}


def distinct(trials):
    return {tuple(sorted(trial.params.items())) for trial in trials}


def test_killed_workers_lose_no_finished_trial_and_stop_nobody(start, storage, data, tmp_path):
    workers = start(4, trials=20, hanging=2)
    kill(workers[:2])
    before = finished(read_study(storage)[0])
    assert before
    finish(workers[2:])
    assert all((tmp_path / f"w{i}").exists() for i in range(4))  # each did some
    trials, told = read_study(storage)
    after = finished(trials)
    assert 20 <= len(after) <= 21  # the other one was in a trial when the twentieth ended
    assert len(distinct(after.values())) == len(after)
    assert sorted(trial.number for trial in trials) == list(range(len(trials)))
    for number, trial in before.items():
        assert (after[number].params, after[number].values) == (trial.params, trial.values)
    counts = told["trials"]
    assert counts["complete"] + counts["pruned"] == len(after)
    assert (counts["running_or_abandoned"], counts["failed"]) == (2, 0)
    folds = make_tuning_folds(data, scheme="subject:2")
    result = tune(data, "svm-linear", folds=folds, trials=20, storage=storage, families=FAMILIES)
    assert result.trials == len(after)


@pytest.mark.parametrize("storage", ["sqlite", "postgresql"], indirect=True)
def test_a_database_has_the_killed_trial_done_again(start, storage, data, monkeypatch):
    monkeypatch.setattr(storages, "_HEARTBEAT_SECONDS", 1)
    monkeypatch.setattr(storages, "_GRACE_SECONDS", 2)
    kill(start(1, trials=20, hanging=1))
    first, second = read_study(storage)[0]
    assert [trial.state.name for trial in (first, second)] == ["COMPLETE", "RUNNING"]
    time.sleep(4)  # longer than the silence that is allowed
    folds = make_tuning_folds(data, scheme="subject:2")
    tune(data, "svm-linear", folds=folds, trials=3, storage=storage, families=FAMILIES)
    trials, told = read_study(storage)
    assert [trial.state.name for trial in trials] == ["COMPLETE", "FAIL", "COMPLETE", "COMPLETE"]
    assert (trials[0].params, trials[2].params) == (first.params, second.params)
    assert (told["trials"]["failed"], told["trials"]["running_or_abandoned"]) == (1, 0)


def test_a_killed_worker_leaves_no_gap_in_a_grid(start, storage):
    workers = start(2, trials=1000, hanging=1, sampler="grid")
    kill(workers[:1])
    finish(workers[1:])
    assert len(distinct(finished(read_study(storage)[0]).values())) == 8


def test_a_study_survives_lost_connections(postgresql, new_database, data):
    def cut(*_):
        with psycopg.connect(postgresql, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                [new_database.rpartition("/")[2]],
            )

    folds = make_tuning_folds(data, scheme="subject:2")
    options = {"storage": new_database, "families": FAMILIES, "on_trial": cut}
    assert tune(data, "svm-linear", folds=folds, trials=3, **options).trials == 3
