"""From the folds of one model to the figures that the report shows of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mien.experiments.scores import (
    compute_classification_report,
    compute_confusion_matrix,
    compute_scores,
    summarise_folds,
)

FINAL_SPLIT = "PrivateTest"
"""The split that decides when a dataset brings its own (FER2013's final test set)."""


def choose_split(folds: Sequence[Mapping[str, Any]]) -> str | None:
    """Name the split that decides which model is best.

    Parameters
    ----------
    folds : sequence of mapping
        Folds as in the results schema; the key ``split`` is None for folds of our own.

    Returns
    -------
    str or None
        ``"PrivateTest"`` if the folds have it, else the last named split, else None.
    """
    names = [fold["split"] for fold in folds if fold.get("split")]
    if not names:
        return None
    return FINAL_SPLIT if FINAL_SPLIT in names else names[-1]


def pool_folds(
    folds: Sequence[Mapping[str, Any]], *, split: str | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Join the true and the predicted classes of all folds, or of those of one split.

    Returns
    -------
    true, predicted : ndarray of int64, shape (n_rows,)
        Class indices. With repeats a row of the dataset occurs once a repeat.
    """
    kept = [fold for fold in folds if split is None or fold.get("split") == split]
    true = np.concatenate([np.asarray(fold["true"], dtype=np.int64) for fold in kept])
    predicted = np.concatenate([np.asarray(fold["predicted"], dtype=np.int64) for fold in kept])
    return true, predicted


def summarise_model(
    folds: Sequence[Mapping[str, Any]], *, classes: Sequence[str]
) -> dict[str, Any]:
    """Compute what the results schema holds of a model besides its folds.

    Parameters
    ----------
    folds : sequence of mapping
        Folds as in the results schema, with ``true``, ``predicted``, ``scores``, ``split``,
        ``fit_seconds`` and ``predict_seconds``.
    classes : sequence of str
        Class names; the position is the class index.

    Returns
    -------
    dict
        ``summary`` (mean and spread over folds), ``splits`` (scores of each named split),
        ``reported_split``, ``classification_report`` and ``confusion_matrix`` (predictions of
        all folds pooled, or of the reported split only), ``timing``.

    Notes
    -----
    Where the dataset brings its own splits, the figures to quote are those of one split
    (:func:`choose_split`), so the report and the matrix cover that split alone. ``fit_seconds`` is
    the mean of a fold; folds that share one fit should carry the same value.
    """
    reported = choose_split(folds)
    true, predicted = pool_folds(folds, split=reported)
    names = dict.fromkeys(fold["split"] for fold in folds if fold.get("split"))
    return {
        "summary": summarise_folds([fold["scores"] for fold in folds]),
        "splits": {
            name: compute_scores(*pool_folds(folds, split=name), len(classes)) for name in names
        },
        "reported_split": reported,
        "classification_report": compute_classification_report(true, predicted, classes),
        "confusion_matrix": compute_confusion_matrix(true, predicted, len(classes)).tolist(),
        "timing": _summarise_times(folds),
    }


def _summarise_times(folds: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    faces = sum(len(fold["true"]) for fold in folds)
    seconds = sum(fold["predict_seconds"] for fold in folds)
    return {
        "fit_seconds": float(np.mean([fold["fit_seconds"] for fold in folds])),
        "predict_ms_per_face": 1000.0 * seconds / faces,
    }
