"""Probabilities from an SVM's scores of a fold, calibrated on some of the fold's training rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mien.errors import MienError
from mien.experiments.calibration_splits import FOLDS, split_inside
from mien.experiments.folds import Fold
from mien.experiments.row_data import RowData
from mien.models.calibrated import fit_logits

DECIMALS = 5
"""Of the probabilities in the results."""


def choose_inner_fold(data: RowData, fold: Fold, *, seed: int) -> Fold:
    """Choose the training rows that are held out to calibrate on.

    Parameters
    ----------
    data : RowData
    fold : Fold
        Its training rows are used, and no others.
    seed : int

    Returns
    -------
    Fold
        The first of the parts that export calibrates on
        (:func:`mien.experiments.calibration_splits.split_for_calibration`) that has every class.

    Raises
    ------
    MienError
        If a class has too few rows, or too few persons.
    """
    classes = set(data.codes[fold.train].tolist())
    for inner in split_inside(data, fold, seed=seed, k=FOLDS):
        if set(data.codes[inner.test].tolist()) == classes:
            return inner
    raise MienError(
        f"No third of the training rows of {fold.name} that keeps persons together has every class."
    )


def calibrate_outputs(
    data: RowData, inner: Fold, scores: np.ndarray, outputs: Sequence[np.ndarray]
) -> list[np.ndarray]:
    """Turn an SVM's scores into probabilities.

    Parameters
    ----------
    data : RowData
    inner : Fold
        From :func:`choose_inner_fold`.
    scores : ndarray of float32, shape (len(inner.test), n_classes)
        Of the SVM that was fitted on ``inner.train``; NaN in rows without features.
    outputs : sequence of ndarray of float32, shape (n, n_classes)
        Scores to turn, of the SVM that was fitted on all training rows.

    Returns
    -------
    list of ndarray of float64, shape (n, n_classes)
        NaN in rows without scores; 0 for a class that the training rows lack.

    Raises
    ------
    MienError
        If the held-out rows that have features lack a class.
    """
    codes, readable = data.codes[inner.test], np.isfinite(scores).all(axis=1)
    classes = np.unique(np.r_[data.codes[inner.train], codes])
    if not np.array_equal(np.unique(codes[readable]), classes):
        raise MienError(f"The held-out rows of {inner.name} that have features lack a class.")
    columns = classes[1:] if len(classes) == 2 else classes
    logits = fit_logits(scores[readable][:, columns], codes[readable])
    found = []
    for own in outputs:
        told = np.isfinite(own).all(axis=1)
        probabilities = np.full(own.shape, np.nan)
        probabilities[told] = 0.0
        probabilities[np.ix_(told, classes)] = logits.predict_proba(own[told][:, columns])
        found.append(probabilities)
    return found


def fill_probabilities(data: RowData, fold: Fold, probabilities: np.ndarray) -> list[list[float]]:
    """Return the results schema's ``probabilities`` of a fold.

    Parameters
    ----------
    data : RowData
    fold : Fold
    probabilities : ndarray of float, shape (len(fold.test), n_classes)
        NaN in rows about which the model says nothing: they get the shares of the classes among
        the fold's training rows.
    """
    counts = np.bincount(data.codes[fold.train], minlength=len(data.classes))
    filled = probabilities.astype(np.float64)
    filled[~np.isfinite(filled).all(axis=1)] = counts / counts.sum()
    told: list[list[float]] = np.round(filled, DECIMALS).tolist()
    return told
