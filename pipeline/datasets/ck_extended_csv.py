"""CK+ as ``ckextended.csv``: FER2013's columns, with contempt as number 7."""

from __future__ import annotations

import re

from mien.pipeline.datasets.fer2013_csv import (
    FER2013_CLASSES,
    read_pixel_table,
    recognise_fer2013_csv,
)
from mien.pipeline.datasets.layout import Layout, ReadOptions, Source
from mien.pipeline.faceset import FaceSet

CK_EXTENDED_CLASSES: tuple[str, ...] = (*FER2013_CLASSES, "contempt")
"""Class names by the number in the emotion column."""

NO_SUBJECTS = (
    "The file does not say who is in a picture: folds without one person on both sides are not "
    "possible with it, and CK+ has several pictures of each person."
)
_CK_NAME = re.compile(r"(^|[^a-z])ck", re.IGNORECASE)
_FER_NAME = re.compile(r"fer2013|icml", re.IGNORECASE)
_LEAST_CONTEMPT = 0.01


def recognise_ck_extended_csv(source: Source) -> bool:
    """Tell CK+ from FER2013: by a file name with "ck", else by label 7 in 1 % of the rows."""
    if not recognise_fer2013_csv(source):
        return False
    if _CK_NAME.search(source.csv_name) or _CK_NAME.search(source.path.name):
        return True
    if _FER_NAME.search(source.csv_name):
        return False
    emotions = source.pixel_table.emotions
    return emotions.count("7") >= _LEAST_CONTEMPT * len(emotions)


def read_ck_extended_csv(source: Source, options: ReadOptions) -> FaceSet:  # noqa: ARG001
    """Read CK+ from ``ckextended.csv``.

    Parameters
    ----------
    source : Source
        The CSV file: plain, gzip, or alone in a zip archive or folder.
    options : ReadOptions
        None of them applies.

    Returns
    -------
    FaceSet
        Named ``"CK+ (CSV)"``; pictures are named as in the FER2013 reader; no subjects, which a
        note says.

    Raises
    ------
    MienError
        If a column is missing, there are no rows, or the file is damaged.
    """
    return read_pixel_table(
        source,
        name="CK+ (CSV)",
        layout="ckextended-csv",
        classes=CK_EXTENDED_CLASSES,
        notes=(NO_SUBJECTS,),
    )


CK_EXTENDED_CSV = Layout(
    name="ckextended-csv",
    looks_for='the columns emotion, pixels and Usage with "ck" in the file name, or label 7',
    recognises=recognise_ck_extended_csv,
    read=read_ck_extended_csv,
)
