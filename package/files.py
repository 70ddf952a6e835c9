"""Writing files so that a reader never sees half of one."""

from __future__ import annotations

import itertools
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mien.errors import MienError
from mien.locks import HAS_LOCKS, try_lock


@contextmanager
def atomic_path(target: Path, ending: str = ".part", *, durable: bool = False) -> Iterator[Path]:
    """Give a temporary name beside ``target``, and rename it to ``target`` at the end.

    Parameters
    ----------
    target : Path
        The file to make or replace; its folder is made when missing.
    ending : str
        What the temporary name ends in, for writers that go by it.
    durable : bool
        Whether the file shall outlive a power cut from now on: its content is on the disk before
        its name is, and the name before this returns. For what takes long to make again.

    Yields
    ------
    Path
        The temporary name to write to. It is removed when the block raises. What a killed process
        left under it is overwritten by the next one that writes the same file.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = _reserve(target, ending)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        if durable:
            os.fsync(descriptor)
        temporary.replace(target)
        if durable:
            _flush_folder(target.parent)
    finally:
        temporary.unlink(missing_ok=True)
        os.close(descriptor)


@contextmanager
def writing(target: Path, hint: str) -> Iterator[None]:
    """Turn what the system says of a file or folder that cannot be written into a user's error.

    Parameters
    ----------
    target : Path
        What is written, to name it.
    hint : str
        What to do.

    Raises
    ------
    MienError
        If the block raises an OSError.
    """
    try:
        yield
    except OSError as error:
        raise MienError(f"{target} cannot be written ({error.strerror}).", hint) from error


def write_json(target: Path, value: Any, *, durable: bool = False) -> None:
    """Write a value as indented JSON, atomically; see :func:`atomic_path`."""
    with atomic_path(target, durable=durable) as path:
        path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _reserve(target: Path, ending: str) -> tuple[int, Path]:
    """Open and lock the first temporary name that no living process writes to; it is empty."""
    for number in itertools.count(1) if HAS_LOCKS else ():
        middle = f".{number}" if number > 1 else ""
        path = target.with_name(f".{target.name}{middle}{ending}")
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError:
            if os.path.lexists(path):  # somebody else's
                continue
            raise
        try:
            if try_lock(descriptor) and _is_still(descriptor, path):
                os.ftruncate(descriptor, 0)
                return descriptor, path
        except OSError:  # there are no locks
            os.close(descriptor)
            path.unlink(missing_ok=True)
            break
        os.close(descriptor)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=ending)
    return handle, Path(name)


def _is_still(descriptor: int, path: Path) -> bool:
    """Tell whether an open file has not been renamed or removed meanwhile."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
