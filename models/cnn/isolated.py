"""Fitting and predicting in a process of its own, so that TensorFlow's memory comes back.

The child is a fresh interpreter (``python -m mien.models.cnn.worker``), not a fork: TensorFlow's
threads do not survive one, and a script that calls this needs no ``__main__`` guard. Arrays go
through ``.npy`` files that the child maps into memory; the estimator goes through a pickle.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

from mien.errors import MienError
from mien.models.cnn.training import EpochCallback

JOB_FILE = "job.pickle"
RESULT_FILE = "result.pickle"
ERROR_FILE = "error.json"
TRAINING_FILE = "training.npy"
_LOG_FILE = "stderr.txt"
_LOG_TAIL = 2000


class IsolatedError(RuntimeError):
    """The child process failed or died; the message holds what it said."""


@dataclass(frozen=True)
class IsolatedResult:
    """What comes back from the child.

    Attributes
    ----------
    probabilities : list of ndarray of float32, shape (n, n_classes)
        One array for each array of test pictures.
    classes : ndarray, shape (n_classes,)
        Labels of the columns.
    history : dict of list of float
        The estimator's ``history_``; empty when it has none.
    fit_seconds, predict_seconds : float
        Wall-clock time of the fit, with TensorFlow's start, and of all predictions together.
    peak_rss_mb : float
        Largest resident memory of the child in MiB; NaN where the system does not tell.
    estimator : object or None
        The fitted estimator, when it was asked for.
    validation_rows : ndarray of int64, shape (n_validation,)
        Positions of the training pictures that the estimator held back.
    validation_probabilities : ndarray of float32, shape (n_validation, n_classes)
        What it predicts for them.
    """

    probabilities: list[np.ndarray]
    classes: np.ndarray
    history: dict[str, list[float]]
    fit_seconds: float
    predict_seconds: float
    peak_rss_mb: float
    estimator: Any = None
    validation_rows: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    validation_probabilities: np.ndarray = field(
        default_factory=lambda: np.empty((0, 0), dtype=np.float32)
    )


@dataclass(frozen=True)
class Job:
    """What the child is told, besides the arrays."""

    estimator: Any
    y: np.ndarray
    groups: np.ndarray | None
    n_tests: int
    threads: int | None
    checkpoint: Path | None
    return_estimator: bool


def fit_predict_isolated(
    classifier: Any,
    X_train: np.ndarray,
    y_train: Any,
    X_tests: Sequence[np.ndarray],
    *,
    groups: Any = None,
    threads: int | None = None,
    checkpoint: str | Path | None = None,
    return_estimator: bool = False,
    on_progress: EpochCallback | None = None,
) -> IsolatedResult:
    """Fit a classifier and predict with it in a child process.

    Parameters
    ----------
    classifier : CNNClassifier
        Not fitted; it is left as it is.
    X_train : ndarray of uint8, shape (n, 48, 48) or (n, 48, 48, 1)
        Training pictures.
    y_train : array-like of str or int, shape (n,)
        Training labels.
    X_tests : sequence of ndarray of uint8
        Arrays of pictures to predict, each of shape (m, 48, 48) or (m, 48, 48, 1).
    groups : array-like, shape (n,), optional
        Group of each training picture, for the validation split.
    threads : int, optional
        Threads for TensorFlow; every core by default.
    checkpoint : path, optional
        See :meth:`CNNClassifier.fit`.
    return_estimator : bool
        Whether to bring the fitted classifier back.
    on_progress : callable, optional
        ``on_progress(epoch, logs)`` in this process, after each epoch. When it raises, the child
        is ended.

    Returns
    -------
    IsolatedResult
        Probabilities, history, times and memory.

    Raises
    ------
    MienError
        When the child raised one.
    ValueError
        When the child raised one: wrong pictures, labels or parameters.
    IsolatedError
        When the child raised anything else, or died: killed by the system for want of memory,
        for example.
    """
    job = Job(
        estimator=classifier,
        y=np.asarray(y_train),
        groups=None if groups is None else np.asarray(groups),
        n_tests=len(X_tests),
        threads=threads,
        checkpoint=None if checkpoint is None else Path(checkpoint).absolute(),
        return_estimator=return_estimator,
    )
    with tempfile.TemporaryDirectory(prefix="mien-cnn-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        _write_job(folder, job, X_train, X_tests)
        code = _run_child(folder, on_progress)
        if code != 0 or not (folder / RESULT_FILE).exists():
            raise _describe_failure(folder, code)
        return IsolatedResult(**pickle.loads((folder / RESULT_FILE).read_bytes()))


def pictures_file(index: int) -> str:
    """Return the file name of one array of test pictures."""
    return f"test_{index}.npy"


def _write_job(folder: Path, job: Job, X_train: np.ndarray, X_tests: Sequence[np.ndarray]) -> None:
    (folder / JOB_FILE).write_bytes(pickle.dumps(job))
    np.save(folder / TRAINING_FILE, X_train, allow_pickle=False)
    for index, pictures in enumerate(X_tests):
        np.save(folder / pictures_file(index), pictures, allow_pickle=False)


def _run_child(folder: Path, on_progress: EpochCallback | None) -> int:
    """Run the worker to its end, passing its progress on; return its exit code."""
    command = [sys.executable, "-P", "-m", "mien.models.cnn.worker", str(folder)]
    with (
        (folder / _LOG_FILE).open("wb") as log,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,  # held open: the child ends itself when it closes
            stdout=subprocess.PIPE,
            stderr=log,
            env=_child_environment(),
            text=True,
        ) as child,
    ):
        try:
            if child.stdout is not None:
                _pass_progress(child.stdout, on_progress)
            return child.wait()
        finally:
            child.kill()


def _pass_progress(lines: IO[str], on_progress: EpochCallback | None) -> None:
    for line in lines:
        if on_progress is not None and line.endswith("\n"):
            message = json.loads(line)
            on_progress(message["epoch"], message["logs"])


def _child_environment() -> dict[str, str]:
    """Let the child import what this process can, by the same paths."""
    paths = [path for path in sys.path if path]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths)}


def _describe_failure(folder: Path, code: int) -> Exception:
    """Turn the child's error file, or its end without one, into an exception."""
    error_file = folder / ERROR_FILE
    if error_file.exists():
        error = json.loads(error_file.read_text(encoding="utf-8"))
        if error["type"] == MienError.__name__:
            return MienError(*error["arguments"])
        if error["type"] == ValueError.__name__:
            return ValueError(error["message"])
        return IsolatedError(
            f"The training process failed with {error['type']}: {error['message']}\n"
            f"{error['traceback']}"
        )
    log = (folder / _LOG_FILE).read_text(encoding="utf-8", errors="replace")[-_LOG_TAIL:].strip()
    said = f" Its last words:\n{log}" if log else ""
    return IsolatedError(f"The training process {_describe_end(code)}.{said}")


def _describe_end(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code} and without a result"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    hint = ", as the system does when memory runs out" if name == "SIGKILL" else ""
    return f"was killed by {name}{hint}"
