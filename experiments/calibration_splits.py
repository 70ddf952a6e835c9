"""Which rows are held out together when a model's probabilities are calibrated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from mien.errors import MienError
from mien.experiments.row_data import RowData

FOLDS = 3
Split = tuple[np.ndarray, np.ndarray]


def split_for_calibration(data: RowData, rows: np.ndarray, *, seed: int) -> list[Split]:
    """Split rows three times into those to fit on and those whose scores calibrate.

    A model is too sure of a picture that it was fitted on: pictures of one person, and exact
    twins, are held out together; only twins where persons are too few for every class to be on
    both sides; single pictures where even that fails.

    Parameters
    ----------
    data : RowData
    rows : ndarray of int
        Row numbers.
    seed : int

    Returns
    -------
    list of (ndarray, ndarray)
        Positions in ``rows``.

    Raises
    ------
    MienError
        If a class has fewer than three rows.
    """
    codes = data.codes[rows]
    _require_rows(data, codes)
    subjects = data.subjects[rows]
    hashes = data.store.rows["pixels_hash"].to_numpy(dtype=object)[rows]
    for names in ((subjects, hashes), (hashes,)):
        groups = connect_rows(names)
        if len(set(groups.tolist())) < FOLDS:
            continue
        splitter = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
        parts = list(splitter.split(codes, codes, groups))
        if all(len(set(codes[train].tolist())) == len(set(codes.tolist())) for train, _ in parts):
            return parts
    plain = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    return list(plain.split(codes, codes))


def connect_rows(names: Sequence[np.ndarray]) -> np.ndarray:
    """Return the group of each row: rows share a name, directly or through other rows.

    Parameters
    ----------
    names : sequence of ndarray of str, each of shape (n,)
        Persons, or hashes of pixels; an empty name is shared with nobody.

    Returns
    -------
    ndarray of int, shape (n,)
        Groups are numbered from 0.
    """
    n = len(names[0])
    links = []
    for own in names:
        _, first, number = np.unique(own.astype(str), return_index=True, return_inverse=True)
        links.append(np.where(own == "", np.arange(n), first[number]))
    ends = np.concatenate(links)
    starts = np.tile(np.arange(n), len(names))
    graph = coo_array((np.ones(len(ends), dtype=np.int8), (starts, ends)), shape=(n, n))
    return connected_components(graph, directed=False)[1]


def _require_rows(data: RowData, codes: np.ndarray) -> None:
    counts = Counter(codes.tolist())
    scarce, smallest = min(counts.items(), key=lambda item: item[1])
    if smallest < FOLDS:
        raise MienError(
            f"Calibration needs at least {FOLDS} rows of every class; {data.classes[scarce]!r} has "
            "fewer.",
            "Leave the class out with mien extract --classes.",
        )
