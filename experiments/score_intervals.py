"""Intervals of a model's scores, by bootstrap over persons or other units."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mien.experiments.bootstrap import DRAWS, LEVEL, bootstrap_interval, sum_by_unit

INTERVAL_METRICS: tuple[str, ...] = ("accuracy", "balanced_accuracy", "f1_macro")


def compute_intervals(
    true: ArrayLike,
    predicted: ArrayLike,
    units: ArrayLike,
    n_classes: int,
    *,
    draws: int = DRAWS,
    level: float = LEVEL,
    seed: int = 0,
) -> dict[str, dict[str, float]] | None:
    """Compute bootstrap intervals of the scores of pooled predictions.

    Parameters
    ----------
    true, predicted : array-like of int, shape (n_rows,)
        As for :func:`mien.experiments.scores.compute_scores`.
    units : array-like, shape (n_rows,)
        The person (or other unit) of each row.
    n_classes : int
    draws, level, seed
        As for :func:`mien.experiments.bootstrap.bootstrap_interval`.

    Returns
    -------
    dict or None
        ``{metric: {"low": …, "high": …}}`` of :data:`INTERVAL_METRICS`; None with fewer than two
        units.

    Notes
    -----
    In each sample, macro averages run over the classes that its true labels contain.
    """
    true, predicted = np.asarray(true), np.asarray(predicted)
    answers = n_classes + 1
    cells = np.zeros((len(true), n_classes * answers), dtype=np.int64)
    cells[np.arange(len(true)), true * answers + predicted % answers] = 1
    counts = sum_by_unit(cells, np.asarray(units))
    ends = bootstrap_interval(
        counts,
        lambda sums: _score_matrices(sums.reshape(-1, n_classes, answers)),
        draws=draws,
        level=level,
        seed=seed,
    )
    if ends is None:
        return None
    return {
        metric: {"low": float(low), "high": float(high)}
        for metric, (low, high) in zip(INTERVAL_METRICS, ends, strict=True)
    }


def compute_accuracy_interval(
    right: ArrayLike, units: ArrayLike, *, seed: int = 0
) -> tuple[float, float] | None:
    """Compute the bootstrap interval of a share of right answers, or of a mean difference.

    Parameters
    ----------
    right : array-like of int, shape (n_rows,)
        1 where right, else 0; of two models, 1, 0 or -1: what the first has more.
    units : array-like, shape (n_rows,)
    seed : int, default 0

    Returns
    -------
    (float, float) or None
        The ends; None with fewer than two units.
    """
    values = np.asarray(right, dtype=np.int64)
    counts = sum_by_unit(np.stack([values, np.ones_like(values)], axis=1), np.asarray(units))
    ends = bootstrap_interval(counts, lambda sums: sums[:, :1] / sums[:, 1:], seed=seed)
    return None if ends is None else (float(ends[0, 0]), float(ends[0, 1]))


def _score_matrices(matrices: np.ndarray) -> np.ndarray:
    """Scores of confusion matrices whose last column is of rows without an answer; (n, 3)."""
    support = matrices.sum(axis=2)
    right = np.diagonal(matrices, axis1=1, axis2=2)
    chosen = matrices[:, :, :-1].sum(axis=1)
    present = support > 0
    recall = np.divide(right, support, out=np.zeros_like(right), where=present)
    both = chosen + support
    f1 = np.divide(2 * right, both, out=np.zeros_like(right), where=both > 0)
    classes = present.sum(axis=1)
    return np.stack(
        [
            right.sum(axis=1) / support.sum(axis=1),
            recall.sum(axis=1) / classes,
            (f1 * present).sum(axis=1) / classes,
        ],
        axis=1,
    )
