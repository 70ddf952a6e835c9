"""How large a model's file may be, and what a compact model has room for."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

from mien.errors import MienError
from mien.experiments.memory import format_memory
from mien.models.compact_machine import CompactSize
from mien.models.svm_pipeline import find_halves

_COMPONENTS = 1024
_MOST_DIRECTIONS = 1024
_MOST_CENTRES = 8000
_FEWEST_DIRECTIONS = 8
_FEWEST_CENTRES = 50
_SHARE = 0.4
_NUMBER = 4
_COLUMN = 60
"""Bytes a raw column: where it goes in the mirror basis, its scale, its mirror."""
_REST = 30_000


def plan_compact(
    parameters: Mapping[str, Any], *, kernel: str, rows: int, classes: int, size: int
) -> CompactSize | None:
    """Divide a file's size between directions and rows.

    Directions take two fifths of it and are at most 1,024; rows take the rest and are at most
    8,000. What is left when all rows are taken goes to directions.

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
    Arrays count uncompressed; what compression saves is not spent. Fitted on 8,000 rows of
    FER2013's Training (``patch_hog``, mirrored RBF) and scored on 7,000 others, 256 directions gave
    62.5, 63.8 and 63.9 % with 2,000, 4,000 and 8,000 centres, 512 directions 64.2 % with 8,000:
    beyond some thousands of rows, directions bring more. Centres by k-means were no better than
    random ones (62.4 % with 2,000). With all of 12,000 rows and no reduced set, 512 principal
    components lose 0.5 points of 65.7, 1,024 lose 0.2.
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
    room = (size - fixed) // _NUMBER
    kernels = len(halves)
    directions = _limit(_SHARE * room / widest)
    fitting = int((room - directions * widest) / (kernels * (directions + 1) + classes))
    centres = min(rows, _MOST_CENTRES, fitting)
    if centres == rows:
        other = rows * (kernels + classes)
        directions = _limit((room - other) / (widest + kernels * rows))
    searched = min(components or _COMPONENTS, rows // 4)
    return CompactSize(
        components=searched if max(max(half) for half in halves) > searched else 0,
        directions=directions,
        centres=centres,
    )


def _limit(directions: float) -> int:
    return min(_MOST_DIRECTIONS, max(int(directions), _FEWEST_DIRECTIONS))


def _measure(directions: int, centres: int, widest: int, kernels: int, classes: int) -> int:
    """Return the bytes of a projection and of centres with their coefficients and lengths."""
    numbers = directions * widest + centres * (kernels * (directions + 1) + classes)
    return _NUMBER * numbers
