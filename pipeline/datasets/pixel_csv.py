"""CSV files that hold faces as text: ``emotion,pixels,Usage``, 48 x 48 numbers a row."""

from __future__ import annotations

import gzip
import io
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, NamedTuple, cast

import numpy as np

from mien.errors import MienError
from mien.pipeline.datasets.pixel_text import SIDE, Problem, parse_pixel_texts
from mien.pipeline.datasets.tree import FileTree, quote_some
from mien.pipeline.pictures import ZIP_ERRORS, ArrayPictures, open_zip
from mien.pipeline.reasons import Reason

_BLANKS = b' \t\r\n"'
_BATCH = 128
_LINE_BYTES = 1 << 16
_MOST_PIECES = 1 << 14
_FIELD_BYTES = 200
MAX_LINES = 1_000_000
"""Lines that a CSV file of pixels may have at most; so many faces take 2.3 GB."""
_TOO_LONG = (Reason.WRONG_PIXEL_COUNT, f"a line of more than {_LINE_BYTES:,} bytes")
_ENDINGS = (".csv", ".csv.gz")


@dataclass(frozen=True)
class CsvFile:
    """Where a CSV file is: a file of its own, plain or gzip, or a member of a zip archive."""

    path: Path
    member: str = ""

    @property
    def name(self) -> str:
        """The CSV's own file name."""
        return (self.member or self.path.name).rpartition("/")[2]

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Open it for reading bytes, unpacked."""
        if self.member:
            with open_zip(self.path).open(self.member) as file:
                yield _unpack(io.BufferedReader(cast(io.RawIOBase, file)))
        else:
            with self.path.open("rb") as plain:
                yield _unpack(plain)


@dataclass(frozen=True)
class PixelTable:
    """A parsed file, row by row.

    Attributes
    ----------
    emotions : list of str
        What the emotion column says.
    usages : list of str
        What the Usage column says, ``""`` without one.
    pixels : ndarray of uint8, shape (n, 48, 48)
        Zeros in rows with a problem.
    problems : mapping of int to (Reason, str)
        Rows whose pixels are not usable, with the reason and its detail.
    """

    emotions: list[str]
    usages: list[str]
    pixels: np.ndarray
    problems: Mapping[int, Problem]

    def to_pictures(self) -> ArrayPictures:
        """Return the pictures of the rows."""
        return ArrayPictures(self.pixels, self.problems)


def find_csv(path: Path, tree: FileTree | None) -> CsvFile | None:
    """Find the one CSV file that a path is, or that a folder or archive without pictures holds."""
    if tree is None:
        return CsvFile(path) if path.is_file() else None
    names = [
        name
        for name in tree.files
        if name.lower().endswith(_ENDINGS) and not name.rpartition("/")[2].startswith(".")
    ]
    if len(names) != 1 or tree.pictures:
        return None
    return CsvFile(tree.path, names[0]) if tree.zipped else CsvFile(tree.path / names[0])


def read_csv_head(file: CsvFile) -> tuple[str, ...]:
    """Return the column names, blanks removed, or nothing for a file that is no text."""
    try:
        with file.open() as lines:
            head = lines.readline(_LINE_BYTES)
    except ZIP_ERRORS:
        return ()
    return () if b"\0" in head else tuple(_split_head(head))


def parse_pixel_csv(file: CsvFile) -> PixelTable:
    """Parse a CSV with the columns ``emotion``, ``pixels`` and, where there are splits, ``Usage``.

    Columns are found by name in any order; blanks and quotes around names and values, blank lines
    and Windows line ends do not matter.

    Parameters
    ----------
    file : CsvFile
        The file.

    Returns
    -------
    PixelTable
        A row for every line that is not blank, unusable ones with their reason.

    Raises
    ------
    MienError
        If the file is damaged, a column is missing, there are no rows or more than
        :data:`MAX_LINES` lines.
    """
    try:
        with file.open() as lines:
            return _parse(lines, file)
    except ZIP_ERRORS as error:
        raise MienError(
            f"Expected a CSV file of pixels, but {file.name!r} cannot be read to its end: {error}.",
            "Copy or download it again.",
        ) from error


def _parse(lines: IO[bytes], file: CsvFile) -> PixelTable:
    columns = _split_head(_read_line(lines)[0])
    _require_columns(columns, file)
    emotion, pixel = columns.index("emotion"), columns.index("pixels")
    usage = columns.index("usage") if "usage" in columns else None
    emotions: list[str] = []
    usages: list[str] = []
    problems: dict[int, Problem] = {}
    pixels = bytearray()
    all_rows = _split_rows(lines, len(columns), file)
    while rows := list(islice(all_rows, _BATCH)):
        parsed, wrong = parse_pixel_texts([b"" if row.cut else row.fields[pixel] for row in rows])
        wrong |= {i: _TOO_LONG for i, row in enumerate(rows) if row.cut}
        problems.update({len(emotions) + row: problem for row, problem in wrong.items()})
        pixels += parsed.tobytes()
        emotions += [_decode(row.fields[emotion]) for row in rows]
        usages += [_decode(row.fields[usage]) if usage is not None else "" for row in rows]
    if not emotions:
        raise MienError(f"Expected faces in {file.name!r}, but it has a header and no rows.")
    array = np.frombuffer(pixels, np.uint8).reshape(-1, SIDE, SIDE)
    return PixelTable(emotions, usages, array, problems)


class _Row(NamedTuple):
    fields: list[bytes]
    cut: bool


def _split_rows(lines: IO[bytes], columns: int, file: CsvFile) -> Iterator[_Row]:
    for _ in range(MAX_LINES):
        line, cut = _read_line(lines)
        if not line:
            return
        fields = [field.strip(_BLANKS) for field in line.split(b",")]
        if fields != [b""] or cut:
            yield _Row(fields + [b""] * (columns - len(fields)), cut)
    if lines.read(1):
        raise MienError(
            f"Expected at most {MAX_LINES:,} lines in {file.name!r}, but there are more.",
            "Split the file.",
        )


def _read_line(lines: IO[bytes]) -> tuple[bytes, bool]:
    """Return the next line, or its beginning, and whether it was cut off."""
    line = piece = lines.readline(_LINE_BYTES)
    for _ in range(_MOST_PIECES):
        if len(piece) < _LINE_BYTES or piece.endswith(b"\n"):
            return line, piece is not line
        piece = lines.readline(_LINE_BYTES)
    raise ValueError(f"a line has more than {_MOST_PIECES * _LINE_BYTES / 1e9:.0f} GB")


def _decode(field: bytes) -> str:
    return sys.intern(field[:_FIELD_BYTES].decode("utf-8", "replace"))


def _split_head(line: bytes) -> list[str]:
    text = line.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    return [name.strip(' \t\r\n"').lower() for name in text.split(",")]


def _require_columns(columns: list[str], file: CsvFile) -> None:
    missing = [name for name in ("emotion", "pixels") if name not in columns]
    if missing:
        raise MienError(
            f"Expected the columns emotion, pixels and Usage in {file.name!r}, but "
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing; "
            f"its first line holds {quote_some(columns)}.",
            "Use the contest's fer2013.csv, or name the layout of your data.",
        )


def _unpack(file: IO[bytes]) -> IO[bytes]:
    start = file.read(2)
    file.seek(0)
    return gzip.open(file, "rb") if start == b"\x1f\x8b" else file  # type: ignore[return-value]
