"""Files of a store that were found whole, so that a check is not repeated at each reading."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from mien.errors import MienError
from mien.files import write_json
from mien.pipeline.checksums import FileSums, check_file

VERIFIED = ".verified.json"


class Verifier:
    """Checks a store's files before they are read, each once as long as it does not change.

    A file that has the size, time and inode that it had when it was found whole is not read
    again. What was found is kept in the store, where that can be written.

    Parameters
    ----------
    folder : Path
        The store's.
    sums : mapping of str to FileSums
        Files without any are not checked.
    """

    def __init__(self, folder: Path, sums: Mapping[str, FileSums]) -> None:
        self._folder = folder
        self._sums = sums
        self._known = _read_known(folder)

    def require(self, name: str) -> None:
        """Check a file.

        Raises
        ------
        MienError
            If it does not have its checksums.
        """
        sums = self._sums.get(name)
        path = self._folder / name
        if sums is None or (stamp := _stamp(path, sums)) == self._known.get(name, ()):
            return
        if damage := check_file(path, sums):
            raise MienError(
                f"The store's file {path} {damage.describe(sums)}: it was damaged, or replaced "
                "since the store was opened.",
                "Run the same mien extract command again; it mends only what is damaged.",
            )
        self._known[name] = stamp
        with suppress(OSError):
            write_json(self._folder / VERIFIED, _read_known(self._folder) | {name: stamp})


def forget_verified(folder: Path) -> None:
    """Have all files of a store checked before they are read the next time."""
    with suppress(OSError):
        (folder / VERIFIED).unlink(missing_ok=True)


def _read_known(folder: Path) -> dict[str, Any]:
    try:
        content = json.loads((folder / VERIFIED).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _stamp(path: Path, sums: FileSums) -> list[int]:
    """Tell a file's state from others; empty if it is missing."""
    try:
        told = path.stat()
    except OSError:
        return []
    content = zlib.crc32(repr(sums).encode())
    return [told.st_size, told.st_mtime_ns, told.st_ino, content]
