"""Which rows are held out together when a model's outputs are calibrated or combined."""

from __future__ import annotations

from collections import Counter

import numpy as np
from sklearn.model_selection import StratifiedKFold

from mien.errors import MienError
from mien.experiments.folds import Fold
from mien.experiments.grouped_folds import GroupedFolds
from mien.experiments.row_data import RowData

FOLDS = 3
Split = tuple[np.ndarray, np.ndarray]


def split_for_calibration(
    data: RowData, rows: np.ndarray, *, seed: int, k: int = FOLDS
) -> list[Split]:
    """Split rows k times into those to fit on and those whose scores calibrate.

    A model is too sure of a picture that it was fitted on: pictures of one person, frames of one
    sequence, and twins are held out together; only sequences and twins where persons are too few
    for every class to be on both sides; then only twins; single pictures where even that fails.

    Parameters
    ----------
    data : RowData
    rows : ndarray of int
        Row numbers.
    seed : int
    k : int
        At least 2.

    Returns
    -------
    list of (ndarray, ndarray)
        Positions in ``rows``.

    Raises
    ------
    MienError
        If a class has fewer than k rows.
    """
    codes = data.codes[rows]
    _require_rows(data, codes, k)
    for groups in (
        data.groups(rows),
        data.groups(rows, persons=False),
        data.groups(rows, persons=False, sequences=False),
    ):
        if len(set(groups.tolist())) < k:
            continue
        splitter = GroupedFolds(k, shuffle=True, random_state=seed)
        parts = list(splitter.split(codes, codes, groups))
        if all(len(set(codes[train].tolist())) == len(set(codes.tolist())) for train, _ in parts):
            return parts
    plain = StratifiedKFold(k, shuffle=True, random_state=seed)
    return list(plain.split(codes, codes))


def split_inside(data: RowData, fold: Fold, *, seed: int, k: int = FOLDS) -> list[Fold]:
    """Split a fold's training rows as :func:`split_for_calibration` does, into inner folds.

    Parameters
    ----------
    data : RowData
    fold : Fold
        Its training rows are used, and no others.
    seed, k : int

    Returns
    -------
    list of Fold
        At most k: those with rows to predict.

    Raises
    ------
    MienError
        If a class has fewer than k rows.
    """
    parts = split_for_calibration(data, fold.train, seed=seed, k=k)
    return [
        Fold(
            name=f"{fold.name}, inner fold {number} of {k}",
            repeat=fold.repeat,
            split=None,
            train=fold.train[np.sort(train)],
            test=fold.train[np.sort(test)],
        )
        for number, (train, test) in enumerate(parts, start=1)
        if len(test)
    ]


def _require_rows(data: RowData, codes: np.ndarray, k: int) -> None:
    counts = Counter(codes.tolist())
    scarce, smallest = min(counts.items(), key=lambda item: item[1])
    if smallest < k:
        raise MienError(
            f"Holding out {k} parts needs at least {k} rows of every class; "
            f"{data.classes[scarce]!r} has fewer.",
            "Leave the class out with mien extract --classes.",
        )
