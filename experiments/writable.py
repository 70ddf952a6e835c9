"""Whether a result can be written, found out before the work."""

from __future__ import annotations

import tempfile
from pathlib import Path

from mien.files import writing


def check_writable(target: Path) -> None:
    """Refuse a file that cannot be written; makes its folder.

    Raises
    ------
    MienError
        If it is a folder, or a file cannot be made there.
    """
    with writing(target, "Name another file."):
        if target.is_dir():
            raise IsADirectoryError(0, "it is a folder")
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=target.parent):
            pass
