"""How much memory may be used, and what fits into it: all rows, some of them, or few landmarks."""

from __future__ import annotations

import os
import re

import numpy as np

from mien.errors import MienError
from mien.models.dots import BLOCK

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_SHARE = 0.6
_UNKNOWN = 4 * 10**9
_LIBSVM_CACHE = 10**9
_MOST_LANDMARKS = 2000
_FEWEST_LANDMARKS = 50
_FEATURE_COPIES = 3
"""Features as read, scaled, and in a mirror basis."""
_BLOCKS = 5
"""Blocks of rows of the kernel matrix that are worked on at once."""


def parse_bytes(text: str, option: str = "--memory") -> int:
    """Read ``8GB`` or ``500MB`` as bytes.

    Parameters
    ----------
    text : str
    option : str
        What the message names.

    Raises
    ------
    MienError
        If it is no amount above 0.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?B?)\s*", text.upper())
    unit = found[2] if found else ""
    size = float(found[1]) * _UNITS[unit if unit in _UNITS else f"{unit}B"] if found else 0.0
    if size < 1:
        raise MienError(f"{option} must be an amount above 0, not {text!r}.", "For example 500MB.")
    return int(size)


def default_memory() -> int:
    """Return 60 % of the machine's memory; 4 GB where the system does not tell it."""
    try:
        return int(_SHARE * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, OSError, ValueError):
        return _UNKNOWN


def format_memory(size: int) -> str:
    """Write bytes as ``8 GB`` or ``500 MB``."""
    for unit in ("TB", "GB", "MB", "KB"):
        if size >= _UNITS[unit]:
            return f"{size / _UNITS[unit]:.3g} {unit}"
    return f"{size} bytes"


def estimate_fit(rows: int, columns: int, solver: str) -> int:
    """Estimate the bytes that fitting on a kernel matrix takes.

    Parameters
    ----------
    rows, columns : int
        Of the features.
    solver : {"libsvm", "least-squares"}
        The first needs the matrix in double precision, and a cache.
    """
    square = rows * rows
    matrix = (
        4 * square if solver == "least-squares" else 8 * square + min(_LIBSVM_CACHE, 4 * square)
    )
    blocks = 4 * _BLOCKS * min(BLOCK, rows) * rows
    return matrix + blocks + 4 * _FEATURE_COPIES * rows * columns


def plan_landmarks(rows: int, columns: int, solver: str, memory: int | None) -> int:
    """Choose how many landmark rows approximate a kernel whose matrix does not fit.

    Parameters
    ----------
    rows, columns : int
        Of the features to fit on.
    solver : {"libsvm", "least-squares"}
    memory : int or None
        Bytes that may be used; :func:`default_memory` when None.

    Returns
    -------
    int
        0 if the exact kernel fits.

    Raises
    ------
    MienError
        If the features alone do not fit.
    """
    memory = default_memory() if memory is None else memory
    if estimate_fit(rows, columns, solver) <= memory:
        return 0
    left = memory - 4 * _FEATURE_COPIES * rows * columns
    landmarks = min(left // (4 * 8 * rows), rows // 2, _MOST_LANDMARKS)
    if landmarks < min(_FEWEST_LANDMARKS, rows // 8):
        raise MienError(
            f"{rows:,} rows of {columns:,} columns do not fit into {format_memory(memory)}.",
            "Raise --memory, use fewer rows with --limit, or families with fewer columns.",
        )
    return int(landmarks)


def rows_for_trials(columns: int, memory: int | None) -> int:
    """Return how many rows can judge a study's trials.

    Parameters
    ----------
    columns : int
        Of the widest set of families.
    memory : int or None
        Bytes that may be used; :func:`default_memory` when None.

    Returns
    -------
    int
        A row needs 24 bytes for each other row (the two halves' dot products of all rows and of
        a fold, and libsvm's matrix), and its features.
    """
    memory = default_memory() if memory is None else memory
    linear = 4 * _FEATURE_COPIES * columns
    return int((np.sqrt(linear**2 + 4 * 24 * memory) - linear) / (2 * 24))
