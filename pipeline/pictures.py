"""The places that pictures are read from: arrays, files in folders, members of zip archives."""

from __future__ import annotations

import hashlib
import lzma
import os
import stat
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import IO

import numpy as np

from mien.pipeline.picture_decoding import MAX_PIXELS, MIN_SIDE, decode_picture
from mien.pipeline.picture_header import starts_like_picture
from mien.pipeline.reasons import PictureError, Reason

__all__ = [
    "MAX_FILE_BYTES",
    "MAX_PIXELS",
    "MIN_SIDE",
    "PICTURE_ENDINGS",
    "ZIP_ERRORS",
    "ArrayPictures",
    "FilePictures",
    "ZipPictures",
    "decode_picture",
    "is_picture_name",
    "open_zip",
]

ZIP_ERRORS = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError),
    *(OSError, ValueError, RuntimeError, NotImplementedError),
)
"""What the reading of a damaged, encrypted or unusual archive may raise."""
MAX_FILE_BYTES = 1 << 30
"""Bytes that a picture file may have at most, unpacked."""
_START_BYTES = 64
_PIECE_BYTES = 1 << 20
PICTURE_ENDINGS = frozenset(
    (
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".png",
        ".bmp",
        ".dib",
        ".gif",
        ".webp",
        ".tif",
        ".tiff",
        ".jp2",
        ".avif",
        ".pgm",
        ".ppm",
        ".pnm",
    )
)
"""File endings, in lower case, that are taken for pictures."""


def is_picture_name(name: str) -> bool:
    """Tell whether a file name has the ending of a picture."""
    return os.path.splitext(name)[1].lower() in PICTURE_ENDINGS  # noqa: PTH122 - names in a zip


class ArrayPictures:
    """Pictures held in one array.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (n, height, width)
        Grey pixels; rows of unusable pictures may hold anything.
    problems : mapping of int to (Reason, str), optional
        Positions that cannot be read, with the reason and its detail.
    """

    def __init__(
        self, pixels: np.ndarray, problems: Mapping[int, tuple[Reason, str]] | None = None
    ) -> None:
        self.pixels = np.ascontiguousarray(pixels, dtype=np.uint8)
        self.problems = dict(problems or {})

    def read(self, index: int) -> np.ndarray:
        """Return a copy of one picture; see :class:`~mien.pipeline.faceset.PictureSource`."""
        if index in self.problems:
            raise PictureError(*self.problems[index])
        return self.pixels[index].copy()

    def subset(self, indices: Sequence[int]) -> ArrayPictures:
        """Return only these pictures, in this order, copied."""
        problems = {
            new: self.problems[old] for new, old in enumerate(indices) if old in self.problems
        }
        return ArrayPictures(self.pixels[np.asarray(indices, dtype=np.int64)], problems)

    def fingerprint(self) -> str:
        """Return the SHA-256 of shape, pixels and problems, in hexadecimal digits."""
        digest = hashlib.sha256(repr(self.pixels.shape).encode())
        digest.update(self.pixels.data)
        digest.update(repr([(i, *self.problems[i]) for i in sorted(self.problems)]).encode())
        return digest.hexdigest()


class FilePictures:
    """Picture files below a folder.

    Parameters
    ----------
    root : str or path
        The folder.
    paths : sequence of str
        The files, relative to ``root``, with ``/`` between folders.
    """

    def __init__(self, root: str | os.PathLike[str], paths: Sequence[str]) -> None:
        self.root = str(root)
        self.paths = tuple(paths)

    def read(self, index: int) -> np.ndarray:
        """Decode one file; see :class:`~mien.pipeline.faceset.PictureSource`."""
        path = Path(self.root, self.paths[index])
        try:
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):
                raise PictureError(Reason.UNREADABLE, "not a regular file")
            with path.open("rb") as file:
                data = _read_picture(file, status.st_size)
        except (OSError, ValueError) as error:
            raise PictureError(Reason.UNREADABLE, _describe(error)) from error
        return decode_picture(data)

    def subset(self, indices: Sequence[int]) -> FilePictures:
        """Return only these files, in this order."""
        return FilePictures(self.root, [self.paths[i] for i in indices])

    def fingerprint(self) -> str:
        """Return the SHA-256 of relative names, sizes and modification times."""
        digest = hashlib.sha256()
        for name in self.paths:
            try:
                status = Path(self.root, name).stat()
                identity: tuple[object, ...] = (name, status.st_size, status.st_mtime_ns)
            except (OSError, ValueError):
                identity = (name, "missing")
            digest.update(repr(identity).encode("utf-8", "backslashreplace"))
        return digest.hexdigest()


class ZipPictures:
    """Picture files inside a zip archive, read without unpacking it to disk.

    Parameters
    ----------
    path : str or path
        The archive. It is opened at the first read, once a process.
    members : sequence of str
        Names inside the archive.
    """

    def __init__(self, path: str | os.PathLike[str], members: Sequence[str]) -> None:
        self.path = str(path)
        self.members = tuple(members)

    def read(self, index: int) -> np.ndarray:
        """Decode one member, of which no more is unpacked than the archive's directory says.

        See :class:`~mien.pipeline.faceset.PictureSource`.
        """
        try:
            archive = open_zip(self.path)
            member = archive.getinfo(self.members[index])
            with archive.open(member) as file:
                data = _read_picture(file, member.file_size)
        except (*ZIP_ERRORS, KeyError) as error:
            raise PictureError(Reason.UNREADABLE, _describe(error)) from error
        return decode_picture(data)

    def subset(self, indices: Sequence[int]) -> ZipPictures:
        """Return only these members, in this order."""
        return ZipPictures(self.path, [self.members[i] for i in indices])

    def fingerprint(self) -> str:
        """Return the SHA-256 of member names, checksums and sizes."""
        archive = open_zip(self.path)
        digest = hashlib.sha256()
        for name in self.members:
            info = archive.getinfo(name)
            digest.update(repr((name, info.CRC, info.file_size)).encode("utf-8", "replace"))
        return digest.hexdigest()


def open_zip(path: str | os.PathLike[str]) -> zipfile.ZipFile:
    """Open an archive, or return it if this process has it open and it is unchanged."""
    status = Path(path).stat()
    return _open_zip(str(path), os.getpid(), status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=2)
def _open_zip(path: str, process: int, size: int, time: int) -> zipfile.ZipFile:  # noqa: ARG001
    return zipfile.ZipFile(path)


def _read_picture(file: IO[bytes], size: int) -> bytearray:
    """Read a file of a known size, and of one that is no picture or is a bomb only the start."""
    if size > MAX_FILE_BYTES:
        raise PictureError(Reason.TOO_LARGE, f"a file of {size / 1e9:.1f} GB")
    start = file.read(min(size, _START_BYTES))
    if start and not starts_like_picture(start):
        raise PictureError(Reason.UNREADABLE, "not a picture of a known format")
    data = bytearray(start)
    while piece := file.read(min(size - len(data), _PIECE_BYTES)):
        data += piece
    return data


def _describe(error: Exception) -> str:
    return getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
