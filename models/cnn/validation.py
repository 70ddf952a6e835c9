"""The validation part of the training rows: stratified, and no group on both sides."""

from __future__ import annotations

import warnings

import numpy as np


def split_validation(
    y: np.ndarray, *, fraction: float, groups: np.ndarray | None = None, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Hold back a part of the training rows.

    Parameters
    ----------
    y : ndarray of int, shape (n,)
        Class codes, 0 to the number of classes - 1.
    fraction : float
        Share to hold back, between 0 and 1. Whole groups move together, so with groups it is met
        only as closely as they allow.
    groups : ndarray, shape (n,), optional
        Group of each row (the person); a group is never on both sides.
    seed : int
        Seed of the choice.

    Returns
    -------
    training, validation : ndarray of int64
        Sorted row positions. Every class is among the training rows; a class of a single row is
        in training only.

    Raises
    ------
    ValueError
        When too few rows or groups are left for one side.
    """
    if groups is None:
        validation = _hold_back_rows(y, fraction, np.random.default_rng(seed))
    else:
        validation = _hold_back_groups(y, fraction, groups, seed)
    training = np.setdiff1d(np.arange(len(y)), validation)
    return training, validation


def _hold_back_rows(y: np.ndarray, fraction: float, rng: np.random.Generator) -> np.ndarray:
    """Take the rounded share of each class, and never a whole class."""
    parts = []
    for code in np.unique(y):
        rows = rng.permutation(np.flatnonzero(y == code))
        wanted = max(1, round(fraction * len(rows)))
        parts.append(rows[: min(wanted, len(rows) - 1)])
    validation = np.sort(np.concatenate(parts)).astype(np.int64)
    if not len(validation):
        raise ValueError(
            "Expected a class with at least two pictures, one of them for validation; "
            f"got {len(y)} pictures, each of another class."
        )
    return validation


def _hold_back_groups(y: np.ndarray, fraction: float, groups: np.ndarray, seed: int) -> np.ndarray:
    """Take the fold of a grouped, stratified k-fold that comes nearest to the share."""
    from sklearn.model_selection import StratifiedGroupKFold

    n_groups = len(np.unique(groups))
    if n_groups < 2:
        raise ValueError("Expected at least two groups, one of them for validation; got one.")
    largest_class = int(np.bincount(y).max())
    n_folds = min(max(2, round(1 / fraction)), n_groups, largest_class)
    if n_folds < 2:
        raise ValueError("Expected a class with at least two pictures; got one picture a class.")
    splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():  # classes smaller than the number of folds are fine here
        warnings.simplefilter("ignore", UserWarning)
        folds = [fold for fold in splitter.split(y, y, groups) if all(map(len, fold))]
    validation = min(folds, key=lambda fold: _misfit(y, fold, fraction))[1]
    if len(np.unique(np.delete(y, validation))) < len(np.unique(y)):
        raise ValueError(
            "Expected each class in at least two groups, so that validation can have one of them; "
            f"got {n_groups} groups of which no choice leaves every class for training."
        )
    return np.asarray(validation, dtype=np.int64)


def _misfit(y: np.ndarray, fold: tuple[np.ndarray, np.ndarray], fraction: float) -> float:
    """Distance of a fold's class counts from the wanted ones; lost classes weigh most."""
    counts = np.bincount(y)
    held = np.bincount(y[fold[1]], minlength=len(counts))
    lost = int(((held == counts) & (counts > 0)).sum())
    return lost * len(y) + float(np.abs(held - fraction * counts).sum())
