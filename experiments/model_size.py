"""How large a model's file may be, and what a compact model has room for."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

from mien.errors import MienError
from mien.experiments.memory import format_memory
from mien.models.compact_machine import CompactSize
from mien.models.svm_pipeline import find_halves

_COMPONENTS = 512
_MOST_DIRECTIONS = 256
_FEWEST_DIRECTIONS = 8
_FEWEST_CENTRES = 50
_SHARE = 0.25
_NUMBER = 4
_COLUMN = 60
"""Bytes a raw column: where it goes in the mirror basis, its scale, its mirror."""
_REST = 30_000


def plan_compact(
    parameters: Mapping[str, Any], *, kernel: str, rows: int, classes: int, size: int
) -> CompactSize | None:
    """Divide a file's size between directions and rows.

    Directions take at most a quarter of it and are at most 256; rows take the rest.

    Parameters
    ----------
    parameters : mapping
        Of an SVM.
    kernel : {"linear", "poly", "rbf"}
    rows : int
        To fit on.
    classes : int
    size : int
        Bytes of the file.

    Returns
    -------
    CompactSize or None
        None where nothing needs to be left out: the kernel is linear, or all rows fit.

    Raises
    ------
    MienError
        If the smallest compact model is larger.

    Notes
    -----
    Arrays count uncompressed; what compression saves is not spent.
    """
    halves = find_halves(parameters)
    columns = sum(even + odd for even, odd in halves)
    widest = sum(max(half) for half in halves)
    outputs = classes * (classes - 1) // 2
    fixed = _REST + _COLUMN * columns
    components = int(parameters.get("pca", 0))
    whole = columns * components + rows * ((components or columns) + outputs + 1)
    if kernel == "linear" or fixed + _NUMBER * whole <= size:
        return None
    smallest = fixed + _measure(_FEWEST_DIRECTIONS, _FEWEST_CENTRES, widest, len(halves), classes)
    if size < smallest:
        raise MienError(
            f"No model of {columns:,} columns fits into {format_memory(size)}.",
            f"The smallest needs --max-size {ceil(smallest / 1e4) / 100:g}MB.",
        )
    most = int(_SHARE * (size - fixed) / (_NUMBER * widest))
    directions = min(_MOST_DIRECTIONS, max(most, _FEWEST_DIRECTIONS))
    left = size - fixed - _measure(directions, 0, widest, len(halves), classes)
    centres = left // _measure(directions, 1, 0, len(halves), classes)
    searched = min(components or _COMPONENTS, rows // 4)
    return CompactSize(
        components=searched if max(max(half) for half in halves) > searched else 0,
        directions=directions,
        centres=int(min(centres, rows)),
    )


def _measure(directions: int, centres: int, widest: int, kernels: int, classes: int) -> int:
    """Return the bytes of a projection and of centres with their coefficients and lengths."""
    numbers = directions * widest + centres * (kernels * (directions + 1) + classes)
    return _NUMBER * numbers
