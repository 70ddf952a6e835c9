"""All dataset layouts, and the one function that reads any of them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from mien.errors import MienError
from mien.pipeline.datasets.ck48 import CK48
from mien.pipeline.datasets.ck_extended_csv import CK_EXTENDED_CSV
from mien.pipeline.datasets.ck_original import CK_ORIGINAL
from mien.pipeline.datasets.class_folders import CLASS_FOLDERS
from mien.pipeline.datasets.fer2013_csv import FER2013_CSV
from mien.pipeline.datasets.fer2013_folders import FER2013_FOLDERS
from mien.pipeline.datasets.layout import Layout, ReadOptions, Source, count, make_rows
from mien.pipeline.datasets.selection import limit_rows, select_classes, select_split
from mien.pipeline.datasets.subjects import assign_subjects, read_subject_table
from mien.pipeline.datasets.tree import RENDERED_FILE, quote_some
from mien.pipeline.faceset import FaceSet
from mien.pipeline.pictures import ZipPictures
from mien.pipeline.reasons import Reason
from mien.pipeline.row_filter import RowFilter, filter_faceset

LAYOUTS: Mapping[str, Layout] = {
    layout.name: layout
    for layout in (
        CK_EXTENDED_CSV,
        FER2013_CSV,
        FER2013_FOLDERS,
        CK_ORIGINAL,
        CK48,
        CLASS_FOLDERS,
    )
}
"""The layouts by name, in the order in which they are tried."""

RENDERED_PREFIX = "rendered:"
"""What a source starts with that is drawn rather than read."""

_ENTRIES_SHOWN = 6
_HEAD_SHOWN = 60


def read_dataset(
    source: str | os.PathLike[str],
    *,
    layout: str | None = None,
    classes: Sequence[str] | None = None,
    split: str | None = None,
    limit: int | None = None,
    subjects: str | Path | None = None,
    subject_pattern: str | None = None,
    peak_frames: int = 3,
    neutral_first: bool = False,
    row_filter: RowFilter | None = None,
    seed: int = 0,
) -> FaceSet:
    """Read a dataset, in a layout that is named or recognised.

    Parameters
    ----------
    source : str or path
        A file, a folder, or a specification ``"rendered:…"`` of drawn faces.
    layout : str, optional
        A name from :data:`LAYOUTS`; recognised from the source otherwise.
    classes : sequence of str, optional
        Keep only these; any usual spelling will do.
    split : str, optional
        Keep only this split.
    limit : int, optional
        Keep at most so many usable pictures; see
        :func:`~mien.pipeline.datasets.selection.limit_rows`.
    subjects : str or path, optional
        A CSV file of people; see :func:`~mien.pipeline.datasets.subjects.parse_subject_table`.
    subject_pattern : str, optional
        A regular expression that finds the subject in a file name; see
        :func:`~mien.pipeline.datasets.subjects.assign_subjects`.
    peak_frames, neutral_first : int, bool
        Which frames of a sequence to take; see
        :class:`~mien.pipeline.datasets.layout.ReadOptions`.
    row_filter : RowFilter, optional
        Keep only the pictures that it keeps, before ``limit`` draws from them.
    seed : int
        Decides which pictures ``limit`` draws.

    Returns
    -------
    FaceSet
        A row for every picture, in a fixed order.

    Raises
    ------
    MienError
        If the source is not there or not understood, or an option does not fit it.
    """
    given = os.fspath(source)
    options = ReadOptions(peak_frames=peak_frames, neutral_first=neutral_first)
    faceset = _read(given, layout, options)
    if subjects is not None or subject_pattern is not None:
        table = read_subject_table(subjects) if subjects is not None else None
        faceset = assign_subjects(faceset, table=table, pattern=subject_pattern)
    if split is not None:
        faceset = select_split(faceset, split)
    if classes is not None:
        faceset = select_classes(faceset, classes)
    if row_filter is not None:
        faceset = filter_faceset(faceset, row_filter)
    if limit is not None:
        faceset = limit_rows(faceset, limit, seed=seed)
    return faceset


def _read(given: str, layout: str | None, options: ReadOptions) -> FaceSet:
    if layout is not None and layout not in LAYOUTS:
        raise MienError(f"Expected a layout ({', '.join(LAYOUTS)}), but got {layout!r}.")
    if given.startswith(RENDERED_PREFIX):
        if layout is not None:
            raise MienError(f"Expected no layout with {given!r}, but got {layout!r}.")
        return _read_rendered(given)
    source = Source(given)
    if not source.path.exists():
        raise _not_understood(source)
    if layout is not None:
        return _complete(LAYOUTS[layout].read(source, options), source)
    for candidate in LAYOUTS.values():
        if candidate.recognises(source):
            return _complete(candidate.read(source, options), source)
    raise _not_understood(source)


def _complete(faceset: FaceSet, source: Source) -> FaceSet:
    """Add what holds in every layout: unsafe names, and that faces are drawn."""
    faceset = _add_unsafe(faceset, source)
    if source.tree is None or RENDERED_FILE not in source.tree.files:
        return faceset
    told = source.tree.read_bytes(RENDERED_FILE).decode("utf-8", errors="replace").strip()
    return replace(faceset, notes=(*faceset.notes, told))


def _add_unsafe(faceset: FaceSet, source: Source) -> FaceSet:
    """Give the pictures in an archive whose names lead out of it rows that say so."""
    names = source.tree.unsafe if source.tree is not None else ()
    if not names or not isinstance(faceset.pictures, ZipPictures):
        return faceset
    unsafe = make_rows(
        pictures=names,
        labels=[""] * len(names),
        problems=dict.fromkeys(range(len(names)), Reason.UNSAFE_NAME),
    )
    rows = pd.concat([faceset.rows, unsafe], ignore_index=True).fillna("")
    pictures = ZipPictures(source.path, (*faceset.pictures.members, *names))
    return replace(faceset, rows=rows, pictures=pictures)


def _read_rendered(spec: str) -> FaceSet:
    from mien.pipeline.landmarker_bundle import ensure_landmarker_bundle
    from mien.pipeline.rendered.dataset import read_rendered

    return read_rendered(spec, ensure_landmarker_bundle())


def _not_understood(source: Source) -> MienError:
    looked_for = "".join(f"\n  {layout.name}: {layout.looks_for}" for layout in LAYOUTS.values())
    return MienError(
        f"Expected a dataset at {source.given!r}, but found {_describe_found(source)}.",
        f"Check the path, or name the layout with --layout. Looked for:{looked_for}",
    )


def _describe_found(source: Source) -> str:
    if not source.path.exists():
        return "no such file or folder"
    if source.tree is None:
        return _describe_file(source.path)
    kind = "a zip archive" if source.tree.zipped else "a folder"
    entries = sorted({name.partition("/")[0] for name in source.tree.files + source.tree.folders})
    if not entries:
        return f"{kind} with nothing in it"
    pictures = count(len(source.tree.pictures), "picture")
    return f"{kind} with {quote_some(entries, most=_ENTRIES_SHOWN)} ({pictures} in all)"


def _describe_file(path: Path) -> str:
    if not path.is_file():
        return "neither a file nor a folder"
    with path.open("rb") as file:
        head = file.read(_HEAD_SHOWN)
    return f"a file that starts with {head.decode('latin-1')!a}" if head else "an empty file"
