"""Which rows of a dataset stand together as one observation: a person's, or those of twins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mien.experiments.connected_rows import connect_rows
from mien.experiments.row_data import RowData

PERSONS = "persons"
TWINS = "groups of twins"
PICTURES = "pictures"


@dataclass(frozen=True)
class Units:
    """What is taken as independent of each other.

    Attributes
    ----------
    kind : {"persons", "groups of twins", "pictures"}
    numbers : ndarray of int, shape (rows of the store,)
        The unit of each row; -1 for rows that were not asked about.
    """

    kind: str
    numbers: np.ndarray

    @property
    def count(self) -> int:
        """How many there are."""
        return len(np.unique(self.numbers[self.numbers >= 0]))

    def describe(self, *, draws: int, level: float) -> dict[str, Any]:
        """Return the results schema's ``bootstrap`` for so many draws of these units."""
        return {"unit": self.kind, "units": self.count, "draws": draws, "level": level}


def find_units(data: RowData, rows: np.ndarray) -> Units:
    """Find the units of some rows.

    Parameters
    ----------
    data : RowData
    rows : ndarray of int
        Row numbers of the store; each counts once.

    Returns
    -------
    Units
        Persons where any is known; a row whose person is not known is then a unit of its own, with
        its exact twins. Where no person is known, groups of exact twins, most of one picture each;
        where there are no twins either, pictures.
    """
    rows = np.unique(rows)
    subjects = data.subjects[rows]
    hashes = data.store.rows["pixels_hash"].to_numpy(dtype=object)[rows]
    known = subjects != ""
    groups = connect_rows((subjects, np.where(known, "", hashes)))
    without_persons = TWINS if len(np.unique(groups)) < len(rows) else PICTURES
    kind = PERSONS if known.any() else without_persons
    numbers = np.full(len(data.subjects), -1, dtype=np.int64)
    numbers[rows] = groups
    return Units(kind, numbers)
