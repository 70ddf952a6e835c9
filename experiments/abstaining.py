"""The threshold below which a model abstains, and what abstaining costs and brings."""

from __future__ import annotations

from typing import Any

import numpy as np

from mien.errors import MienError

FEWEST_KEPT = 30
"""Predictions that a threshold must keep for their accuracy to say anything."""

_STEPS = 10_000


def describe_threshold(
    probabilities: np.ndarray, true: np.ndarray, threshold: float
) -> dict[str, Any]:
    """Say how many predictions a threshold keeps, and how many of these are right.

    Parameters
    ----------
    probabilities : ndarray of float, shape (n, n_classes)
        Of held-out rows.
    true : ndarray of int, shape (n,)
        Class indices.
    threshold : float
        On the highest probability; what is below it is abstained from.

    Returns
    -------
    dict
        ``threshold``, ``rows`` (all), ``kept``, ``coverage`` (their share) and ``accuracy`` (of the
        kept ones; None where none is kept).
    """
    kept = probabilities.max(axis=1) >= threshold
    right = probabilities.argmax(axis=1) == true
    return {
        "threshold": float(threshold),
        "rows": len(true),
        "kept": int(kept.sum()),
        "coverage": float(kept.mean()),
        "accuracy": float(right[kept].mean()) if kept.any() else None,
    }


def choose_threshold(probabilities: np.ndarray, true: np.ndarray, target: float) -> float:
    """Choose the smallest threshold whose kept predictions are accurate enough.

    Parameters
    ----------
    probabilities, true
        As for :func:`describe_threshold`.
    target : float
        Share of the kept predictions that must be right.

    Returns
    -------
    float
        In steps of 0.0001.

    Raises
    ------
    MienError
        If no threshold that keeps at least :data:`FEWEST_KEPT` predictions reaches the target; the
        message says what can be reached.
    """
    highest = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == true
    order = np.argsort(highest)
    rising, right_before = highest[order], np.r_[0, np.cumsum(right[order])]
    steps = np.unique(np.r_[0, np.floor(highest * _STEPS) + 1]) / _STEPS
    first = np.searchsorted(rising, steps)
    kept = len(rising) - first
    enough = kept >= FEWEST_KEPT
    steps, first, kept = steps[enough], first[enough], kept[enough]
    if not len(steps):
        raise MienError(
            f"--target-accuracy needs at least {FEWEST_KEPT} held-out predictions; there are "
            f"{len(true):,}.",
            "Set the threshold by hand with --abstain-below, or use more pictures.",
        )
    accuracy = (right_before[-1] - right_before[first]) / kept
    if not (reached := accuracy >= target).any():
        best = int(accuracy.argmax())
        raise MienError(
            f"No threshold makes {target:.1%} of the kept predictions right: at most "
            f"{accuracy[best]:.1%} are, of the {kept[best]:,} held-out predictions from "
            f"{steps[best]:.4f} on.",
            "Ask for less with --target-accuracy, or choose a better model.",
        )
    return float(steps[reached.argmax()])
