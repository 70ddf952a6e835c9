"""What every dataset layout has in common: its description, its input, its table of rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from mien.errors import MienError
from mien.pipeline.datasets.pixel_csv import PixelTable, find_csv, parse_pixel_csv, read_csv_head
from mien.pipeline.datasets.tree import FileTree, list_folder, list_zip
from mien.pipeline.faceset import ROW_COLUMNS, FaceSet
from mien.pipeline.reasons import Reason

_ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")


class Source:
    """A path that a dataset may be read from, looked at once for all layouts.

    Parameters
    ----------
    given : str
        The path as the user wrote it.

    Attributes
    ----------
    given : str
        The same as text, see :func:`to_text`.
    path : Path
        The same with ``~`` replaced.
    """

    def __init__(self, given: str) -> None:
        self.given = to_text(given)
        self.path = Path(given).expanduser()

    @cached_property
    def tree(self) -> FileTree | None:
        """The files of a folder or zip archive; None for any other file."""
        if self.path.is_dir():
            return list_folder(self.path)
        if self.path.is_file() and _read_start(self.path) in _ZIP_STARTS:
            return list_zip(self.path)
        return None

    @cached_property
    def csv_columns(self) -> tuple[str, ...]:
        """Column names, blanks removed, of the one CSV file that the source is or holds."""
        found = find_csv(self.path, self.tree)
        return read_csv_head(found) if found else ()

    @cached_property
    def csv_name(self) -> str:
        """File name of that CSV, ``""`` without one."""
        found = find_csv(self.path, self.tree)
        return found.name if found else ""

    @cached_property
    def pixel_table(self) -> PixelTable:
        """The parsed CSV of pixels.

        Raises
        ------
        MienError
            If there is no such file in the source.
        """
        found = find_csv(self.path, self.tree)
        if found is None:
            raise MienError(
                f"Expected one CSV file of pixels in {self.given!r}, but there is none.",
                "Give the path of the .csv, .csv.gz or .zip file.",
            )
        return parse_pixel_csv(found)


@dataclass(frozen=True)
class ReadOptions:
    """Choices that only some layouts take.

    Attributes
    ----------
    peak_frames : int
        How many frames at the end of a sequence carry its label (``ck-original``).
    neutral_first : bool
        Whether a sequence's first frame is added as neutral (``ck-original``).
    """

    peak_frames: int = 3
    neutral_first: bool = False


@dataclass(frozen=True)
class Layout:
    """One way in which datasets are laid out on disk.

    Attributes
    ----------
    name : str
        As ``--layout`` takes it.
    looks_for : str
        What a source of this layout looks like, in a few words.
    recognises : callable
        Tells whether a source is of this layout.
    read : callable
        Reads it.
    """

    name: str
    looks_for: str
    recognises: Callable[[Source], bool]
    read: Callable[[Source, ReadOptions], FaceSet]


def make_rows(
    *,
    pictures: Sequence[str],
    labels: Sequence[str],
    problems: Mapping[int, Reason] | None = None,
    subjects: Sequence[str] | None = None,
    sequences: Sequence[str] | None = None,
    splits: Sequence[str] | None = None,
) -> pd.DataFrame:
    r"""Build the rows of a :class:`~mien.pipeline.faceset.FaceSet`.

    Parameters
    ----------
    pictures : sequence of str
        Names of the pictures; bytes that are not UTF-8 are written as ``\xff``, and names that
        come twice get a number.
    labels : sequence of str
        Labels, ``""`` where unknown: such rows get the reason ``unknown_label``.
    problems : mapping of int to Reason, optional
        Reasons known already, by position; they come before ``unknown_label``.
    subjects, sequences, splits : sequence of str, optional
        The further columns; ``""`` everywhere where not given.

    Returns
    -------
    DataFrame
        With the columns :data:`~mien.pipeline.faceset.ROW_COLUMNS`.
    """
    known = problems or {}
    blank = [""] * len(pictures)
    columns: dict[str, Sequence[str]] = {
        "picture": _make_unique([to_text(name) for name in pictures]),
        "label": [to_text(label) for label in labels],
        "subject": subjects if subjects is not None else blank,
        "sequence": sequences if sequences is not None else blank,
        "split": splits if splits is not None else blank,
        "reason": [
            str(known.get(i, "" if label else Reason.UNKNOWN_LABEL))
            for i, label in enumerate(labels)
        ],
    }
    return pd.DataFrame({name: pd.Series(columns[name], dtype="str") for name in ROW_COLUMNS})


def to_text(name: str) -> str:
    r"""Replace bytes of a file name that are not UTF-8 by ``\xff``, so that tables can hold it."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def count(number: int, noun: str) -> str:
    """Return ``"1 file"``, ``"3 files"``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _make_unique(names: list[str]) -> list[str]:
    taken = set(names)
    if len(taken) == len(names):
        return names
    seen: set[str] = set()
    unique = []
    for name in names:
        number, candidate = 1, name
        while candidate in seen or (number > 1 and candidate in taken):
            number += 1
            candidate = f"{name} ({number})"
        seen.add(candidate)
        unique.append(candidate)
    return unique


def _read_start(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(4)
    except OSError as error:
        raise MienError(f"Cannot read {str(path)!r}: {error.strerror}.") from error
