"""Folders for a process's own files, which do not outlive it for long."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Self

from mien.locks import HAS_LOCKS, try_lock

_PREFIX = "mien-scratch-"


class ScratchFolder:
    """A folder of the system's temporary ones, removed at the end.

    A process that is killed cannot remove its folder: the next one that makes one does.

    Attributes
    ----------
    path : Path
    """

    def __init__(self) -> None:
        if HAS_LOCKS:
            _remove_abandoned()
        self._descriptor, self.path = _make()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def remove(self) -> None:
        """Remove the folder with all that is in it; may be called again."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _make() -> tuple[int, Path]:
    while True:
        path = Path(tempfile.mkdtemp(prefix=_PREFIX))
        if not HAS_LOCKS:
            return -1, path
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except FileNotFoundError:  # taken for abandoned in this very moment
            continue
        with suppress(OSError):
            if not try_lock(descriptor) or not path.exists():
                os.close(descriptor)
                continue
        return descriptor, path


def _remove_abandoned() -> None:
    """Remove this user's folders that no living process holds."""
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            _remove_if_abandoned(path)


def _remove_if_abandoned(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
    try:
        if os.fstat(descriptor).st_uid == os.getuid() and try_lock(descriptor):
            shutil.rmtree(path, ignore_errors=True)
    finally:
        os.close(descriptor)
