"""Checksums of a store's files, block by block, so that damage has a place."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from mien.files import write_json

CHECKSUMS = "checksums.json"
_SCHEMA = "mien.checksums/1"
_CHUNK = 1 << 20


@dataclass(frozen=True)
class FileSums:
    """CRC-32 checksums of a file: of what is before the first block, then of each block.

    Attributes
    ----------
    size : int
        Bytes of the file.
    head : int
        Bytes before the first block: an array's header; 0 where there is none.
    block : int
        Bytes of a block; the last one may have fewer.
    rows : int
        Rows of an array in a block; 0 for other files.
    sums : tuple of int
        The head's first, of 0 bytes where there is none.
    """

    size: int
    head: int
    block: int
    rows: int
    sums: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the checksums as JSON: those of all blocks are one string."""
        told = "".join(f"{own:08x}" for own in self.sums)
        return {
            "bytes": self.size, "head": self.head, "block": self.block, "rows": self.rows,
            "crc32": told,
        }  # fmt: skip

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> FileSums:
        """Read what :meth:`to_json` returned."""
        text = told["crc32"]
        sums = tuple(int(text[i : i + 8], 16) for i in range(0, len(text), 8))
        return cls(told["bytes"], told["head"], told["block"], told["rows"], sums)


class SumsOfWritten:
    """Sums up pieces while they are written to a file.

    Parameters
    ----------
    file : binary file
    rows : int
        Rows in a block; see :class:`FileSums`.
    """

    def __init__(self, file: IO[bytes], *, rows: int) -> None:
        self._file = file
        self._rows = rows
        self._sizes: list[int] = []
        self._sums: list[int] = []

    def write(self, piece: bytes | memoryview) -> None:
        """Write the head, then block after block."""
        self._sums.append(zlib.crc32(piece))
        self._sizes.append(memoryview(piece).nbytes)
        self._file.write(piece)

    def finish(self) -> FileSums:
        """Return the checksums of what was written."""
        block = self._sizes[1] if self._rows else _CHUNK
        return FileSums(sum(self._sizes), self._sizes[0], block, self._rows, tuple(self._sums))


def write_summed(path: Path, content: bytes) -> FileSums:
    """Write a file that is no array, and return its checksums."""
    with path.open("wb") as file:
        writer = SumsOfWritten(file, rows=0)
        writer.write(b"")
        for start in range(0, len(content), _CHUNK):
            writer.write(content[start : start + _CHUNK])
    return writer.finish()


def sum_file(path: Path, *, head: int = 0, block: int = _CHUNK, rows: int = 0) -> FileSums:
    """Sum up a file as it is.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    size = path.stat().st_size
    layout = FileSums(size, head, block, rows, (0,) * (1 + -(-(size - head) // block)))
    with path.open("rb") as file:
        sums = tuple(zlib.crc32(piece) for piece in _read_blocks(file, layout))
    return FileSums(size, head, block, rows, sums)


def read_block(file: IO[bytes], sums: FileSums, number: int) -> bytes:
    """Read one block of an open file, whose checksum was found right."""
    file.seek(sums.head + number * sums.block)
    return file.read(min(sums.block, sums.size - sums.head - number * sums.block))


@dataclass(frozen=True)
class Damage:
    """What is wrong with a file.

    Attributes
    ----------
    size : int or None
        Bytes that it has; None if it is missing or cannot be read.
    blocks : tuple of int
        Blocks that do not have their checksum; none where only the head or the end is wrong.
    """

    size: int | None
    blocks: tuple[int, ...]

    def describe(self, sums: FileSums | None) -> str:
        """Say what is wrong, for a message; ``sums`` are those that the file should have."""
        if self.size is None:
            return "is missing or cannot be read"
        if sums is None:
            return "is damaged"
        wrong = []
        if self.size != sums.size:
            wrong.append(f"has {self.size:,} bytes instead of {sums.size:,}")
        if places := _describe_places(self.blocks, sums):
            wrong.append(f"does not have its checksum {places}")
        return " and ".join(wrong) or "does not have its checksum in its header"


def check_file(path: Path, sums: FileSums) -> Damage | None:
    """Compare a file with its checksums.

    It is read block by block: memory does not grow with the file.

    Returns
    -------
    Damage or None
        None if the file is as it was written.
    """
    everything = tuple(range(len(sums.sums) - 1))
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            found = [zlib.crc32(piece) for piece in _read_blocks(file, sums)]
    except OSError:
        return Damage(None, everything)
    bad = tuple(i for i in everything if found[i + 1] != sums.sums[i + 1])
    if bad or found[0] != sums.sums[0] or size != sums.size:
        return Damage(size, bad)
    return None


@dataclass(frozen=True)
class Checksums:
    """The checksums of a store.

    Attributes
    ----------
    plan : dict
        What the store was made by; see :mod:`mien.pipeline.store_folder`. With it, a store whose
        manifest is lost is known again.
    files : dict of str to FileSums
        By name in the store's folder.
    """

    plan: dict[str, Any]
    files: dict[str, FileSums]


def write_checksums(folder: Path, checksums: Checksums) -> None:
    """Write a store's checksums, with their own."""
    files = {name: sums.to_json() for name, sums in sorted(checksums.files.items())}
    content = {"schema": _SCHEMA, "plan": checksums.plan, "files": files}
    write_json(folder / CHECKSUMS, seal(content), durable=True)


def read_checksums(folder: Path) -> Checksums | None:
    """Read a store's checksums.

    Returns
    -------
    Checksums or None
        None if there are none, or their file is damaged.
    """
    try:
        content = json.loads((folder / CHECKSUMS).read_text(encoding="utf-8"))
        if content["schema"] != _SCHEMA or not is_sealed(content):
            return None
        files = {name: FileSums.from_json(told) for name, told in content["files"].items()}
        return Checksums(content["plan"], files)
    except (OSError, ValueError, LookupError, TypeError):
        return None


def seal(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a JSON object with its own checksum, as the key ``checksum``."""
    return {**content, "checksum": _digest(content)}


def is_sealed(content: Mapping[str, Any]) -> bool:
    """Tell whether an object that :func:`seal` returned is unchanged."""
    own = {key: value for key, value in content.items() if key != "checksum"}
    return content.get("checksum") == _digest(own)


def _digest(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _read_blocks(file: IO[bytes], sums: FileSums) -> Iterator[bytes]:
    """Read the head and each block; what is not there is empty or short."""
    yield file.read(sums.head)
    left = sums.size - sums.head
    for _ in sums.sums[1:]:
        yield file.read(min(sums.block, left))
        left -= sums.block


def _describe_places(blocks: tuple[int, ...], sums: FileSums) -> str:
    if not blocks:
        return ""
    if not sums.rows:
        return f"in {len(blocks)} of {len(sums.sums) - 1} blocks"
    first, total = blocks[0] * sums.rows, (sums.size - sums.head) * sums.rows // sums.block
    told = f"in rows {first:,} to {min(first + sums.rows, total) - 1:,}"
    return told + (f" and in {len(blocks) - 1} more blocks" if len(blocks) > 1 else "")
