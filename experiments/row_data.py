"""What models read of a store: classes, features, pixels, persons, and which rows are usable."""

from __future__ import annotations

import copy
import hashlib

import numpy as np

from mien.experiments.connected_rows import connect_rows
from mien.pipeline.reasons import Reason
from mien.pipeline.row_filter import RowFilter
from mien.pipeline.store import FeatureStore
from mien.pipeline.twins import TwinPairs, group_twins


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
        self._near_twins: np.ndarray | None = None
        self.near_twins_digest = ""

    def with_near_twins(self, pairs: TwinPairs) -> RowData:
        """Return the same data, whose near twins are known and stay together.

        Parameters
        ----------
        pairs : TwinPairs
            In row numbers of the store.
        """
        known = copy.copy(self)
        if len(pairs):
            groups = group_twins(len(self.store.rows), pairs)
            known._near_twins = np.where(groups < 0, "", groups.astype(str)).astype(object)
            pairs_bytes = np.ascontiguousarray(pairs.rows, dtype="<i8").tobytes()
            known.near_twins_digest = hashlib.sha256(pairs_bytes).hexdigest()
        return known

    def groups(
        self, indices: np.ndarray, *, persons: bool = True, sequences: bool = True
    ) -> np.ndarray:
        """Return a number of each row, the same for rows that belong together.

        Frames of one sequence are one group, and so are exact twins, near twins where they are
        known, and the rows of one person, with all that they connect among these rows.

        Parameters
        ----------
        indices : ndarray of int, shape (k,)
            Row numbers.
        persons, sequences : bool
            Whether a person's rows, and a sequence's, belong together.

        Returns
        -------
        ndarray of int, shape (k,)
        """
        rows = self.store.rows
        names = [rows["pixels_hash"].to_numpy(dtype=object)]
        if sequences:
            names.append(rows["sequence"].to_numpy(dtype=object))
        if persons:
            names.append(self.subjects)
        if self._near_twins is not None:
            names.append(self._near_twins)
        return connect_rows([own[indices] for own in names])

    def keep_together(self, usable: np.ndarray) -> np.ndarray:
        """Return which rows shall never be on both sides of a fold, whoever they show.

        Parameters
        ----------
        usable : ndarray of bool, shape (n,)
            Rows that take part; others connect nothing.

        Returns
        -------
        ndarray of int, shape (n,)
            What :func:`mien.experiments.folds.make_folds` takes as ``groups``; -1 for other rows.
        """
        together = np.full(len(usable), -1)
        together[usable] = self.groups(np.flatnonzero(usable), persons=False)
        return together

    def persons(self, indices: np.ndarray) -> np.ndarray | None:
        """Return the person of each row, or None where one is not known; shape (k,)."""
        found = self.subjects[indices]
        return found.astype(str) if (found != "").all() else None
