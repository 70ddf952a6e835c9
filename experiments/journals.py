"""Journals of studies that a full disk or a killed process does not spoil."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from optuna.exceptions import StorageInternalError
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock

_CHUNK = 1 << 16


class WholeLines(JournalFileBackend):
    """A journal file that holds whole lines only.

    Optuna reads a journal line by line, and appends to whatever is at its end: after half a line,
    nobody can read it any more. Here half a line is taken back when the disk is full, and cut off
    when the file is opened, where a process or the machine ended in the middle of it.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer_lock = JournalFileSymlinkLock(str(path))
        super().__init__(str(path), self._writer_lock)
        if _find_end_of_lines(path) < path.stat().st_size:
            with suppress(OSError), self._locked():  # where it cannot be written, it can be read
                os.truncate(path, _find_end_of_lines(path))

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append lines, or nothing.

        Raises
        ------
        StorageInternalError
            If they cannot be written.
        """
        lines = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs)
        try:
            with self._locked():
                _append(self._path, lines.encode())
        except OSError as error:
            raise StorageInternalError(error.strerror or str(error)) from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._writer_lock.acquire()
        try:
            yield
        finally:
            self._writer_lock.release()


def _append(path: Path, content: bytes) -> None:
    """Append all of the content and have it on the disk, or leave the file as it is."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
    try:
        before = os.fstat(descriptor).st_size
        try:
            while content:
                content = content[os.write(descriptor, content) :]
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, before)
            raise
    finally:
        os.close(descriptor)


def _find_end_of_lines(path: Path) -> int:
    """Return how many bytes a file has up to its last line break."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        while end:
            start = max(0, end - _CHUNK)
            file.seek(start)
            found = file.read(end - start).rfind(b"\n")
            if found >= 0:
                return start + found + 1
            end = start
    return 0
