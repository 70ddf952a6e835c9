"""Who is in a picture: from a pattern on its name, or from a CSV file beside the pictures."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from mien.errors import MienError
from mien.pipeline.datasets.layout import count, to_text
from mien.pipeline.datasets.tree import quote_some
from mien.pipeline.faceset import ROW_COLUMNS, FaceSet

_PICTURE_COLUMNS = frozenset(("picture", "image", "file", "filename", "file_name", "path"))
_SUBJECT_COLUMNS = frozenset(("subject", "subject_id", "person", "person_id"))


@dataclass(frozen=True)
class SubjectTable:
    """A CSV file of people.

    Attributes
    ----------
    name : str
        File name, for messages.
    by_picture : bool
        Whether rows belong to pictures rather than to subjects.
    subjects : dict of str to str
        Subject by the row's key: a picture, or the subject itself.
    extra : dict of str to tuple of str
        The row's further values, by the same key.
    columns : tuple of str
        Names of the further columns; a prefix that all columns share (``face_``) is taken off.
    """

    name: str
    by_picture: bool
    subjects: Mapping[str, str]
    extra: Mapping[str, tuple[str, ...]]
    columns: tuple[str, ...]


def parse_subject_table(data: bytes, name: str) -> SubjectTable:
    """Parse a CSV of people.

    Either a row a picture: the first column is called ``picture``, ``file`` or the like and holds
    paths, file names or stems, and a column ``subject`` (else the second) says who it is. Or a row
    a subject: the first column holds the subject. Other columns are kept as they are.

    Parameters
    ----------
    data : bytes
        The file's content, UTF-8, with a header.
    name : str
        Its name, for messages.

    Raises
    ------
    MienError
        If it is not such a file.
    """
    head, *records = _read_csv(data, name)
    names = _shorten([column.strip() for column in head])
    by_picture = names[0].lower() in _PICTURE_COLUMNS and len(names) > 1
    subject = _find_subject_column(names) if by_picture else 0
    further = [i for i in range(1, len(names)) if i != subject and names[i]]
    table: dict[str, tuple[str, tuple[str, ...]]] = {}
    for record in records:
        values = [value.strip() for value in record] + [""] * (len(names) - len(record))
        table.setdefault(
            values[0].replace("\\", "/").removeprefix("./"),
            (values[subject], tuple(values[i] for i in further)),
        )
    return SubjectTable(
        name=name,
        by_picture=by_picture,
        subjects={key: subject for key, (subject, _) in table.items()},
        extra={key: values for key, (_, values) in table.items()},
        columns=_make_columns([names[i] for i in further]),
    )


def read_subject_table(path: str | os.PathLike[str]) -> SubjectTable:
    """Read a CSV of people; see :func:`parse_subject_table`."""
    file = Path(path).expanduser()
    try:
        return parse_subject_table(file.read_bytes(), file.name)
    except OSError as error:
        raise MienError(
            f"Expected a CSV file of subjects at {str(path)!r}, but it cannot be read: "
            f"{error.strerror}."
        ) from error


def assign_subjects(
    faceset: FaceSet, *, table: SubjectTable | None = None, pattern: str | None = None
) -> FaceSet:
    """Fill in who is in each picture.

    Parameters
    ----------
    faceset : FaceSet
        The dataset.
    table : SubjectTable, optional
        People. Those of a row a subject are looked up by ``pattern``, by the subjects that the
        dataset has already, or else by the part of the file name before the first ``_``.
    pattern : str, optional
        A regular expression searched for in the file name (in the whole path if it holds a
        ``/``); the group ``subject``, or the first, is the subject.

    Returns
    -------
    FaceSet
        The same pictures with ``subject`` replaced and the table's columns added. A picture that
        the table has not keeps what the pattern or the dataset says, if anything, and ``""`` in
        the columns; notes count such pictures and those without a subject.

    Raises
    ------
    MienError
        If the pattern is not valid or nothing matches at all.
    """
    names = list(faceset.rows["picture"])
    claims = list(faceset.rows["subject"]) if pattern is None else _search(names, pattern)
    if table is None:
        found = claims
    else:
        guesses = claims if any(claims) else [_prefix(name) for name in names]
        found = [_find_key(table, *pair) for pair in zip(names, guesses, strict=True)]
    if not any(found):
        raise _nothing_matches(names, table, pattern)
    if table is not None:
        faceset = _add_columns(faceset, found, table)
        claims = [table.subjects.get(key, claim) for key, claim in zip(found, claims, strict=True)]
    rows = faceset.rows.assign(subject=pd.Series(claims, dtype="str"))
    without = [name for name, subject in zip(names, claims, strict=True) if not subject]
    return replace(faceset, rows=rows, notes=faceset.notes + _note("Without a subject", without))


def _add_columns(faceset: FaceSet, keys: list[str], table: SubjectTable) -> FaceSet:
    blank = ("",) * len(table.columns)
    values = [table.extra.get(key, blank) for key in keys]
    columns = {
        name: pd.Series([row[i] for row in values], dtype="str")
        for i, name in enumerate(table.columns)
    }
    missing = [name for name, key in zip(faceset.rows["picture"], keys, strict=True) if not key]
    return replace(
        faceset,
        rows=faceset.rows.assign(**columns),
        extra=tuple(dict.fromkeys((*faceset.extra, *table.columns))),
        notes=faceset.notes + _note(f"Not in {table.name}", missing),
    )


def _note(what: str, names: Sequence[str]) -> tuple[str, ...]:
    return (f"{what}: {count(len(names), 'picture')}, {quote_some(names)}",) if names else ()


def _search(names: Sequence[str], pattern: str) -> list[str]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise MienError(
            f"Expected a regular expression for subjects, but {pattern!r} is none: {error}."
        ) from error
    if not compiled.groups:
        raise MienError(
            f"Expected a group in the subject pattern, but {pattern!r} has none.",
            r"Put the part that is the subject in parentheses: ^(\d+)_",
        )
    group: str | int = "subject" if "subject" in compiled.groupindex else 1
    whole = "/" in pattern
    matches = [compiled.search(name if whole else name.rpartition("/")[2]) for name in names]
    return [(match[group] or "") if match else "" for match in matches]


def _find_key(table: SubjectTable, name: str, guess: str) -> str:
    if not table.by_picture:
        return guess if guess in table.subjects else ""
    parts = name.split("/")
    paths = ["/".join(parts[i:]) for i in range(len(parts))]
    stem = parts[-1].rpartition(".")[0]
    return next((key for key in (*paths, stem) if key and key in table.subjects), "")


def _prefix(name: str) -> str:
    stem = name.rpartition("/")[2]
    return (stem.rpartition(".")[0] or stem).partition("_")[0]


def _nothing_matches(
    names: Sequence[str], table: SubjectTable | None, pattern: str | None
) -> MienError:
    if table is not None:
        what = "pictures" if table.by_picture else "subjects"
        return MienError(
            f"Expected the {what} of {table.name!r} in the pictures' names, but none matches: "
            f"it has {quote_some(list(table.subjects))}, the pictures are {quote_some(names)}.",
            "Check the first column, and --subject-pattern.",
        )
    return MienError(
        f"Expected the subject pattern {pattern!r} to match a picture's name, but it matches "
        f"none of {quote_some(names)}.",
        "The pattern is searched for in the file name, or in the path if it holds a slash.",
    )


def _read_csv(data: bytes, name: str) -> list[list[str]]:
    try:
        text = data.decode("utf-8-sig")
        first = text.partition("\n")[0]
        mark = ";" if ";" in first and "," not in first else ","
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=mark) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise MienError(
            f"Expected a CSV file of subjects, but {name!r} cannot be parsed: {error}."
        ) from error
    if len(rows) < 2:
        raise MienError(f"Expected a header and rows in the subjects file {name!r}.")
    return rows


def _shorten(names: list[str]) -> list[str]:
    first, mark, _ = names[0].partition("_")
    prefix = first + mark
    if mark and len(names) > 1 and all(name.startswith(prefix) for name in names):
        return [name.removeprefix(prefix) for name in names]
    return names


def _find_subject_column(names: Sequence[str]) -> int:
    return next((i for i, name in enumerate(names) if name.lower() in _SUBJECT_COLUMNS), 1)


def _make_columns(names: Sequence[str]) -> tuple[str, ...]:
    columns: list[str] = []
    for name in names:
        column = to_text(name)
        while column in ROW_COLUMNS or column in columns:
            column = f"subject_{column}"
        columns.append(column)
    return tuple(columns)
