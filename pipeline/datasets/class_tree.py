"""Pictures sorted into a folder per class, with or without folders for train and test above."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mien.errors import MienError
from mien.pipeline.datasets.layout import Source, count
from mien.pipeline.datasets.tree import FileTree, quote_some

SPLIT_FOLDERS = frozenset(("train", "training", "test", "testing", "val", "valid", "validation"))
"""Folder names, in lower case, that say which split the class folders in them belong to."""


@dataclass(frozen=True)
class ClassTree:
    """Where the class folders of a tree are, and what is in them.

    Attributes
    ----------
    base : str
        The folder that the dataset starts in: ``""``, or a prefix ending in ``/``.
    pictures : tuple of str
        Paths of the pictures in class folders, sorted.
    classes, splits : tuple of str
        For each picture, its class folder's name and its split folder's, ``""`` without one.
    notes : tuple of str
        Empty class folders and files that were ignored.
    """

    base: str
    pictures: tuple[str, ...]
    classes: tuple[str, ...]
    splits: tuple[str, ...]
    notes: tuple[str, ...]


def find_class_tree(tree: FileTree) -> ClassTree:
    """Find the class folders: those at the top, or one below where all at the top are splits."""
    base = tree.find_base(stop=SPLIT_FOLDERS)
    inside = [_split_path(name, base) for name in tree.pictures]
    tops = {parts[0] for parts in inside if len(parts) > 1}
    depth = 1 if tops and all(top.lower() in SPLIT_FOLDERS for top in tops) else 0
    chosen = [
        (name, parts)
        for name, parts in zip(tree.pictures, inside, strict=True)
        if len(parts) >= depth + 2 and name.startswith(base)
    ]
    return ClassTree(
        base=base,
        pictures=tuple(name for name, _ in chosen),
        classes=tuple(parts[depth] for _, parts in chosen),
        splits=tuple(parts[0] if depth else "" for _, parts in chosen),
        notes=_describe_rest(tree, base, depth, {name for name, _ in chosen}),
    )


def require_class_tree(source: Source, layout: str) -> ClassTree:
    """Find the class folders of a source.

    Raises
    ------
    MienError
        If it is no folder or zip archive, or has no pictures in folders.
    """
    found = find_class_tree(require_tree(source, layout))
    if not found.pictures:
        raise MienError(
            f"Expected pictures in a folder per class in {source.given!r} ({layout}), "
            "but there are none.",
            "Put the pictures of each class into a folder with the class's name.",
        )
    return found


def require_tree(source: Source, layout: str) -> FileTree:
    """Return the files of a folder or zip archive.

    Raises
    ------
    MienError
        If the source is another kind of file.
    """
    if source.tree is None:
        raise MienError(
            f"Expected a folder or a zip archive for the layout {layout}, "
            f"but {source.given!r} is another kind of file."
        )
    return source.tree


def _split_path(name: str, base: str) -> list[str]:
    return name.removeprefix(base).split("/")


def _describe_rest(tree: FileTree, base: str, depth: int, chosen: set[str]) -> tuple[str, ...]:
    others = [
        name
        for name in tree.files
        if name not in chosen and name.startswith(base) and name.count("/") > base.count("/")
    ]
    loose = [name for name in tree.pictures if name not in chosen]
    ignored = sorted(set(others) - set(loose))
    notes = list(tree.notes)
    if loose:
        notes.append(
            f"Ignored outside class folders: {count(len(loose), 'picture')}, {quote_some(loose)}"
        )
    if ignored:
        notes.append(
            f"Ignored because not a picture: {count(len(ignored), 'file')}, {quote_some(ignored)}"
        )
    empty = _find_empty(tree, base, depth, chosen)
    if empty:
        notes.append(f"Class folders without pictures: {quote_some(empty)}")
    return tuple(notes)


def _find_empty(tree: FileTree, base: str, depth: int, chosen: set[str]) -> Sequence[str]:
    level = base.count("/") + depth
    filled = {"/".join(name.split("/")[: level + 1]) for name in chosen}
    return [
        name
        for name in tree.folders
        if name.startswith(base) and name.count("/") == level and name not in filled
    ]
