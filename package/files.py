"""Writing files so that a reader never sees half of one."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def atomic_path(target: Path, ending: str = ".part") -> Iterator[Path]:
    """Give a temporary name beside ``target``, and rename it to ``target`` at the end.

    Parameters
    ----------
    target : Path
        The file to make or replace; its folder is made when missing.
    ending : str
        What the temporary name ends in, for writers that go by it.

    Yields
    ------
    Path
        The temporary name to write to. It is removed when the block raises.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=ending)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(target: Path, value: Any) -> None:
    """Write a value as indented JSON, atomically."""
    with atomic_path(target) as path:
        path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
