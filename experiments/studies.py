"""Optuna studies: how their trials are drawn, and how one is interrupted."""

from __future__ import annotations

import signal
import threading
import warnings
from collections.abc import Callable
from typing import Any, NoReturn, Self

import numpy as np
import optuna
from optuna.samplers import BaseSampler

from mien.errors import MienError

SAMPLERS: tuple[str, ...] = ("tpe", "random", "grid")


class HeldInterrupt:
    """Holds Ctrl-C back until the study's storage is not being written.

    A storage that is interrupted while it writes may keep a lock or half a line. A second Ctrl-C
    is not held back. Outside the main thread, which alone gets interrupts, this does nothing.
    """

    def __init__(self) -> None:
        self._came = False
        self._before: Any = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _note(self, *_: object) -> None:
        self._came = True
        signal.signal(signal.SIGINT, self._before)

    def check(self) -> None:
        """Raise the interrupt that came, if any."""
        if self._came:
            raise KeyboardInterrupt


def enqueue_again(trial: optuna.Trial) -> None:
    """Have the next process that asks for a trial do this one, which was not finished."""
    _enqueue(trial.study, trial.study.get_trials(deepcopy=False)[trial.number])


def enqueue_failed(study: optuna.Study) -> None:
    """Have trials done that failed with their storage, such as on a full disk, and only once.

    A grid counts them as visited, and would leave out their points.
    """
    trials = study.get_trials(deepcopy=False)
    again = {number for trial in trials for number in trial.system_attrs.get("retry_history", ())}
    for trial in trials:
        if trial.state.name == "FAIL" and trial.number not in again:
            _enqueue(study, trial)


def _enqueue(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        optuna.storages.RetryHeartbeatStaleTrialCallback()(study, trial)


def prune(trial: optuna.Trial, reason: str) -> NoReturn:
    """Cut a trial short for another reason than its score, and keep the reason with it."""
    trial.set_user_attr("reason", reason)
    raise optuna.TrialPruned(reason)


def make_sampler(name: str, *, seed: int, grid: dict[str, list]) -> BaseSampler:
    """Return the sampler of that name.

    Parameters
    ----------
    name : {"tpe", "random", "grid"}
    seed : int
    grid : dict of lists
        What ``grid`` goes through.

    Raises
    ------
    MienError
        If there is no such sampler.
    """
    if name == "tpe":
        return SeededByTrial(lambda own: optuna.samplers.TPESampler(seed=own), seed)
    if name == "random":
        return SeededByTrial(lambda own: optuna.samplers.RandomSampler(seed=own), seed)
    if name == "grid":
        return optuna.samplers.GridSampler(grid, seed=seed)
    raise MienError(f"There is no sampler {name!r}.", f"Use one of: {', '.join(SAMPLERS)}.")


class SeededByTrial(BaseSampler):
    """A sampler whose draws follow from the seed, the trial's number and the trials before it.

    With one generator for all of a process's trials, a process that resumes a study, or joins it
    with the same seed, would draw the first one's parameters again.

    Parameters
    ----------
    make : callable
        Returns a sampler for a seed.
    seed : int
    """

    def __init__(self, make: Callable[[int], BaseSampler], seed: int) -> None:
        self._make = make
        self._seed = seed
        self._sampler = make(seed)

    def before_trial(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        """Start the trial's own generator."""
        sequence = np.random.SeedSequence([self._seed, trial.number])
        self._sampler = self._make(int(sequence.generate_state(1)[0]))
        self._sampler.before_trial(study, trial)

    def infer_relative_search_space(self, *arguments: Any) -> Any:
        """See :class:`optuna.samplers.BaseSampler`."""
        return self._sampler.infer_relative_search_space(*arguments)

    def sample_relative(self, *arguments: Any) -> Any:
        """See :class:`optuna.samplers.BaseSampler`."""
        return self._sampler.sample_relative(*arguments)

    def sample_independent(self, *arguments: Any) -> Any:
        """See :class:`optuna.samplers.BaseSampler`."""
        return self._sampler.sample_independent(*arguments)

    def after_trial(self, *arguments: Any) -> None:
        """See :class:`optuna.samplers.BaseSampler`."""
        self._sampler.after_trial(*arguments)
