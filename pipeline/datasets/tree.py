"""The files below a folder, or inside a zip archive, as one sorted list of relative paths."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from mien.errors import MienError
from mien.pipeline.faceset import PictureSource
from mien.pipeline.pictures import ZIP_ERRORS, FilePictures, ZipPictures, is_picture_name, open_zip

Names = tuple[str, ...]
MAX_TEXT_BYTES = 1 << 26
"""Bytes that a file of people or labels beside the pictures may have at most."""

RENDERED_FILE = "rendered.txt"
"""File at the top of a folder of drawn faces; its text becomes a note of the dataset."""


@dataclass(frozen=True)
class FileTree:
    """Files of a dataset, wherever they are kept.

    Attributes
    ----------
    path : Path
        The folder or the archive.
    zipped : bool
        Whether ``path`` is an archive.
    files : tuple of str
        Paths relative to ``path``, ``/`` between folders, sorted; none from hidden folders.
    folders : tuple of str
        The same for folders, empty ones included.
    notes : tuple of str
        What was left out, and why.
    unsafe : tuple of str
        Pictures in an archive whose names lead out of it; not among ``files``.
    """

    path: Path
    zipped: bool
    files: tuple[str, ...]
    folders: tuple[str, ...]
    notes: tuple[str, ...] = ()
    unsafe: tuple[str, ...] = ()

    @cached_property
    def pictures(self) -> tuple[str, ...]:
        """The files that have the ending of a picture and are not hidden."""
        return tuple(
            name for name in self.files if is_picture_name(name) and not _is_hidden(_last(name))
        )

    def find_base(self, *, stop: frozenset[str] = frozenset()) -> str:
        """Find the folder that the dataset starts in: ``""``, or a prefix ending in ``/``.

        A folder is stepped into as long as it is the only one with pictures and all of them lie at
        least two levels below it, unless its name in lower case is in ``stop``.
        """
        base = ""
        while True:
            inside = [name.removeprefix(base).split("/") for name in self.pictures]
            tops = {parts[0] for parts in inside}
            if len(tops) != 1 or any(len(parts) < 3 for parts in inside):
                return base
            top = tops.pop()
            if top.lower() in stop:
                return base
            base += f"{top}/"

    def read_bytes(self, name: str) -> bytes:
        """Read one file of text.

        Raises
        ------
        ValueError
            If it has more than :data:`MAX_TEXT_BYTES`.
        """
        plain = Path(self.path, name)
        with open_zip(self.path).open(name) if self.zipped else plain.open("rb") as file:
            data = file.read(MAX_TEXT_BYTES + 1)
        if len(data) > MAX_TEXT_BYTES:
            raise ValueError(f"it has more than {MAX_TEXT_BYTES >> 20} MB")
        return data

    def picture_source(self, names: Sequence[str]) -> PictureSource:
        """Return a source of these pictures, in this order."""
        return ZipPictures(self.path, names) if self.zipped else FilePictures(self.path, names)


def list_folder(path: Path) -> FileTree:
    """List a folder with everything below it.

    Symbolic links are followed; a folder that is come to twice, or in a loop, is listed once. What
    has the name of a picture is listed whatever it is, so that it can be told why it has no pixels.
    """
    files: list[str] = []
    folders: list[str] = []
    unreadable: list[str] = []
    again: list[str] = []
    for prefix, names, is_folder in _walk(path, unreadable, again):
        (folders if is_folder else files).extend(f"{prefix}{name}" for name in names)
    notes = _note("Folders that could not be listed", unreadable)
    notes += _note("Links to folders that are listed already, not followed", again)
    return FileTree(path, False, *_sorted_visible(files, folders), notes)


def list_zip(path: Path) -> FileTree:
    """List an archive; members with an absolute name or with ``..`` in it are kept apart.

    Raises
    ------
    MienError
        If the archive's directory cannot be read.
    """
    try:
        infos = open_zip(path).infolist()
    except ZIP_ERRORS as error:
        raise MienError(
            f"Expected a zip archive, but {str(path)!r} cannot be opened as one: {error}.",
            "Copy or download it again.",
        ) from error
    names = [info.filename for info in infos]
    unsafe = sorted({name for name in names if _is_unsafe(name)})
    kept = [info for info in infos if not _is_unsafe(info.filename)]
    files = {info.filename for info in kept if not info.is_dir()}
    folders = {info.filename.rstrip("/") for info in kept if info.is_dir()}
    for name in files:
        folders.update(str(parent) for parent in PurePosixPath(name).parents)
    twice = sorted(name for name, times in Counter(names).items() if times > 1)
    notes = _note("Members with an unsafe path, not read", unsafe)
    notes += _note("Names that come twice, of which the last was read", twice)
    visible = _sorted_visible(files, folders - {"."})
    return FileTree(path, True, *visible, notes, tuple(filter(is_picture_name, unsafe)))


def _note(what: str, names: Sequence[str]) -> tuple[str, ...]:
    return (f"{what} ({len(names):,}): {quote_some(names)}",) if names else ()


def quote_some(names: Sequence[str], *, most: int = 3) -> str:
    """Return the first names, quoted with control characters escaped, for a message."""
    shown = ", ".join(
        ascii(name) if not name.isprintable() else repr(name) for name in names[:most]
    )
    return f"{shown}, …" if len(names) > most else shown


def _walk(
    root: Path, unreadable: list[str], again: list[str]
) -> Iterator[tuple[str, list[str], bool]]:
    seen: set[tuple[int, int]] = set()

    def note(error: OSError) -> None:
        unreadable.append(os.path.relpath(error.filename, root))

    for folder, folders, files in os.walk(root, followlinks=True, onerror=note):
        relative = Path(folder).relative_to(root).as_posix()
        status = Path(folder).stat()
        if (status.st_dev, status.st_ino) in seen:
            again.append(relative)
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders.sort()
        prefix = "" if relative == "." else f"{relative}/"
        yield prefix, folders, True
        yield prefix, [x for x in files if is_picture_name(x) or _is_file(Path(folder, x))], False


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a folder that may be listed but not entered
        return False


def _is_unsafe(name: str) -> bool:
    plain = name.replace("\\", "/")
    return plain.startswith("/") or ".." in plain.split("/") or plain[1:2] == ":"


def _sorted_visible(files: Iterable[str], folders: Iterable[str]) -> tuple[Names, Names]:
    seen = (name for name in files if not any(map(_is_hidden, name.split("/")[:-1])))
    return tuple(sorted(seen)), tuple(
        sorted(name for name in folders if not any(map(_is_hidden, name.split("/"))))
    )


def _is_hidden(part: str) -> bool:
    return part.startswith(".") or part == "__MACOSX"


def _last(name: str) -> str:
    return name.rpartition("/")[2]
