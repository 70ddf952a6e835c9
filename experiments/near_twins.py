"""Pictures that are there twice in a comparison: exact copies, other light or cut, mirrored."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

from mien.experiments.folds import Folds, find_twins
from mien.experiments.row_data import RowData
from mien.files import write_json
from mien.pipeline.store import FeatureStore
from mien.pipeline.twins import TWIN_SIMILARITY, TwinPairs, find_near_twins, group_twins


def find_twin_pairs(store: FeatureStore, rows: np.ndarray) -> TwinPairs:
    """Find the pairs of a store's rows that show the same picture.

    Parameters
    ----------
    store : FeatureStore
    rows : ndarray of int64
        Row numbers; others are not looked at.

    Returns
    -------
    TwinPairs
        In row numbers of the store. Pictures of one person (of one film, where persons are not
        known) are alike by nature: they are twins only when equal.
    """
    persons, films = (store.rows[name].to_numpy(dtype=object) for name in ("subject", "sequence"))
    alike = np.where(persons != "", persons, films)
    pairs = find_near_twins(np.asarray(store.pixels[rows]), alike=alike[rows])
    return TwinPairs(rows[pairs.rows], pairs.similarity, pairs.mirrored)


def find_copies(folds: Folds, data: RowData, folder: Path) -> dict[str, np.ndarray]:
    """Return, by fold name, the test rows with an exact or near twin among the training rows.

    Parameters
    ----------
    folds : Folds
    data : RowData
    folder : Path
        Where the groups of twins are kept, so that the same comparison finds them again.
    """
    rows = np.unique(np.concatenate([np.r_[fold.train, fold.test] for fold in folds.folds]))
    groups = _group(data.store, rows, folder)
    exact = find_twins(folds, data.store.rows)
    found = {}
    for fold in folds.folds:
        known = set(groups[fold.train].tolist()) - {-1}
        near = np.isin(groups[fold.test], list(known))
        found[fold.name] = fold.test[near | np.isin(fold.test, exact[fold.name])]
    return found


def _group(store: FeatureStore, rows: np.ndarray, folder: Path) -> np.ndarray:
    """Return each row's group of twins, -1 for none; shape (rows of the store,)."""
    told = hashlib.sha256(np.ascontiguousarray(rows, dtype="<i8").tobytes())
    told.update(f"{store.manifest['dataset_hash']} {TWIN_SIMILARITY}".encode())
    file = folder / f"twins-{told.hexdigest()[:16]}.json"
    try:
        pairs = np.array(json.loads(file.read_text(encoding="utf-8")), dtype=np.int64)
    except (OSError, ValueError):
        pairs = find_twin_pairs(store, rows).rows
        write_json(file, pairs.tolist())
    pairs = pairs.reshape(-1, 2)
    nothing = np.empty(0)
    return group_twins(len(store.rows), TwinPairs(pairs, nothing, nothing))
