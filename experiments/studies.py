"""Optuna studies: where they are kept, and how their trials are drawn."""

from __future__ import annotations

import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import numpy as np
import optuna
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage, RDBStorage

from mien.errors import MienError

_RETRIES = 10
_SIGNS_OF_A_RACE = ("already exists", "unique", "duplicate", "locked")
"""What databases say when another process makes the same tables at the same time."""
SAMPLERS: tuple[str, ...] = ("tpe", "random", "grid")


@contextmanager
def open_storage(url: str | None) -> Iterator[BaseStorage | None]:
    """Open an Optuna storage: a database URL, or ``journal:PATH`` for a journal file.

    Trials of a killed process are noticed by their silence, set to failed, and done again (in a
    database; in a journal they stay as running, which stops nobody).

    Parameters
    ----------
    url : str or None
        None keeps the study in memory.

    Yields
    ------
    BaseStorage or None
        Its connections are closed at the end.

    Raises
    ------
    MienError
        If the storage cannot be opened.
    """
    storage = None if url is None else _connect(url)
    try:
        yield storage
    finally:
        if isinstance(storage, RDBStorage):
            storage.remove_session()
            storage.engine.dispose()


def _connect(url: str) -> BaseStorage:
    from optuna.storages.journal import JournalFileBackend
    from sqlalchemy.exc import SQLAlchemyError

    try:
        if url.startswith("journal:"):
            path = Path(url.removeprefix("journal:"))
            _require_journal(path)
            return optuna.storages.JournalStorage(JournalFileBackend(str(path)))
        return _connect_database(url)
    except (
        SQLAlchemyError, optuna.exceptions.OptunaError, ImportError, OSError, RuntimeError,
        ValueError, LookupError,
    ) as error:  # fmt: skip
        raise MienError(
            f"The study's storage {url!r} cannot be opened ({str(error).splitlines()[0]}).",
            "Write for example sqlite:///study.db, journal:study.log or postgresql://user@host/db.",
        ) from error


def _connect_database(url: str) -> RDBStorage:
    """Open a database; its tables are made when missing, by one of the processes that begin."""
    from sqlalchemy.exc import DatabaseError

    for _ in range(_RETRIES):
        try:
            return _make_database(url)
        except DatabaseError as error:
            if not any(sign in str(error).lower() for sign in _SIGNS_OF_A_RACE):
                raise
            time.sleep(0.2)
    return _make_database(url)


def _make_database(url: str) -> RDBStorage:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return RDBStorage(
            url,
            heartbeat_interval=30,
            grace_period=120,
            heartbeat_stale_trial_callback=optuna.storages.RetryHeartbeatStaleTrialCallback(),
        )


def _require_journal(path: Path) -> None:
    """Append to nothing that is not a journal: Optuna looks at whole lines only."""
    if path.exists():
        with path.open("rb") as file:
            line = file.readline(1 << 16)
        if line and b'"op_code"' not in line:
            raise ValueError("the file is of something else")


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
