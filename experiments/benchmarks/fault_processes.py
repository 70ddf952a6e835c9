"""Commands in processes of their own, which begin with the libraries loaded.

A kill of a command that has just been started would mostly fall into the loading of libraries,
and a machine would do little else. The command line is therefore run in a fork of a process that
has loaded them; it leads a process group of its own, to which its workers belong.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import sys
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

Result = TypeVar("Result")

_LOADED = (
    "mien.experiments.audit_files", "mien.experiments.cnn_objective", "mien.experiments.compare",
    "mien.experiments.export", "mien.experiments.svm_objective", "mien.experiments.tune",
    "mien.pipeline.datasets.registry", "mien.pipeline.extract", "pandas", "pyarrow.parquet",
    "sklearn.svm", "sklearn.linear_model",
)  # fmt: skip
_FORK = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class Ended:
    """A command that has ended: exit code, standard output and standard error."""

    code: int
    out: str
    err: str

    @property
    def told(self) -> bool:
        """Whether a failure was said in one message."""
        return self.code == 2 and "Error:" in self.err and not self.traced

    @property
    def traced(self) -> bool:
        """Whether there was a traceback."""
        return "Traceback" in self.err


class Command:
    """``mien`` with some words, started.

    Parameters
    ----------
    words : list of str
    place : Path
        Beside it, in folders of its name, are the command's output and temporary files.
    """

    def __init__(self, words: list[str], place: Path) -> None:
        for name in _LOADED:
            importlib.import_module(name)
        self._output = scratch_of(place, "output")
        self._process = _FORK.Process(
            target=_run, args=(words, self._output, scratch_of(place, "tmp"))
        )
        with warnings.catch_warnings():
            # of BLAS's threads, which it stops before a fork
            warnings.filterwarnings("ignore", "This process .* is multi-threaded")
            self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def kill_after(self, seconds: float) -> bool:
        """Kill the whole group after a while; False if the command had ended by itself."""
        self._process.join(seconds)
        if self._process.exitcode is not None:
            return False
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:  # it does not lead a group yet
            os.kill(self.pid, signal.SIGKILL)
        self._process.join()
        return True

    def finish(self) -> Ended:
        """Wait for the end."""
        self._process.join()
        out, err = ((self._output / name).read_text() for name in ("out", "err"))
        return Ended(self._process.exitcode or 0, out, err)


def scratch_of(place: Path, kind: str) -> Path:
    """Return a folder beside that of a command; made when missing."""
    folder = place.with_name(f"{place.name}.{kind}")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def run_apart(function: Callable[..., Result], *arguments: Any) -> Result:
    """Return what a function returns, in a process of its own: no threads are started in this."""
    receiver, sender = _FORK.Pipe(duplex=False)
    process = _FORK.Process(target=lambda: sender.send(function(*arguments)))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "This process .* is multi-threaded")
        process.start()
    sender.close()
    result: Result = receiver.recv()
    process.join()
    return result


def _run(words: list[str], output: Path, scratch: Path) -> Any:
    from mien.experiments import cli

    os.setsid()
    for descriptor, name in ((1, "out"), (2, "err")):
        file = os.open(output / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, descriptor)
        os.close(file)
    sys.stdout, sys.stderr = (os.fdopen(os.dup(own), "w") for own in (1, 2))
    os.environ |= {"TMPDIR": str(scratch), "COLUMNS": "200"}
    tempfile.tempdir = None
    sys.argv = ["mien", *words]
    try:
        cli.main()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
