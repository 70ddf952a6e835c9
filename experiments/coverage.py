"""What a model is sure of: its second guess, and its accuracy where it may abstain."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

COVERAGES: tuple[float, ...] = tuple(i / 20 for i in range(20, 0, -1))
"""1.0, 0.95 … 0.05."""


def compute_confidence(
    outputs: np.ndarray, predicted: np.ndarray, *, probabilities: bool
) -> np.ndarray:
    """Say how sure a model is of each of its answers.

    Parameters
    ----------
    outputs : ndarray of float, shape (n, n_classes)
        Probabilities, or scores; NaN in rows without.
    predicted : ndarray of int, shape (n,)
        Class indices that were answered.
    probabilities : bool
        Whether ``outputs`` are probabilities.

    Returns
    -------
    ndarray of float64, shape (n,)
        The answer's probability; of scores, its score less the highest other. Minus infinity in
        rows without outputs or without an answer.
    """
    sure = np.full(len(outputs), -np.inf)
    told = np.isfinite(outputs).all(axis=1) & (predicted >= 0)
    own = outputs[told].astype(np.float64)
    rows, answers = np.arange(len(own)), predicted[told]
    sure[told] = own[rows, answers]
    if not probabilities:
        own[rows, answers] = -np.inf
        sure[told] -= own.max(axis=1)
    return sure


def compute_top_share(
    outputs: np.ndarray, true: np.ndarray, predicted: np.ndarray, *, k: int = 2
) -> float:
    """Compute the share of rows whose true class is among the k that have the highest outputs.

    Parameters
    ----------
    outputs : ndarray of float, shape (n, n_classes)
        Probabilities, or scores; NaN in rows without, where only the answer itself counts.
    true, predicted : ndarray of int, shape (n,)
    k : int, default 2

    Returns
    -------
    float
        From 0 to 1. Of equal outputs, the lower class index comes first.
    """
    told = np.isfinite(outputs).all(axis=1)
    hit = true == predicted
    best = np.argsort(-outputs[told], axis=1, kind="stable")[:, :k]
    hit[told] = (best == true[told, None]).any(axis=1)
    return float(hit.mean())


def compute_coverage_curve(
    confidence: ArrayLike, right: ArrayLike, *, coverages: tuple[float, ...] = COVERAGES
) -> list[dict[str, float]]:
    """Compute the accuracy on the share of rows that a model is surest of.

    Parameters
    ----------
    confidence : array-like of float, shape (n,)
        How sure the model is, in any unit.
    right : array-like of bool, shape (n,)
    coverages : tuple of float
        Shares of the rows that are answered.

    Returns
    -------
    list of dict
        ``coverage`` and ``accuracy``. The number of rows is rounded up; of equally sure rows, each
        is as likely as the others to be among those that are answered.

    References
    ----------
    El-Yaniv and Wiener, On the foundations of noise-free selective classification, JMLR 11, 2010.
    """
    sure, hits = np.asarray(confidence, dtype=np.float64), np.asarray(right, dtype=np.float64)
    _, ties = np.unique(-sure, return_inverse=True)
    sizes = np.bincount(ties)
    expected = (np.bincount(ties, weights=hits) / sizes)[np.sort(ties)]
    sums = np.cumsum(expected)
    answered = [max(1, int(np.ceil(share * len(sure) - 1e-9))) for share in coverages]
    return [
        {"coverage": share, "accuracy": min(1.0, float(sums[n - 1] / n))}
        for share, n in zip(coverages, answered, strict=True)
    ]


def describe_ranking(
    outputs: np.ndarray, true: np.ndarray, predicted: np.ndarray, confidence: np.ndarray
) -> dict[str, Any]:
    """Return the results schema's ``ranking``; arguments as the functions above have."""
    return {
        "top2": compute_top_share(outputs, true, predicted),
        "coverage": compute_coverage_curve(confidence, true == predicted),
    }
