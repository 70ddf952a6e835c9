"""Scores of probabilities: how well their size tells how often they are right."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

BINS = 15
LEAST_PROBABILITY = 5e-6
"""What counts for a probability that is 0, or rounds to it at five decimals."""


def compute_log_loss(probabilities: ArrayLike, true: ArrayLike) -> float:
    """Compute the mean negative logarithm of what was given to the true class.

    Parameters
    ----------
    probabilities : array-like of float, shape (n, n_classes)
    true : array-like of int, shape (n,)
        Class indices.

    Returns
    -------
    float
        In nats, from 0; probabilities below :data:`LEAST_PROBABILITY` count as that.

    Raises
    ------
    ValueError
        If the shapes do not fit, or there are no rows.
    """
    probabilities, true = _check_shapes(probabilities, true)
    given = probabilities[np.arange(len(true)), true]
    return float(-np.log(np.clip(given, LEAST_PROBABILITY, 1.0)).mean())


def compute_brier_score(probabilities: ArrayLike, true: ArrayLike) -> float:
    """Compute the Brier score of several classes.

    Parameters
    ----------
    probabilities, true
        As for :func:`compute_log_loss`.

    Returns
    -------
    float
        Over the rows, the mean of the squared distance between the probabilities and the truth (1
        for the true class, 0 for others), summed over classes: 0 is perfect, 2 is surely wrong.

    Raises
    ------
    ValueError
        As for :func:`compute_log_loss`.

    References
    ----------
    Brier, Verification of forecasts expressed in terms of probability, Monthly Weather Review 78,
    1950.
    """
    probabilities, true = _check_shapes(probabilities, true)
    truth = np.zeros_like(probabilities)
    truth[np.arange(len(true)), true] = 1.0
    return float(np.square(probabilities - truth).sum(axis=1).mean())


def compute_calibration_bins(
    probabilities: ArrayLike, true: ArrayLike, *, bins: int = BINS
) -> list[dict[str, Any]]:
    """Compare the probability of the most probable class with how often it is right.

    Parameters
    ----------
    probabilities, true
        As for :func:`compute_log_loss`.
    bins : int
        Of equal width, from 0 to 1.

    Returns
    -------
    list of dict
        In rising order ``low``, ``high``, ``rows``, and the means ``confidence`` and ``accuracy``,
        None without rows. A probability on an edge belongs to the bin above it.

    Raises
    ------
    ValueError
        As for :func:`compute_log_loss`.
    """
    probabilities, true = _check_shapes(probabilities, true)
    top = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == true
    number = np.minimum((top * bins).astype(np.int64), bins - 1)
    rows, sure, hits = (
        np.bincount(number, weights=weights, minlength=bins) for weights in (None, top, right)
    )
    return [
        {
            "low": i / bins,
            "high": (i + 1) / bins,
            "rows": int(rows[i]),
            "confidence": float(sure[i] / rows[i]) if rows[i] else None,
            "accuracy": float(hits[i] / rows[i]) if rows[i] else None,
        }
        for i in range(bins)
    ]


def compute_calibration_error(
    probabilities: ArrayLike, true: ArrayLike, *, bins: int = BINS
) -> float:
    """Compute the expected calibration error of the most probable class.

    Parameters
    ----------
    probabilities, true, bins
        As for :func:`compute_calibration_bins`.

    Returns
    -------
    float
        Over the bins of the largest probability, the mean distance between it and the share of
        rows that are right, weighted by the rows; 0 is perfect.

    Raises
    ------
    ValueError
        As for :func:`compute_log_loss`.

    References
    ----------
    Guo, Pleiss, Sun and Weinberger, On calibration of modern neural networks, ICML 2017.
    """
    told = compute_calibration_bins(probabilities, true, bins=bins)
    filled = [own for own in told if own["rows"]]
    apart = sum(own["rows"] * abs(own["confidence"] - own["accuracy"]) for own in filled)
    return float(apart / sum(own["rows"] for own in filled))


def describe_calibration(probabilities: ArrayLike, true: ArrayLike) -> dict[str, Any]:
    """Return the results schema's ``calibration``; arguments as :func:`compute_log_loss` has."""
    return {
        "log_loss": compute_log_loss(probabilities, true),
        "brier": compute_brier_score(probabilities, true),
        "expected_error": compute_calibration_error(probabilities, true),
        "bins": compute_calibration_bins(probabilities, true),
    }


def _check_shapes(probabilities: ArrayLike, true: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    given, labels = np.asarray(probabilities, dtype=np.float64), np.asarray(true)
    if given.ndim != 2 or len(given) != len(labels) or not len(labels):
        raise ValueError(
            f"expected a row of probabilities for each of at least one class index, got shapes "
            f"{given.shape} and {labels.shape}"
        )
    return given, labels
