"""FER2013 as the contest's CSV file, and as ``icml_face_data.csv``."""

from __future__ import annotations

from mien.pipeline.datasets.layout import Layout, ReadOptions, Source, make_rows
from mien.pipeline.datasets.pixel_csv import PixelTable
from mien.pipeline.faceset import FaceSet
from mien.pipeline.labels import EXPRESSIONS, canonical_label

FER2013_CLASSES: tuple[str, ...] = EXPRESSIONS[:7]
"""Class names by the number in the emotion column."""


def recognise_fer2013_csv(source: Source) -> bool:
    """Tell whether the source is a CSV file with columns ``emotion`` and ``pixels``."""
    return {"emotion", "pixels"} <= set(source.csv_columns)


def read_fer2013_csv(source: Source, options: ReadOptions) -> FaceSet:  # noqa: ARG001
    """Read FER2013 from its CSV file.

    Pictures are named after their place, ``"row 000017"``, counting rows from 0 as pandas does;
    the Usage column (``Training``, ``PublicTest``, ``PrivateTest``) is the split.

    Parameters
    ----------
    source : Source
        The CSV file: plain, gzip, or alone in a zip archive or folder.
    options : ReadOptions
        None of them applies.

    Returns
    -------
    FaceSet
        Named ``"FER2013"``.

    Raises
    ------
    MienError
        If a column is missing, there are no rows, or the file is damaged.
    """
    return read_pixel_table(source, name="FER2013", layout="fer2013-csv", classes=FER2013_CLASSES)


def read_pixel_table(
    source: Source, *, name: str, layout: str, classes: tuple[str, ...], notes: tuple[str, ...] = ()
) -> FaceSet:
    """Turn a CSV of pixels into a dataset, its emotion numbers being positions in ``classes``."""
    table = source.pixel_table
    if not any(table.usages):
        notes += ("The file has no Usage column: no row belongs to a split.",)
    rows = make_rows(
        pictures=[f"row {number:06d}" for number in range(len(table.emotions))],
        labels=_read_labels(table, classes),
        splits=table.usages,
        problems={index: reason for index, (reason, _) in table.problems.items()},
    )
    return FaceSet(name, layout, source.given, rows, table.to_pictures(), notes)


def _read_labels(table: PixelTable, classes: tuple[str, ...]) -> list[str]:
    names = {str(number): label for number, label in enumerate(classes)}
    names.update({label: label for label in classes})
    return [names.get(canonical_label(emotion), "") for emotion in table.emotions]


FER2013_CSV = Layout(
    name="fer2013-csv",
    looks_for="a CSV file with the columns emotion, pixels and Usage; plain, .gz or .zip",
    recognises=recognise_fer2013_csv,
    read=read_fer2013_csv,
)
