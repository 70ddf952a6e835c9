"""Silence for native libraries that write to the terminal past Python."""

from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

_STDERR = 2
_lock = threading.Lock()
_depth = 0
_saved = -1
_python_stderr: TextIO | None = None


@contextmanager
def quiet_native_stderr() -> Iterator[None]:
    """Drop what C and C++ libraries print to standard error inside the block.

    MediaPipe and the JPEG library print notices to file descriptor 2 that no setting turns off.
    Python's ``sys.stderr`` goes on to where it went, so warnings, logging and progress bars stay;
    exceptions pass through. Blocks may be nested and overlap in threads: the first one silences,
    the last one restores.
    """
    with _lock:
        _enter()
    try:
        yield
    finally:
        with _lock:
            _leave()


def _enter() -> None:
    global _depth, _saved
    if _depth == 0:
        try:
            _saved = os.dup(_STDERR)
        except OSError:  # closed: nothing to silence
            _saved = -1
        else:
            _move_python_stderr()
            silence = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silence, _STDERR)
            os.close(silence)
    _depth += 1


def _leave() -> None:
    global _depth, _saved
    _depth -= 1
    if _depth or _saved < 0:
        return
    os.dup2(_saved, _STDERR)
    _restore_python_stderr()
    os.close(_saved)
    _saved = -1


def _move_python_stderr() -> None:
    """Let ``sys.stderr``, where it writes to the descriptor, write to its copy."""
    global _python_stderr
    _python_stderr = None
    with suppress(AttributeError, OSError, ValueError):
        if sys.stderr.fileno() == _STDERR:
            sys.stderr.flush()
            raw = io.FileIO(_saved, "w", closefd=False)
            copy = io.TextIOWrapper(
                io.BufferedWriter(raw),
                encoding=sys.stderr.encoding,
                errors="backslashreplace",
                line_buffering=True,
            )
            _python_stderr, sys.stderr = sys.stderr, copy


def _restore_python_stderr() -> None:
    global _python_stderr
    if _python_stderr is not None:
        with suppress(OSError, ValueError):
            sys.stderr.flush()
        sys.stderr = _python_stderr
        _python_stderr = None
