"""How large a model's file may be, and what a compact model has room for."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

from mien.errors import MienError
from mien.experiments.memory import format_memory
from mien.models.compact_machine import CompactSize
from mien.models.svm_pipeline import find_halves

_MOST_COMPONENTS = 1024
_FEWEST_COMPONENTS = 64
_COMPONENTS = 512
_MOST_DIRECTIONS = 512
_MOST_CENTRES = 8000
_FEWEST_DIRECTIONS = 8
_FEWEST_CENTRES = 50
_SHARE = 0.4
_NUMBER = 4
_COLUMN = 68
"""Bytes a raw column: where it goes in the mirror basis, its scale, its mirror; reference rows."""
_REST = 45_000


def plan_compact(
    parameters: Mapping[str, Any],
    *,
    kernel: str,
    rows: int,
    classes: int,
    size: int,
    all_rows: bool = True,
) -> CompactSize | None:
    """Divide a file's size between components, or directions, and rows.

    Where all rows fit with at least 64 principal components in 8 bits, they are kept, with at most
    1,024 components. In smaller files directions take two fifths and are at most 512; rows take the
    rest and are at most 8,000. What is left when all rows are taken goes to directions.

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
    all_rows : bool
        Whether there is memory for a kernel matrix of all rows.

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
    Arrays count uncompressed; what compression saves is not spent. Rows are worth more than
    components: fitted on 12,000 rows of FER2013's Training (``patch_hog``, mirrored RBF) and scored
    on 7,418 others, all components gave 65.7 %, 1,024 gave 65.5 and 512 gave 65.1; of Training's
    28,709 rows, 5,064 as centres with 335 directions gave 67.0 % on PublicTest, all with 250
    components 72.3, all with all 72.8. With 8,000 rows
    fitted and 7,000 scored, 256 directions gave 62.5, 63.8 and 63.9 % with 2,000, 4,000 and 8,000
    centres; centres by k-means were no better than random ones (62.4 % with 2,000).
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
    row = _NUMBER * (kernels + classes)
    fitting = int((size - fixed - rows * row) / (kernels * rows + _NUMBER * widest))
    if all_rows and fitting >= min(_FEWEST_COMPONENTS, columns):
        kept = min(fitting, components or _MOST_COMPONENTS, rows // 4)
        return CompactSize(_search(kept, halves), directions=0, centres=rows)
    directions = _limit(_SHARE * room / widest)
    fitting = int((room - directions * widest) / (kernels * (directions + 1) + classes))
    centres = min(rows, _MOST_CENTRES, fitting)
    if centres == rows:
        other = rows * (kernels + classes)
        directions = _limit((room - other) / (widest + kernels * rows))
    searched = min(components or _COMPONENTS, rows // 4)
    return CompactSize(_search(searched, halves), directions=directions, centres=centres)


def _search(components: int, halves: tuple[tuple[int, int], ...]) -> int:
    """Return how many components are sought: none where no half has more columns."""
    return components if max(max(half) for half in halves) > components else 0


def _limit(directions: float) -> int:
    return min(_MOST_DIRECTIONS, max(int(directions), _FEWEST_DIRECTIONS))


def _measure(directions: int, centres: int, widest: int, kernels: int, classes: int) -> int:
    """Return the bytes of a projection and of centres with their coefficients and lengths."""
    numbers = directions * widest + centres * (kernels * (directions + 1) + classes)
    return _NUMBER * numbers
