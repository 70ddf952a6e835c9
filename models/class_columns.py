"""Outputs of a model that was fitted on some of the classes, with a column for each class."""

from __future__ import annotations

import numpy as np


def spread_scores(scores: np.ndarray, classes: np.ndarray, n_classes: int) -> np.ndarray:
    """Give an SVM's scores a column for each class.

    Parameters
    ----------
    scores : ndarray, shape (n, len(classes)), for two classes (n,)
        What ``decision_function`` returns.
    classes : ndarray of int
        Class indices that the SVM was fitted on.
    n_classes : int
        All that there are.

    Returns
    -------
    ndarray of float32, shape (n, n_classes)
        A class that the SVM does not know has the row's lowest score.
    """
    if scores.ndim == 1:
        scores = np.stack([-scores, scores], axis=1)
    spread = np.repeat(scores.min(axis=1, keepdims=True), n_classes, axis=1)
    spread[:, classes] = scores
    return spread.astype(np.float32)


def spread_probabilities(
    probabilities: np.ndarray, classes: np.ndarray, n_classes: int
) -> np.ndarray:
    """Give probabilities a column for each class, 0 for one that the model does not know.

    Parameters
    ----------
    probabilities : ndarray, shape (n, len(classes))
    classes : ndarray of int
        Class indices of the columns.
    n_classes : int

    Returns
    -------
    ndarray, shape (n, n_classes)
    """
    spread = np.zeros((len(probabilities), n_classes), dtype=probabilities.dtype)
    spread[:, classes] = probabilities
    return spread
