"""Which rows to show: the mistakes that a model was surest of, and some of each cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

WORST = 12
ROWS_PER_CELL = 4


def choose_worst(
    rows: np.ndarray,
    true: np.ndarray,
    predicted: np.ndarray,
    confidence: np.ndarray,
    *,
    names: Sequence[str],
    probabilities: bool,
) -> list[dict[str, Any]]:
    """Return the results schema's ``worst``: wrong answers, the surest first.

    Parameters
    ----------
    rows : ndarray of int, shape (n,)
        Row numbers; of a row that was predicted in several repeats, the surest wrong answer counts.
    true, predicted : ndarray of int, shape (n,)
    confidence : ndarray of float, shape (n,)
        From :func:`mien.experiments.coverage.compute_confidence`.
    names : sequence of str
        The picture's name of every row of the store.
    probabilities : bool
        Whether ``confidence`` is of probabilities.

    Returns
    -------
    list of dict
        At most :data:`WORST`. Rows without outputs or without an answer are left out.
    """
    wrong = np.flatnonzero((true != predicted) & np.isfinite(confidence) & (predicted >= 0))
    order = wrong[np.lexsort((rows[wrong], -confidence[wrong]))]
    _, first = np.unique(rows[order], return_index=True)
    return [
        {
            "row": int(rows[i]),
            "name": str(names[rows[i]]),
            "true": int(true[i]),
            "predicted": int(predicted[i]),
            "probability": float(confidence[i]) if probabilities else None,
        }
        for i in order[np.sort(first)][:WORST]
    ]


def choose_cell_rows(
    rows: np.ndarray, true: np.ndarray, predicted: np.ndarray, *, seed: int = 0
) -> dict[str, list[int]]:
    """Return the results schema's ``cells``: some rows of each cell of the confusion matrix.

    Parameters
    ----------
    rows, true, predicted : ndarray of int, shape (n,)
    seed : int, default 0
        Of the order in which rows are taken, which is the same for all models, so that they show
        the same rows where they agree.

    Returns
    -------
    dict of str to list of int
        By ``"<true>,<predicted>"``, at most :data:`ROWS_PER_CELL` different rows.
    """
    ranks = np.random.default_rng(seed).permutation(int(rows.max()) + 1)
    cells: dict[str, list[int]] = {}
    for i in np.lexsort((ranks[rows], predicted, true)):
        if predicted[i] < 0:
            continue
        shown = cells.setdefault(f"{true[i]},{predicted[i]}", [])
        if len(shown) < ROWS_PER_CELL and int(rows[i]) not in shown:
            shown.append(int(rows[i]))
    return cells
