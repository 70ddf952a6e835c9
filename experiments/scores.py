"""Scores of predictions, with classes that a fold lacks treated the same way everywhere.

A fold that leaves one person out often lacks a class. Its macro averages run over the classes
that its true labels contain: a class nobody showed cannot be missed. Predicting a class that is
absent still costs, as recall of the true class. Within a class, ``0 / 0`` counts as 0.

The class index :data:`NO_PREDICTION` means "no answer" (a picture without a face): the row is
wrong, and missed by its true class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from mien.errors import MienError

NO_PREDICTION = -1

METRICS: tuple[str, ...] = (
    "accuracy",
    "balanced_accuracy",
    "precision_macro",
    "recall_macro",
    "f1_macro",
    "f1_weighted",
    "kappa",
)
"""The scores of a fold, in the order of the report."""

RESERVED_NAMES: tuple[str, ...] = ("accuracy", "macro avg", "weighted avg")
"""Keys of a classification report that no class may have as its name."""


def compute_confusion_matrix(
    true: ArrayLike, predicted: ArrayLike, n_classes: int, *, normalise: bool = False
) -> np.ndarray:
    """Count how often each true class was predicted as each class.

    Parameters
    ----------
    true : array-like of int, shape (n_rows,)
        Class indices, 0 … ``n_classes`` - 1.
    predicted : array-like of int, shape (n_rows,)
        Class indices, or :data:`NO_PREDICTION`; such rows are left out of the matrix.
    n_classes : int
        Number of classes of the dataset, whether the rows contain them or not.
    normalise : bool, default False
        Divide each row by its sum; a row without counts stays 0.

    Returns
    -------
    ndarray, shape (n_classes, n_classes)
        Rows are true classes, columns predicted classes. int64 counts, or float64 shares.

    Raises
    ------
    ValueError
        If the lengths differ or an index is out of range.
    """
    true, predicted = _check_labels(true, predicted, n_classes)
    answered = predicted != NO_PREDICTION
    cells = true[answered] * n_classes + predicted[answered]
    matrix = np.bincount(cells, minlength=n_classes**2).reshape(n_classes, n_classes)
    return normalise_rows(matrix) if normalise else matrix


def normalise_rows(matrix: ArrayLike) -> np.ndarray:
    """Divide each row of a matrix of counts by its sum; rows of zeros stay zeros.

    Parameters
    ----------
    matrix : array-like of int, shape (n_classes, n_classes)
        Counts.

    Returns
    -------
    ndarray of float64, shape (n_classes, n_classes)
        Shares from 0 to 1.
    """
    counts = np.asarray(matrix, dtype=np.float64)
    return _divide(counts, counts.sum(axis=1, keepdims=True))


def compute_scores(true: ArrayLike, predicted: ArrayLike, n_classes: int) -> dict[str, float]:
    """Compute the scores of one set of predictions.

    Parameters
    ----------
    true : array-like of int, shape (n_rows,)
        Class indices, 0 … ``n_classes`` - 1, at least one row.
    predicted : array-like of int, shape (n_rows,)
        Class indices, or :data:`NO_PREDICTION`.
    n_classes : int
        Number of classes of the dataset.

    Returns
    -------
    dict of str to float
        The keys are :data:`METRICS`, the values lie between 0 and 1; of kappa, between -1 and 1.

    Raises
    ------
    ValueError
        If the lengths differ, an index is out of range, or there are no rows.

    Notes
    -----
    Macro averages run over the classes present in ``true``. Balanced accuracy is the mean recall of
    those classes, so it equals ``recall_macro``; both are given because both names are in use.
    These are scikit-learn's figures with ``labels`` set to the classes present and
    ``zero_division=0``.

    Cohen's kappa is ``(p - e) / (1 - e)`` with the accuracy p and what would be expected of
    answers given at random with the same frequencies, e; rows without an answer agree with no
    class. Where all rows are of one class and got that answer, it is ``0 / 0``, taken as 0.

    References
    ----------
    Cohen, A coefficient of agreement for nominal scales, Educational and Psychological Measurement
    20, 1960.
    """
    true, predicted = _check_labels(true, predicted, n_classes)
    precision, recall, f1, support = _score_classes(true, predicted, n_classes)
    present = support > 0
    macro_recall = float(recall[present].mean())
    return {
        "accuracy": float((true == predicted).mean()),
        "balanced_accuracy": macro_recall,
        "precision_macro": float(precision[present].mean()),
        "recall_macro": macro_recall,
        "f1_macro": float(f1[present].mean()),
        "f1_weighted": float(np.average(f1, weights=support)),
        "kappa": _compute_kappa(true, predicted, n_classes),
    }


def compute_classification_report(
    true: ArrayLike, predicted: ArrayLike, classes: Sequence[str]
) -> dict[str, Any]:
    """Compute precision, recall, F1 and support of every class, and their averages.

    Parameters
    ----------
    true, predicted : array-like of int, shape (n_rows,)
        As for :func:`compute_scores`.
    classes : sequence of str
        Class names; the position is the class index.

    Returns
    -------
    dict
        ``{class: {"precision", "recall", "f1", "support"}, …, "accuracy": float, "macro avg":
        {…}, "weighted avg": {…}}``. A class without true rows has support 0 and recall 0, and
        takes no part in the averages.

    Raises
    ------
    MienError
        If a class has one of :data:`RESERVED_NAMES` as its name, or two have the same.
    ValueError
        As for :func:`compute_scores`.
    """
    _check_names(classes)
    true, predicted = _check_labels(true, predicted, len(classes))
    precision, recall, f1, support = _score_classes(true, predicted, len(classes))
    columns = np.stack([precision, recall, f1])
    report: dict[str, Any] = {
        name: _name_scores(columns[:, i], support[i]) for i, name in enumerate(classes)
    }
    report["accuracy"] = float((true == predicted).mean())
    report["macro avg"] = _name_scores(columns[:, support > 0].mean(axis=1), support.sum())
    weighted = np.average(columns, axis=1, weights=support)
    report["weighted avg"] = _name_scores(weighted, support.sum())
    return report


def summarise_folds(scores: Sequence[Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Compute the mean and the spread of each score over folds.

    Parameters
    ----------
    scores : sequence of mapping of str to float
        One mapping a fold, all with the same keys.

    Returns
    -------
    dict of str to dict
        ``{metric: {"mean": …, "std": …}}``.

    Raises
    ------
    ValueError
        If there are no folds.

    Notes
    -----
    The spread is the sample standard deviation (``ddof=1``), and 0 for a single fold. Every fold
    weighs the same, whatever its number of rows. The standard deviation describes the folds; it is
    no confidence interval, because the folds share training rows.
    """
    if not scores:
        raise ValueError("expected the scores of at least one fold, got none")
    summary = {}
    for metric in scores[0]:
        values = np.array([fold[metric] for fold in scores], dtype=np.float64)
        spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
        summary[metric] = {"mean": float(values.mean()), "std": spread}
    return summary


def _score_classes(
    true: np.ndarray, predicted: np.ndarray, n_classes: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Precision, recall, F1 and support, each of shape (n_classes,)."""
    support = np.bincount(true, minlength=n_classes)
    chosen = np.bincount(predicted[predicted != NO_PREDICTION], minlength=n_classes)
    right = np.bincount(true[true == predicted], minlength=n_classes).astype(np.float64)
    return (
        _divide(right, chosen),
        _divide(right, support),
        _divide(2 * right, chosen + support),
        support,
    )


def _compute_kappa(true: np.ndarray, predicted: np.ndarray, n_classes: int) -> float:
    answers = predicted[predicted != NO_PREDICTION]
    support, chosen = (np.bincount(own, minlength=n_classes) / len(true) for own in (true, answers))
    expected = float(support @ chosen)
    if expected == 1:
        return 0.0
    return (float((true == predicted).mean()) - expected) / (1 - expected)


def _divide(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Divide, with ``x / 0`` as 0."""
    below = np.broadcast_to(below, above.shape)
    return np.divide(above, below, out=np.zeros(above.shape), where=below != 0)


def _name_scores(values: np.ndarray, support: int) -> dict[str, float | int]:
    precision, recall, f1 = (float(value) for value in values)
    return {"precision": precision, "recall": recall, "f1": f1, "support": int(support)}


def _check_labels(
    true: ArrayLike, predicted: ArrayLike, n_classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return both as int64 arrays of one length, all indices in range."""
    true, predicted = np.asarray(true), np.asarray(predicted)
    if true.ndim != 1 or true.shape != predicted.shape or not len(true):
        raise ValueError(
            f"expected two equally long lists of class indices with at least one row, "
            f"got shapes {true.shape} and {predicted.shape}"
        )
    for name, labels, lowest in (("true", true, 0), ("predicted", predicted, NO_PREDICTION)):
        if not np.issubdtype(labels.dtype, np.integer):
            raise ValueError(f"expected whole numbers as {name} classes, got {labels.dtype}")
        if labels.min() < lowest or labels.max() >= n_classes:
            raise ValueError(
                f"expected {name} classes from {lowest} to {n_classes - 1}, "
                f"got {labels.min()} to {labels.max()}"
            )
    return true.astype(np.int64), predicted.astype(np.int64)


def _check_names(classes: Sequence[str]) -> None:
    reserved = sorted(set(classes) & set(RESERVED_NAMES))
    if reserved or len(set(classes)) < len(classes):
        raise MienError(
            f"Expected different class names, none of them one of {', '.join(RESERVED_NAMES)}; "
            f"got {', '.join(classes)}.",
            "Rename the class in the dataset.",
        )
