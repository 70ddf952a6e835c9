"""The filter file: which pictures of a dataset to keep, as a CSV that opens in any program."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from mien.errors import MienError
from mien.files import atomic_path, writing
from mien.pipeline.faceset import FaceSet
from mien.pipeline.parts import hash_pixels
from mien.pipeline.reasons import PictureError

FILTER_COLUMNS = ("picture", "keep", "reasons", "pixels_hash")
"""The first two must be there; ``reasons`` and ``pixels_hash`` may be left out by hand."""

_YES = frozenset(("true", "1", "yes"))
_NO = frozenset(("false", "0", "no"))
_HINT = "Make it with: mien audit STORE --out DIR --write-filter keep.csv"
_PICTURES_CHECKED = 20


@dataclass(frozen=True)
class RowFilter:
    """Which pictures to keep, and why the others not.

    Attributes
    ----------
    source : str
        The file, for messages and notes.
    rows : DataFrame
        Indexed by ``picture``; bool column ``keep``, string columns ``reasons`` (codes joined by
        ";") and ``pixels_hash`` ("" where not known).
    """

    source: str
    rows: pd.DataFrame

    def match(self, pictures: Sequence[str]) -> np.ndarray:
        """Return which of a dataset's pictures to keep; bool, shape (n,).

        Raises
        ------
        MienError
            If a picture is not in the filter, or none would be left.
        """
        missing = pd.Index(pictures).difference(self.rows.index)
        if len(missing):
            raise MienError(
                f"{self.source} does not know {len(missing):,} of {len(pictures):,} pictures, for "
                f"example {missing[0]!r}: it was made of another dataset.",
                _HINT,
            )
        kept = self.rows["keep"].loc[list(pictures)].to_numpy(dtype=bool)
        if not kept.any():
            raise MienError(
                f"{self.source} keeps none of the {len(pictures):,} pictures.",
                "Remove fewer reasons with mien audit --exclude.",
            )
        return kept

    def check_hashes(self, pictures: Sequence[str], hashes: Sequence[str]) -> None:
        """Refuse a dataset whose pictures have the filter's names, but other pixels.

        Raises
        ------
        MienError
            If a picture's hash differs; an empty one is not compared.
        """
        own = self.rows["pixels_hash"].loc[list(pictures)].to_numpy(dtype=object)
        other = np.asarray(hashes, dtype=object)
        wrong = np.flatnonzero((own != other) & (own != "") & (other != ""))
        if len(wrong):
            raise MienError(
                f"{self.source} was made of other pictures: {pictures[wrong[0]]!r} has other "
                "pixels here.",
                _HINT,
            )

    def describe(self, pictures: Sequence[str]) -> str:
        """Say in one sentence how many of a dataset's pictures are left out, and why."""
        rows = self.rows.loc[list(pictures)]
        left_out = rows.loc[~rows["keep"], "reasons"]
        counts = Counter(code for text in left_out for code in text.split(";") if code)
        told = ", ".join(f"{code} {number:,}" for code, number in counts.most_common())
        many = "; one can have several reasons" if sum(counts.values()) > len(left_out) else ""
        return (
            f"Left out by the filter {Path(self.source).name}: "
            f"{len(left_out):,} of {len(rows):,} pictures" + (f" ({told}{many})." if told else ".")
        )


def write_filter(
    target: Path,
    pictures: Sequence[str],
    keep: np.ndarray,
    reasons: Sequence[str],
    hashes: Sequence[str],
) -> None:
    """Write a filter file.

    Parameters
    ----------
    target : Path
    pictures : sequence of str
        All of the dataset, kept or not.
    keep : ndarray of bool, shape (n,)
    reasons : sequence of str
        Codes joined by ";", of kept pictures, too.
    hashes : sequence of str
        ``pixels_hash`` of each picture, or "".

    Raises
    ------
    MienError
        If the file cannot be written.
    """
    with (
        writing(target, "Choose another file with --write-filter."),
        atomic_path(target) as path,
        path.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(FILTER_COLUMNS)
        writer.writerows(zip(pictures, keep.tolist(), reasons, hashes, strict=True))


def read_filter(source: Path) -> RowFilter:
    """Read a filter file.

    Raises
    ------
    MienError
        If the file cannot be read, lacks a column, names a picture twice, or says something else
        than true or false.
    """
    try:
        table = pd.read_csv(source, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise MienError(f"The filter {source} cannot be read ({error}).", _HINT) from error
    missing = [name for name in FILTER_COLUMNS[:2] if name not in table]
    if missing:
        raise MienError(
            f"The filter {source} has no column {' and no column '.join(missing)}; it has: "
            f"{', '.join(map(str, table.columns))}.",
            _HINT,
        )
    twice = table.loc[table["picture"].duplicated(), "picture"]
    if len(twice):
        raise MienError(f"The filter {source} names the picture {twice.iloc[0]!r} twice.", _HINT)
    said = table["keep"].str.strip().str.lower()
    unclear = table.loc[~said.isin(_YES | _NO), "keep"]
    if len(unclear):
        raise MienError(
            f"The filter {source} says {unclear.iloc[0]!r} in the column keep; expected true or "
            "false."
        )
    rows = pd.DataFrame(
        {
            "keep": said.isin(_YES).to_numpy(),
            **{n: table[n].to_numpy() if n in table else "" for n in FILTER_COLUMNS[2:]},
        },
        index=pd.Index(table["picture"], name="picture"),
    )
    return RowFilter(str(source), rows)


def filter_faceset(faceset: FaceSet, row_filter: RowFilter) -> FaceSet:
    """Keep a dataset's pictures that a filter keeps, with a note on the others.

    Raises
    ------
    MienError
        If the filter does not know a picture or keeps none, or was made of other pictures: about
        20 are read and compared.
    """
    pictures = faceset.rows["picture"].tolist()
    kept = row_filter.match(pictures)
    some = range(0, len(faceset), max(1, len(faceset) // _PICTURES_CHECKED))
    row_filter.check_hashes([pictures[i] for i in some], [_hash(faceset, i) for i in some])
    note = row_filter.describe(pictures)
    taken = faceset.take(np.flatnonzero(kept).tolist())
    return replace(taken, notes=(*taken.notes, note))


def _hash(faceset: FaceSet, index: int) -> str:
    try:
        return hash_pixels(faceset.pictures.read(index))
    except PictureError:
        return ""
