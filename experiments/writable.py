"""Whether results can be written, found out before the work."""

from __future__ import annotations

import tempfile
from pathlib import Path

from mien.errors import MienError


def check_writable(target: Path) -> None:
    """Raise a MienError if a file cannot be written; makes its folder."""
    try:
        if target.is_dir():
            raise IsADirectoryError(0, "it is a folder")
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=target.parent):
            pass
    except OSError as error:
        raise MienError(
            f"{target} cannot be written ({error.strerror}).", "Name another file."
        ) from error
