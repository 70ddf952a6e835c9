"""Scores of probabilities: how well their size tells how often they are right."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

BINS = 15


def compute_calibration_error(
    probabilities: ArrayLike, true: ArrayLike, *, bins: int = BINS
) -> float:
    """Compute the expected calibration error of the most probable class.

    Parameters
    ----------
    probabilities : array-like of float, shape (n, n_classes)
    true : array-like of int, shape (n,)
        Class indices.
    bins : int
        Of equal width, from 0 to 1.

    Returns
    -------
    float
        Over the bins of the largest probability, the mean distance between it and the share of
        rows that are right, weighted by the rows; 0 is perfect.

    Raises
    ------
    ValueError
        If the shapes do not fit, or there are no rows.

    References
    ----------
    Guo, Pleiss, Sun and Weinberger, On calibration of modern neural networks, ICML 2017.
    """
    probabilities, true = np.asarray(probabilities), np.asarray(true)
    if probabilities.ndim != 2 or len(probabilities) != len(true) or not len(true):
        raise ValueError(
            f"expected a row of probabilities for each of at least one class index, got shapes "
            f"{probabilities.shape} and {true.shape}"
        )
    top = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == true
    number = np.minimum((top * bins).astype(np.int64), bins - 1)
    gaps = np.bincount(number, weights=top - right, minlength=bins)
    return float(np.abs(gaps).sum() / len(true))
