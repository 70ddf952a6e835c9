"""Fitting and predicting in a process of its own, so that TensorFlow's memory comes back.

The child is a fresh interpreter (``python -m mien.models.cnn.worker``), not a fork: TensorFlow's
threads do not survive one, and a script that calls this needs no ``__main__`` guard. It takes one
job after another, so that TensorFlow starts and a network is compiled once for many fits.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, Self

import numpy as np

from mien.models.cnn.jobs import (
    IsolatedError,
    IsolatedResult,
    Job,
    NewsCallback,
    read_result,
    write_job,
)
from mien.scratch import ScratchFolder

_LOG_FILE = "stderr.txt"
_LOG_TAIL = 2000


class TrainingProcess:
    """A child process that does jobs one after another, as a context manager.

    It is started by the first job. When it dies in a job, that job fails and the next one starts
    another. It ends with the ``with`` block, and by itself when this process dies. It serves one
    thread at a time.

    Parameters
    ----------
    threads : int, optional
        Threads for TensorFlow; every core by default.
    """

    def __init__(self, *, threads: int | None = None) -> None:
        self.threads = threads
        self._child: _Child | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def process_id(self) -> int | None:
        """The child's process, or None while there is none."""
        return None if self._child is None else self._child.process_id

    def close(self) -> None:
        """End the child and remove its files; a later job starts another."""
        child, self._child = self._child, None
        if child is not None:
            child.end()

    def do(
        self,
        job: Job,
        X_train: np.ndarray,
        X_tests: Sequence[np.ndarray],
        *,
        on_epoch: NewsCallback | None = None,
        on_step: NewsCallback | None = None,
    ) -> IsolatedResult:
        """Do one job; :func:`fit_predict_isolated` says what is raised."""
        if self._child is not None and not self._child.is_alive():
            self.close()
        if self._child is None:
            self._child = _Child()
        try:
            return self._child.do(job, X_train, X_tests, on_epoch, on_step)
        except BaseException as error:
            if self._child.is_busy or isinstance(error, IsolatedError):
                self.close()
            raise


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
    on_progress: NewsCallback | None = None,
    on_step: NewsCallback | None = None,
    process: TrainingProcess | None = None,
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
        Threads for TensorFlow; every core, or those of ``process``, by default.
    checkpoint : path, optional
        See :meth:`CNNClassifier.fit`.
    return_estimator : bool
        Whether to bring the fitted classifier back.
    on_progress : callable, optional
        ``on_progress(epoch, logs)`` in this process, after each epoch. When it raises, the child
        is ended.
    on_step : callable, optional
        ``on_step(share, logs)``, in the same way, inside an epoch; never called for a classifier
        whose ``fit`` takes no ``on_step``.
    process : TrainingProcess, optional
        Does the job and stays for the next; by default, a child of this job's own.

    Returns
    -------
    IsolatedResult
        Probabilities, history, times and memory.

    Raises
    ------
    MienError
        When the child raised one.
    ValueError
        When the child raised one: wrong pictures, labels or parameters. Or when ``threads`` is not
        what ``process`` was made with.
    IsolatedError
        When the child raised anything else, or died: killed by the system for want of memory,
        for example.
    """
    if process is None:
        with TrainingProcess(threads=threads) as own:
            return fit_predict_isolated(
                classifier, X_train, y_train, X_tests, groups=groups, checkpoint=checkpoint,
                return_estimator=return_estimator, on_progress=on_progress, on_step=on_step,
                process=own,
            )  # fmt: skip
    if threads not in (None, process.threads):
        raise ValueError(f"The process has threads={process.threads}, got threads={threads}.")
    job = Job(
        estimator=classifier,
        y=np.asarray(y_train),
        groups=None if groups is None else np.asarray(groups),
        n_tests=len(X_tests),
        threads=process.threads,
        checkpoint=None if checkpoint is None else Path(checkpoint).absolute(),
        return_estimator=return_estimator,
    )
    return process.do(job, X_train, X_tests, on_epoch=on_progress, on_step=on_step)


class _Child:
    """One run of the worker, with a folder that holds its log and its jobs."""

    is_busy = False
    """Whether it was told of a job and has not said that it is done."""

    def __init__(self) -> None:
        self._scratch = ScratchFolder()
        self._jobs = 0
        command = [sys.executable, "-P", "-m", "mien.models.cnn.worker", str(self._scratch.path)]
        try:
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,  # held open: the child ends itself when it closes
                    stdout=subprocess.PIPE,
                    stderr=log,
                    env=_child_environment(),
                    text=True,
                )
        except BaseException:
            self._scratch.remove()
            raise

    @property
    def process_id(self) -> int:
        return self._process.pid

    @property
    def _log(self) -> Path:
        return self._scratch.path / _LOG_FILE

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def end(self) -> None:
        try:
            self._process.kill()
            self._process.wait()
        finally:
            _close(self._process.stdin)
            _close(self._process.stdout)
            self._scratch.remove()

    def do(
        self,
        job: Job,
        X_train: np.ndarray,
        X_tests: Sequence[np.ndarray],
        on_epoch: NewsCallback | None,
        on_step: NewsCallback | None,
    ) -> IsolatedResult:
        self._jobs += 1
        folder = self._scratch.path / f"job-{self._jobs}"
        folder.mkdir()
        try:
            log_start = self._log.stat().st_size
            write_job(folder, job, X_train, X_tests)
            self.is_busy = True
            self._send(folder)
            done = self._pass_news({"epoch": on_epoch, "step": on_step})
            if done is None:
                raise self._describe_death(log_start)
            self.is_busy = False
            return read_result(folder, rss_mb=done["rss_mb"])
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _send(self, folder: Path) -> None:
        """Tell the child of a job; one that is dead says so by the end of its output."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(str(folder)) + "\n")
            self._process.stdin.flush()

    def _pass_news(self, callbacks: dict[str, NewsCallback | None]) -> dict[str, Any] | None:
        """Call back until the job is done; None if the child's output ends before."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if not line.endswith("\n"):
                break
            message: dict[str, Any] = json.loads(line)
            if message["kind"] == "done":
                return message
            callback = callbacks[message["kind"]]
            if callback is not None:
                callback(message["at"], message["logs"])
        return None

    def _describe_death(self, log_start: int) -> IsolatedError:
        code = self._process.wait()
        with self._log.open("rb") as log:
            log.seek(log_start)
            said = log.read().decode(errors="replace")[-_LOG_TAIL:].strip()
        words = f" Its last words:\n{said}" if said else ""
        return IsolatedError(f"The training process {_describe_end(code)}.{words}")


def _close(pipe: IO[str] | None) -> None:
    """Close a pipe, whatever is left in its buffer for a child that is dead."""
    if pipe is not None:
        with contextlib.suppress(BrokenPipeError):
            pipe.close()


def _child_environment() -> dict[str, str]:
    """Let the child import what this process can, by the same paths."""
    paths = [path for path in sys.path if path]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths)}


def _describe_end(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code} and without a result"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    hint = ", as the system does when memory runs out" if name == "SIGKILL" else ""
    return f"was killed by {name}{hint}"
