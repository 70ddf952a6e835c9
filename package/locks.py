"""Locks that end with the process that holds them, however it ends."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mien.errors import MienError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

HAS_LOCKS = fcntl is not None
"""Whether the system knows locks that end with their process."""


def try_lock(descriptor: int) -> bool:
    """Take the lock of an open file or folder; it is given back when the descriptor is closed.

    Returns
    -------
    bool
        False if another process, or another descriptor of this one, has it.

    Raises
    ------
    OSError
        If there are no locks on this system or file system.
    """
    if not HAS_LOCKS:
        raise OSError(errno.ENOTSUP, "There are no locks here")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def hold_folder(folder: Path, command: str) -> Iterator[None]:
    """Refuse a second process that would do the same work in a folder.

    The folder itself is locked, so that no file is left when this process is killed. Where there
    are no locks, nobody is refused.

    Parameters
    ----------
    folder : Path
        Made when missing; one that is still empty after an error goes again.
    command : str
        Who works there, for the message: ``"mien extract"``.

    Raises
    ------
    MienError
        If another process holds the folder.
    OSError
        If the folder cannot be made.
    """
    made = not folder.exists()
    with suppress(FileExistsError):
        folder.mkdir(parents=True, exist_ok=True)
    if not HAS_LOCKS:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        free = True
        with suppress(OSError):
            free = try_lock(descriptor)
        if not free:
            raise MienError(
                f"Another {command} is at work in {folder}.",
                "Wait until it has ended, or choose another folder with --out.",
            )
        yield
    except BaseException:
        if made:
            with suppress(OSError):
                folder.rmdir()
        raise
    finally:
        os.close(descriptor)
