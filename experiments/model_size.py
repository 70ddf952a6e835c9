"""How large a model's file may be, and what a compact model has room for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mien.errors import MienError
from mien.experiments.memory import format_memory
from mien.models.svm_pipeline import count_halves

MOST_DIRECTIONS = 128
_FEWEST_DIRECTIONS = 8
_FEWEST_CENTRES = 100
_SHARE = 0.5
_NUMBER = 4
_COLUMN = 60
"""Bytes a raw column: where it goes in the mirror basis, its scale, its mirror."""
_REST = 30_000


@dataclass(frozen=True)
class CompactPlan:
    """What a compact model is made of.

    Attributes
    ----------
    directions : int
        Of each kernel's columns.
    centres : int
        Rows of the reduced set.
    """

    directions: int
    centres: int


def plan_compact(
    parameters: Mapping[str, Any], *, rows: int, classes: int, size: int
) -> CompactPlan:
    """Divide a file's size between directions and rows.

    Directions take at most half of it and are at most 128; rows take the rest.

    Parameters
    ----------
    parameters : mapping
        Of an SVM with an ``rbf`` or ``poly`` kernel.
    rows : int
        To fit on.
    classes : int
    size : int
        Bytes of the file.

    Raises
    ------
    MienError
        If the smallest compact model is larger.

    Notes
    -----
    Arrays count uncompressed; what compression saves is not spent.
    """
    halves = count_halves(parameters)
    columns = sum(even + odd for even, odd in halves)
    widest = sum(max(half) for half in halves)
    fixed = _REST + _COLUMN * columns
    smallest = fixed + _measure(_FEWEST_DIRECTIONS, _FEWEST_CENTRES, widest, len(halves), classes)
    if size < smallest:
        raise MienError(
            f"No model of {columns:,} columns fits into {format_memory(size)}.",
            f"The smallest needs --max-size {np.ceil(smallest / 1e5) / 10:g}MB.",
        )
    most = int(_SHARE * (size - fixed) / (_NUMBER * widest))
    directions = min(MOST_DIRECTIONS, max(most, _FEWEST_DIRECTIONS))
    left = size - fixed - _measure(directions, 0, widest, len(halves), classes)
    centres = left // _measure(directions, 1, 0, len(halves), classes)
    return CompactPlan(directions, int(min(centres, rows)))


def _measure(directions: int, centres: int, widest: int, kernels: int, classes: int) -> int:
    """Return the bytes of a projection and of centres with their coefficients and lengths."""
    numbers = directions * widest + centres * (kernels * (directions + 1) + classes)
    return _NUMBER * numbers
