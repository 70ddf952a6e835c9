"""FER2013 as picture files: ``train/<class>/*.jpg`` and ``test/<class>/*.jpg``."""

from __future__ import annotations

from mien.pipeline.datasets.class_tree import find_class_tree, require_class_tree, require_tree
from mien.pipeline.datasets.fer2013_csv import FER2013_CLASSES
from mien.pipeline.datasets.layout import Layout, ReadOptions, Source, make_rows
from mien.pipeline.faceset import FaceSet
from mien.pipeline.labels import canonical_label

_USAGES = ("Training", "PublicTest", "PrivateTest")
_FOLDER_SPLITS = {"train": "Training", "training": "Training"}


def recognise_fer2013_folders(source: Source) -> bool:
    """Tell whether split folders hold FER2013's classes, or files named after its splits."""
    if source.tree is None:
        return False
    found = find_class_tree(source.tree)
    if not any(found.splits):
        return False
    if all(canonical_label(name) in FER2013_CLASSES for name in found.classes):
        return True
    return any(_find_usage(name) for name in found.pictures)


def read_fer2013_folders(source: Source, options: ReadOptions) -> FaceSet:  # noqa: ARG001
    """Read FER2013 from picture files in folders.

    A file's prefix (``Training_``, ``PublicTest_``, ``PrivateTest_``) is its split. Without one it
    is the folder's: ``train`` is ``Training``, others keep their own name, ``test``.

    Parameters
    ----------
    source : Source
        The folder, or a zip archive of it; both may have one folder around everything.
    options : ReadOptions
        None of them applies.

    Returns
    -------
    FaceSet
        Named ``"FER2013"``; pictures in folders of other names have the reason ``unknown_label``.

    Raises
    ------
    MienError
        If there are no pictures in class folders.
    """
    found = require_class_tree(source, "fer2013-folders")
    labels = [canonical_label(name) for name in found.classes]
    rows = make_rows(
        pictures=found.pictures,
        labels=[label if label in FER2013_CLASSES else "" for label in labels],
        splits=[
            _find_usage(name) or _FOLDER_SPLITS.get(folder.lower(), folder.lower())
            for name, folder in zip(found.pictures, found.splits, strict=True)
        ],
    )
    pictures = require_tree(source, "fer2013-folders").picture_source(found.pictures)
    return FaceSet("FER2013", "fer2013-folders", source.given, rows, pictures, found.notes)


def _find_usage(name: str) -> str:
    prefix, mark, _ = name.rpartition("/")[2].partition("_")
    return prefix if mark and prefix in _USAGES else ""


FER2013_FOLDERS = Layout(
    name="fer2013-folders",
    looks_for="train/<class>/*.jpg and test/<class>/*.jpg with FER2013's classes; folder or .zip",
    recognises=recognise_fer2013_folders,
    read=read_fer2013_folders,
)
