"""The command as it was typed, for the records that results keep."""

from __future__ import annotations

import shlex
import sys


def read_typed_command() -> str:
    """Return the command of this process."""
    from mien.pipeline.datasets.layout import to_text

    return to_text(shlex.join(["mien", *sys.argv[1:]]))
