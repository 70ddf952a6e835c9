"""Journals on full disks, and with half a line at their end."""

import errno
import os

import optuna
import pytest

from mien.errors import MienError
from mien.experiments.storages import open_storage
from mien.experiments.studies import enqueue_failed


def run_trial(path, objective=lambda _: 0.5):
    with open_storage(f"journal:{path}") as opened:
        optuna.load_study(study_name="a", storage=opened).optimize(objective, n_trials=1)


def count_trials(path):
    with open_storage(f"journal:{path}", existing=True) as opened:
        return len(optuna.load_study(study_name=None, storage=opened).trials)


@pytest.fixture
def journal(tmp_path):
    """A journal with a study of two trials."""
    path = tmp_path / "study.log"
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with open_storage(f"journal:{path}") as opened:
        study = optuna.create_study(study_name="a", storage=opened)
        study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    return path


@pytest.mark.parametrize("written", [0, 1, 30])
def test_a_full_disk_is_said_and_leaves_whole_lines(journal, monkeypatch, written):
    before, write, calls = journal.read_bytes(), os.write, []

    def fill(descriptor, content):
        calls.append(descriptor)
        if len(calls) > 1 or not written:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, content[:written])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", fill)
        with pytest.raises(
            MienError, match=r"failed \(.*No space left on device\).*the same command"
        ):
            run_trial(journal)
    assert journal.read_bytes() == before
    assert count_trials(journal) == 2


def test_a_disk_that_fills_up_in_a_trial_is_said(journal, monkeypatch):
    def fill(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def run_on_a_full_disk(_):
        monkeypatch.setattr(os, "write", fill)
        return 0.5

    with pytest.raises(MienError, match="No space left on device"):
        run_trial(journal, run_on_a_full_disk)
    monkeypatch.undo()
    assert count_trials(journal) == 3


def test_another_assertion_is_not_taken_for_the_storages(journal):
    def fail(_):
        raise AssertionError("a mistake")

    with pytest.raises(AssertionError, match="a mistake"):
        run_trial(journal, fail)


@pytest.mark.parametrize("half", [b"{", b'{"op_code": 4, "work', b"x" * 70_000])
def test_half_a_line_is_cut_off_and_the_study_goes_on(journal, half):
    before = journal.read_bytes()
    journal.write_bytes(before + half)
    with open_storage(f"journal:{journal}") as opened:
        assert journal.read_bytes() == before
        study = optuna.load_study(study_name="a", storage=opened)
        study.optimize(lambda _: 0.5, n_trials=1)
    assert count_trials(journal) == 3


def test_a_point_that_failed_with_its_disk_is_done_once(journal):
    grid, full = {"x": [0.0, 0.5, 1.0]}, [1]

    def score(trial):
        x = trial.suggest_float("x", 0, 1)
        if trial.number in full:
            raise OSError("the disk is full")
        return x

    with open_storage(f"journal:{journal}") as opened:
        study = optuna.create_study(
            study_name="grid", storage=opened, sampler=optuna.samplers.GridSampler(grid)
        )
        study.optimize(score, n_trials=3, catch=(OSError,))
        assert [trial.state.name for trial in study.trials] == ["COMPLETE", "FAIL", "COMPLETE"]
        enqueue_failed(study)
        enqueue_failed(study)
        assert [trial.state.name for trial in study.trials[3:]] == ["WAITING"]
        study.optimize(score, n_trials=1)
        enqueue_failed(study)
        done = study.get_trials(states=[optuna.trial.TrialState.COMPLETE])
        assert sorted(trial.value for trial in done) == grid["x"]
        assert len(study.trials) == 4


def test_whole_lines_stay(journal):
    before = journal.read_bytes()
    assert count_trials(journal) == 2
    assert journal.read_bytes() == before
    assert os.listdir(journal.parent) == ["study.log"]  # noqa: PTH208
