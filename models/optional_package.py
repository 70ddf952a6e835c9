"""Packages that only some commands need."""

from __future__ import annotations

import importlib
from typing import Any

from mien.errors import MienError


def import_optional(module: str, *, extra: str, purpose: str) -> Any:
    """Import a module of a package that is not among Mien's own requirements.

    Parameters
    ----------
    module : str
        ``skops.io``
    extra : str
        Mien's extra that installs the package.
    purpose : str
        What needs it, as the start of a sentence: ``A .skops file``.

    Raises
    ------
    MienError
        If it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        if (error.name or "").partition(".")[0] != package:
            raise
        raise MienError(
            f"{purpose} needs the package {package}, which is not installed.",
            f"pip install 'mien[{extra}]'",
        ) from error
