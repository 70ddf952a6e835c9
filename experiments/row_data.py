"""What models read of a store: classes, features, pixels, persons, and which rows are usable."""

from __future__ import annotations

import numpy as np

from mien.experiments.connected_rows import connect_rows
from mien.pipeline.reasons import Reason
from mien.pipeline.row_filter import RowFilter
from mien.pipeline.store import FeatureStore


class RowData:
    """What models read of a store: class indices, features, pixels, persons.

    Parameters
    ----------
    store : FeatureStore
    row_filter : RowFilter, optional
        Which of the store's rows may be used; all by default.

    Raises
    ------
    MienError
        If the filter was made of another dataset.
    """

    def __init__(self, store: FeatureStore, row_filter: RowFilter | None = None) -> None:
        self.store = store
        self.row_filter = row_filter
        self.classes = store.classes
        position = {name: i for i, name in enumerate(self.classes)}
        self.codes = store.rows["label"].map(position).fillna(-1).to_numpy(dtype=np.int64)
        reason = store.rows["reason"].to_numpy(dtype=object)
        self.has_picture = np.isin(reason, ["", str(Reason.NO_FACE)])
        self.usable = self.has_picture & (self.codes >= 0)
        if row_filter is not None:
            pictures = store.rows["picture"].tolist()
            self.usable &= row_filter.match(pictures)
            row_filter.check_hashes(pictures, store.rows["pixels_hash"].tolist())
        self.subjects = store.rows["subject"].to_numpy(dtype=object)

    def groups(self, indices: np.ndarray) -> np.ndarray:
        """Return a number of each row, the same for rows that belong together; int, shape (k,).

        Rows of one person are one group, and so are exact twins, with all that they connect.
        """
        hashes = self.store.rows["pixels_hash"].to_numpy(dtype=object)
        return connect_rows((self.subjects[indices], hashes[indices]))

    def persons(self, indices: np.ndarray) -> np.ndarray | None:
        """Return the person of each row, or None where one is not known; shape (k,)."""
        found = self.subjects[indices]
        return found.astype(str) if (found != "").all() else None
