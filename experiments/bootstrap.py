"""Intervals by bootstrap: units that do not resemble each other are drawn, never their rows.

Rows of one person are alike; drawn one by one they would make an interval too narrow. So whole
units are drawn with replacement, each with all of its rows.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

DRAWS = 2000
LEVEL = 0.95
_CELLS_AT_ONCE = 4_000_000


def bootstrap_interval(
    counts: np.ndarray,
    statistic: Callable[[np.ndarray], np.ndarray],
    *,
    draws: int = DRAWS,
    level: float = LEVEL,
    seed: int = 0,
) -> np.ndarray | None:
    """Compute percentile bootstrap intervals of figures that are functions of sums over units.

    Parameters
    ----------
    counts : ndarray of int, shape (n_units, n_columns)
        What each unit adds to the sums: rows, right answers, cells of a confusion matrix.
    statistic : callable
        From sums of float64, shape (draws, n_columns), to figures of shape (draws, n_figures).
    draws : int, default 2,000
        Bootstrap samples of ``n_units`` units each.
    level : float, default 0.95
        Share of the samples between the two ends.
    seed : int, default 0

    Returns
    -------
    ndarray of float64, shape (n_figures, 2), or None
        The lower and the upper end. None with fewer than two units: one tells nothing of others.

    Notes
    -----
    The percentile method: the ends are quantiles of the samples' figures. A draw of units with
    replacement is a multinomial draw of how often each distinct row of ``counts`` comes, which is
    what is drawn here.

    References
    ----------
    Efron and Tibshirani, An introduction to the bootstrap, 1993, chapter 13; of whole clusters:
    Field and Welsh, Bootstrapping clustered data, JRSS B 69, 2007.
    """
    if len(counts) < 2:
        return None
    figures = statistic(draw_sums(counts, draws=draws, seed=seed))
    outside = (1 - level) / 2
    return np.quantile(figures, (outside, 1 - outside), axis=0).T


def draw_sums(counts: np.ndarray, *, draws: int, seed: int) -> np.ndarray:
    """Draw as many units as there are, with replacement, and sum them; so often.

    Parameters
    ----------
    counts : ndarray of int, shape (n_units, n_columns)
    draws, seed : int

    Returns
    -------
    ndarray of float64, shape (draws, n_columns)
    """
    kinds, often = np.unique(counts, axis=0, return_counts=True)
    rng = np.random.default_rng(seed)
    at_once = max(1, _CELLS_AT_ONCE // len(kinds))
    shares = often / often.sum()
    sums = [
        rng.multinomial(len(counts), shares, size=min(at_once, draws - start)).astype(np.float64)
        @ kinds.astype(np.float64)
        for start in range(0, draws, at_once)
    ]
    return np.concatenate(sums)


def sum_by_unit(values: np.ndarray, units: np.ndarray) -> np.ndarray:
    """Sum the rows of each unit.

    Parameters
    ----------
    values : ndarray of int, shape (n_rows, n_columns)
    units : ndarray, shape (n_rows,)
        What each row belongs to: names or numbers of any kind.

    Returns
    -------
    ndarray of int64, shape (n_units, n_columns)

    Raises
    ------
    ValueError
        If there is not one unit for each row.
    """
    if units.shape != (len(values),):
        raise ValueError(f"expected a unit for each of {len(values)} rows, got {units.shape}")
    _, codes = np.unique(units, return_inverse=True)
    sums = np.zeros((codes.max(initial=-1) + 1, values.shape[1]), dtype=np.int64)
    np.add.at(sums, codes, values)
    return sums
