"""Any dataset with a folder per class, and perhaps a ``subjects.csv`` beside them."""

from __future__ import annotations

from dataclasses import replace

from mien.errors import MienError
from mien.pipeline.datasets.class_tree import (
    ClassTree,
    find_class_tree,
    require_class_tree,
    require_tree,
)
from mien.pipeline.datasets.layout import Layout, ReadOptions, Source, make_rows, to_text
from mien.pipeline.datasets.subjects import assign_subjects, parse_subject_table
from mien.pipeline.datasets.tree import FileTree
from mien.pipeline.faceset import FaceSet
from mien.pipeline.labels import canonical_label
from mien.pipeline.pictures import ZIP_ERRORS


def recognise_class_folders(source: Source) -> bool:
    """Tell whether there are two folders or more with pictures in them."""
    return source.tree is not None and len(set(find_class_tree(source.tree).classes)) > 1


def read_class_folders(source: Source, options: ReadOptions) -> FaceSet:  # noqa: ARG001
    """Read pictures from a folder per class.

    A class is the folder's name in its usual spelling
    (:func:`~mien.pipeline.labels.canonical_label`) and holds the pictures at any depth below.
    Folders ``train``, ``test`` and the like above the class folders are splits. A ``subjects.csv``
    beside the class folders gives subjects and further columns, where its subjects are what file
    names have before their first ``_``.

    Parameters
    ----------
    source : Source
        The folder, or a zip archive of it; both may have one folder around everything.
    options : ReadOptions
        None of them applies.

    Returns
    -------
    FaceSet
        Named after the folder or archive.

    Raises
    ------
    MienError
        If there are no pictures in class folders.
    """
    found = require_class_tree(source, "class-folders")
    tree = require_tree(source, "class-folders")
    rows = make_rows(
        pictures=found.pictures,
        labels=[canonical_label(name) for name in found.classes],
        splits=[name.lower() for name in found.splits],
    )
    path = source.path.resolve()
    name = to_text(path.stem if tree.zipped else path.name)
    pictures = tree.picture_source(found.pictures)
    faceset = FaceSet(name, "class-folders", source.given, rows, pictures, found.notes)
    return _add_own_subjects(faceset, tree, found)


def _add_own_subjects(faceset: FaceSet, tree: FileTree, found: ClassTree) -> FaceSet:
    names = [name for name in tree.files if name.lower() == f"{found.base}subjects.csv".lower()]
    if not names:
        return faceset
    try:
        table = parse_subject_table(tree.read_bytes(names[0]), names[0])
        return assign_subjects(faceset, table=table)
    except (MienError, *ZIP_ERRORS) as error:
        note = f"The file {names[0]!r} was not used: {error}"
        return replace(faceset, notes=(*faceset.notes, note))


CLASS_FOLDERS = Layout(
    name="class-folders",
    looks_for="a folder per class with pictures in it; folder or .zip",
    recognises=recognise_class_folders,
    read=read_class_folders,
)
