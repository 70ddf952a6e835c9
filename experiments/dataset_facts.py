"""What a report says of the dataset: counts, classes, persons, sample faces."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from mien.experiments.folds import Folds
from mien.experiments.row_data import RowData
from mien.pipeline.reasons import Reason


def describe_dataset(data: RowData, folds: Folds) -> dict[str, Any]:
    """Return the results schema's ``dataset``."""
    manifest, rows = data.store.manifest, data.store.rows
    used = np.unique(np.concatenate([np.r_[fold.train, fold.test] for fold in folds.folds]))
    notes = list(manifest["notes"])
    if data.row_filter is not None:
        notes.append(data.row_filter.describe(rows["picture"].tolist()))
    if len(used) < int(data.usable.sum()):
        notes.append(
            f"Compared on a stratified sample of {len(used):,} of {int(data.usable.sum()):,} "
            "usable rows."
        )
    labels = Counter(rows["label"])
    splits = Counter(split for split in rows["split"] if split)
    return {
        "name": manifest["name"],
        "source": manifest["source"],
        "layout": manifest["layout"],
        "hash": manifest["dataset_hash"],
        "store": str(data.store.path),
        "rows": manifest["rows"],
        "faces_found": manifest["faces_found"],
        "no_face": int(manifest["reasons"].get(Reason.NO_FACE, 0)),
        "reasons": manifest["reasons"],
        "classes": list(data.classes),
        "class_counts": {name: int(labels[name]) for name in data.classes},
        "splits": {name: int(count) for name, count in splits.items()},
        "subjects": _count_names(rows["subject"]),
        "sequences": _count_names(rows["sequence"]),
        "notes": notes,
        "samples": data.store.samples,
    }


def _count_names(column: Any) -> int | None:
    names = set(column) - {""}
    return len(names) if names else None
