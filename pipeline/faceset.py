"""A dataset before detection: one row a picture, pixels read lazily."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pandas as pd

from mien.pipeline.labels import order_classes

ROW_COLUMNS = ("picture", "label", "subject", "sequence", "split", "reason")


class PictureSource(Protocol):
    """Where pixels come from. Small and picklable after :meth:`subset`, so workers can have it."""

    def read(self, index: int) -> np.ndarray:
        """Read one picture.

        Parameters
        ----------
        index : int
            Position in this source, from 0.

        Returns
        -------
        ndarray of uint8, shape (height, width) or (height, width, 3)
            Grey or RGB pixels, row 0 at the top, contiguous.

        Raises
        ------
        PictureError
            With the reason code for the row.
        """
        ...

    def subset(self, indices: Sequence[int]) -> PictureSource:
        """Return a source of only these pictures, in this order, cheap to pickle."""
        ...

    def fingerprint(self) -> str:
        """Hash what identifies the pictures (content for arrays; path, size and time for files)."""
        ...


@dataclass(frozen=True)
class FaceSet:
    """A dataset as read: a row for every picture of the source, usable or not.

    Attributes
    ----------
    name : str
        Short name for reports, ``"FER2013"``.
    layout : str
        The layout's name as ``--layout`` takes it, ``"fer2013-csv"``.
    source : str
        The path or specification that was given.
    rows : DataFrame
        Index 0 … n-1, in the source's order; string columns ``picture`` (unique within the
        dataset), ``label``, ``subject``, ``sequence``, ``split``, ``reason``. An empty string means
        "none". ``reason`` is set where the row is already known to be unusable.
    pictures : PictureSource
        Pixels; position ``i`` belongs to row ``i``.
    notes : tuple of str
        What a reader of the report must know of this dataset.
    extra : tuple of str
        Names of further columns of ``rows`` (``age``, ``sex`` …), all strings.
    """

    name: str
    layout: str
    source: str
    rows: pd.DataFrame
    pictures: PictureSource
    notes: tuple[str, ...] = ()
    extra: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names present, expressions first in canonical order."""
        return order_classes(set(self.rows["label"]) - {""})

    def take(self, indices: Sequence[int]) -> FaceSet:
        """Return the dataset with only these rows, in this order."""
        kept = np.asarray(indices, dtype=np.int64)
        return FaceSet(
            name=self.name,
            layout=self.layout,
            source=self.source,
            rows=self.rows.iloc[kept].reset_index(drop=True),
            pictures=self.pictures.subset([int(i) for i in kept]),
            notes=self.notes,
            extra=self.extra,
        )
