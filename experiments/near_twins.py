"""Pictures that are there twice in a comparison: exact copies, other light or cut, mirrored."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

from mien.experiments.folds import Folds, find_twins
from mien.files import write_json, writing
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


def keep_twin_pairs(store: FeatureStore, rows: np.ndarray, folder: Path) -> TwinPairs:
    """Return what :func:`find_twin_pairs` finds, from a file of an earlier call if there is one.

    Parameters
    ----------
    store : FeatureStore
    rows : ndarray of int64
        Row numbers.
    folder : Path
        Where the pairs are kept: looking for them takes a minute on tens of thousands of pictures.

    Raises
    ------
    MienError
        If the folder cannot be written to.
    """
    told = hashlib.sha256(np.ascontiguousarray(rows, dtype="<i8").tobytes())
    told.update(f"{store.manifest['dataset_hash']} {TWIN_SIMILARITY}".encode())
    file = folder / f"twins-{told.hexdigest()[:16]}.json"
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        return TwinPairs(
            rows=np.array(kept["rows"], dtype=np.int64).reshape(-1, 2),
            similarity=np.array(kept["similarity"], dtype=np.float32),
            mirrored=np.array(kept["mirrored"], dtype=bool),
        )
    except (OSError, ValueError, KeyError, TypeError):
        pairs = find_twin_pairs(store, rows)
    content = {
        "rows": pairs.rows.tolist(),
        "similarity": pairs.similarity.round(4).tolist(),
        "mirrored": pairs.mirrored.tolist(),
    }
    with writing(folder, "Choose another folder with --out."):
        write_json(file, content)
    return pairs


def find_copies(folds: Folds, store: FeatureStore, pairs: TwinPairs) -> dict[str, np.ndarray]:
    """Return, by fold name, the test rows with an exact or near twin among the training rows.

    Parameters
    ----------
    folds : Folds
    store : FeatureStore
    pairs : TwinPairs
        Of the folds' rows.
    """
    groups = group_twins(len(store.rows), pairs)
    exact = find_twins(folds, store.rows)
    found = {}
    for fold in folds.folds:
        known = set(groups[fold.train].tolist()) - {-1}
        near = np.isin(groups[fold.test], list(known))
        found[fold.name] = fold.test[near | np.isin(fold.test, exact[fold.name])]
    return found
