"""CK+ as 48 x 48 pictures: ``CK+48/<class>/S010_004_00000017.png``."""

from __future__ import annotations

import re

from mien.pipeline.datasets.class_tree import find_class_tree, require_class_tree, require_tree
from mien.pipeline.datasets.layout import Layout, ReadOptions, Source, count, make_rows
from mien.pipeline.datasets.tree import quote_some
from mien.pipeline.faceset import FaceSet
from mien.pipeline.labels import EXPRESSIONS, canonical_label

_FRAME = re.compile(r"(?:^|/)(?P<sequence>(?P<subject>S\d+)_\d+)_\d+\.\w+$", re.IGNORECASE)


def recognise_ck48(source: Source) -> bool:
    """Tell whether most pictures are in folders of expressions and named like CK+ frames."""
    if source.tree is None:
        return False
    found = find_class_tree(source.tree)
    matching = sum(
        bool(_FRAME.search(name)) and canonical_label(folder) in EXPRESSIONS
        for name, folder in zip(found.pictures, found.classes, strict=True)
    )
    return matching > 0 and 2 * matching >= len(found.pictures)


def read_ck48(source: Source, options: ReadOptions) -> FaceSet:  # noqa: ARG001
    """Read "CK+48".

    Parameters
    ----------
    source : Source
        The folder, or a zip archive of it; both may have one folder around everything.
    options : ReadOptions
        None of them applies.

    Returns
    -------
    FaceSet
        Named ``"CK+48"``; subject (``S010``) and sequence (``S010_004``) come from the file name.

    Raises
    ------
    MienError
        If there are no pictures in class folders.
    """
    found = require_class_tree(source, "ck48")
    frames = [_FRAME.search(name) for name in found.pictures]
    labels = [canonical_label(name) for name in found.classes]
    rows = make_rows(
        pictures=found.pictures,
        labels=[label if label in EXPRESSIONS else "" for label in labels],
        subjects=[frame["subject"].upper() if frame else "" for frame in frames],
        sequences=[frame["sequence"].upper() if frame else "" for frame in frames],
        splits=[name.lower() for name in found.splits],
    )
    notes = found.notes
    others = [name for name, frame in zip(found.pictures, frames, strict=True) if frame is None]
    if others:
        what = count(len(others), "picture")
        notes += (f"Without a subject, as not named like S010_004_…: {what}, {quote_some(others)}",)
    pictures = require_tree(source, "ck48").picture_source(found.pictures)
    return FaceSet("CK+48", "ck48", source.given, rows, pictures, notes)


CK48 = Layout(
    name="ck48",
    looks_for="<class>/S010_004_00000017.png; folder or .zip",
    recognises=recognise_ck48,
    read=read_ck48,
)
