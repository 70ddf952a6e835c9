"""What a training process is given and gives back, as files in a folder of each job.

Arrays go through ``.npy`` files that the child maps into memory; the estimator goes through a
pickle. The names of folders go over the child's standard input, a line each, and news come back
over its standard output: an epoch, a step, and at last that the job is done.
"""

from __future__ import annotations

import json
import pickle
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mien.errors import MienError

RESULT_FILE = "result.pickle"
_JOB_FILE = "job.pickle"
_ERROR_FILE = "error.json"
_TRAINING_FILE = "training.npy"

NewsCallback = Callable[[Any, dict[str, float]], None]
"""Called with an epoch's number, or the share of the training that is done, and values."""


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
        Wall-clock time of the fit, in a process's first job with TensorFlow's start, and of all
        predictions together.
    peak_rss_mb : float
        Largest resident memory of the child so far in MiB; NaN where the system does not tell.
    rss_mb : float
        Its resident memory after the job, when what the job needed was given back.
    estimator : object or None
        The fitted estimator, when it was asked for.
    training : dict
        The estimator's ``training_``; empty when it has none.
    validation_rows : ndarray of int64, shape (n_validation,)
        Positions of the training pictures that were held back.
    validation_probabilities : ndarray of float32, shape (n_validation, n_classes)
        Their probabilities.
    """

    probabilities: list[np.ndarray]
    classes: np.ndarray
    fit_seconds: float
    predict_seconds: float
    peak_rss_mb: float
    rss_mb: float
    history: dict[str, list[float]] = field(default_factory=dict)
    estimator: Any = None
    training: dict[str, Any] = field(default_factory=dict)
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


def write_job(folder: Path, job: Job, X_train: np.ndarray, X_tests: Sequence[np.ndarray]) -> None:
    """Write a job and its pictures into a folder."""
    (folder / _JOB_FILE).write_bytes(pickle.dumps(job))
    np.save(folder / _TRAINING_FILE, X_train, allow_pickle=False)
    for index, pictures in enumerate(X_tests):
        np.save(folder / _test_file(index), pictures, allow_pickle=False)


def read_job(folder: Path) -> Job:
    """Read a job without its pictures."""
    job: Job = pickle.loads((folder / _JOB_FILE).read_bytes())
    return job


def map_training(folder: Path) -> np.ndarray:
    """Map the training pictures of a job into memory."""
    pictures: np.ndarray = np.load(folder / _TRAINING_FILE, mmap_mode="r")
    return pictures


def map_test(folder: Path, index: int) -> np.ndarray:
    """Map one array of test pictures of a job into memory."""
    pictures: np.ndarray = np.load(folder / _test_file(index), mmap_mode="r")
    return pictures


def write_result(folder: Path, content: dict[str, Any]) -> None:
    """Write what :class:`IsolatedResult` holds, without ``rss_mb``; whole or not at all."""
    partial = folder / f"{RESULT_FILE}.part"
    partial.write_bytes(pickle.dumps(content))
    partial.replace(folder / RESULT_FILE)


def write_error(folder: Path, error: Exception) -> None:
    """Write what a job raised."""
    kind = next(
        (known for known in (MienError, ValueError) if isinstance(error, known)), type(error)
    )
    description = {
        "type": kind.__name__,
        "message": str(error),
        "arguments": [str(argument) for argument in error.args],
        "traceback": "".join(traceback.format_exception(error)),
    }
    (folder / _ERROR_FILE).write_text(json.dumps(description), encoding="utf-8")


def read_result(folder: Path, *, rss_mb: float) -> IsolatedResult:
    """Read the result of a job that is done.

    Raises
    ------
    MienError, ValueError
        When the job raised one.
    IsolatedError
        When the job raised anything else.
    """
    error_file = folder / _ERROR_FILE
    if not error_file.exists():
        content = pickle.loads((folder / RESULT_FILE).read_bytes())
        return IsolatedResult(**content, rss_mb=rss_mb)
    error = json.loads(error_file.read_text(encoding="utf-8"))
    if error["type"] == MienError.__name__:
        raise MienError(*error["arguments"])
    if error["type"] == ValueError.__name__:
        raise ValueError(error["message"])
    raise IsolatedError(
        f"The training process failed with {error['type']}: {error['message']}\n"
        f"{error['traceback']}"
    )


def _test_file(index: int) -> str:
    return f"test_{index}.npy"
