"""The validation part of the training rows: stratified, and no group on both sides."""

from __future__ import annotations

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
        Share of each class to hold back, between 0 and 1. Whole groups move together, so with
        groups it is met only as closely as they allow.
    groups : ndarray, shape (n,), optional
        Group of each row (the person, the picture's exact twins); a group is never on both sides.
        Every row is its own by default.
    seed : int
        Seed of the choice.

    Returns
    -------
    training, validation : ndarray of int64
        Sorted row positions. Every class is among the training rows; a class of a single row or
        group is in training only.

    Raises
    ------
    ValueError
        When too few rows or groups are left for one side.

    Notes
    -----
    Groups are drawn in a random order until a class has its rounded share (at least one row).
    While a group more brings the classes' counts nearer to their shares, the best one is added.
    """
    members = np.arange(len(y)) if groups is None else np.unique(groups, return_inverse=True)[1]
    n_classes = int(y.max()) + 1
    cells = np.bincount(members * n_classes + y, minlength=(members.max() + 1) * n_classes)
    counts = cells.reshape(-1, n_classes)
    _require_groups(counts)
    taken = _draw_groups(counts, fraction, np.random.default_rng(seed))
    held_back = taken[members]
    return np.flatnonzero(~held_back), np.flatnonzero(held_back)


def _require_groups(counts: np.ndarray) -> None:
    n_rows, largest_class = int(counts.sum()), int(counts.sum(axis=0).max())
    if largest_class < 2:
        raise ValueError(
            "Expected a class with at least two pictures, one of them for validation; "
            f"got {n_rows} pictures, each of another class."
        )
    if len(counts) < 2:
        raise ValueError("Expected at least two groups, one of them for validation; got one.")


def _draw_groups(counts: np.ndarray, fraction: float, rng: np.random.Generator) -> np.ndarray:
    """Choose groups by their class counts, shape (n_groups, n_classes); bool, shape (n_groups,)."""
    totals = counts.sum(axis=0)
    wanted = np.clip(np.rint(fraction * totals), 1, np.maximum(totals - 1, 0))
    order = rng.permutation(len(counts))
    counts = counts[order]
    fits = (np.cumsum(counts, axis=0) <= wanted) | (counts == 0)
    taken = fits.all(axis=1)
    while (best := _find_best(counts, taken, totals, wanted)) is not None:
        taken[best] = True
    if not taken.any():
        raise ValueError(
            "Expected each class in at least two groups, so that validation can have one of them; "
            f"got {len(counts)} groups of which no choice leaves every class for training."
        )
    chosen = np.zeros(len(counts), dtype=bool)
    chosen[order[taken]] = True
    return chosen


def _find_best(
    counts: np.ndarray, taken: np.ndarray, totals: np.ndarray, wanted: np.ndarray
) -> int | None:
    """Return the group that brings the counts nearest to the wanted ones; None if none helps.

    A group that leaves no row of one of its classes for training is never returned. The first
    group is returned even where every one is too large.
    """
    held = counts[taken].sum(axis=0)
    possible = ~taken & ((counts == 0) | (held + counts < totals)).all(axis=1)
    if not possible.any():
        return None
    misfits = np.abs(held + counts - wanted).sum(axis=1)
    best = int(np.argmin(np.where(possible, misfits, np.inf)))
    nearer = misfits[best] < np.abs(held - wanted).sum()
    return best if nearer or not taken.any() else None
