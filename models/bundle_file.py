"""A model's file: a joblib file whose gzip header carries the card and a checksum.

A gzip stream may have a comment of any length in its header (RFC 1952, FCOMMENT). Everything that
reads gzip skips it, ``joblib.load`` included; so the card can be read without unpickling, and the
file stays an ordinary joblib file. The comment's first line names the schema, the SHA-256 and the
number of the bytes that follow the line; the rest of the comment is the card as ASCII JSON.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from mien.errors import MienError
from mien.models.bundle_migration import require_schema

_GZIP = b"\x1f\x8b\x08"
_PLAIN, _COMMENTED = 0, 0x10
_HEADER = 10
_MARK = b"mien.bundle/"
_LINE = re.compile(
    rb"(?P<schema>mien\.bundle/\d+) sha256=(?P<sha256>[0-9a-f]{64}) bytes=(?P<bytes>\d+)\n"
)
_LONGEST_LINE = 200
_LARGEST_CARD = 1 << 24
_BLOCK = 1 << 20


@dataclass(frozen=True)
class FileCard:
    """What a model's file says of itself, before anything is unpickled.

    Attributes
    ----------
    record : dict
        As :func:`mien.models.bundle_record.to_record` gives it.
    sha256 : str
        Of all bytes from ``start`` on.
    start : int
        Where what the checksum covers begins.
    size : int
        Bytes that the whole file should have.
    """

    record: dict[str, Any]
    sha256: str
    start: int
    size: int


def write_with_card(stream: BinaryIO, target: Path, record: Mapping[str, Any]) -> None:
    """Write a gzip stream with a card in its header.

    Parameters
    ----------
    stream : binary file
        A gzip stream without options in its header, as zlib writes it.
    target : Path
    record : mapping
        JSON-able, with the key ``schema``.

    Raises
    ------
    OSError
        If ``target`` cannot be written.
    """
    stream.seek(0)
    header = stream.read(_HEADER)
    if header[:4] != _GZIP + bytes([_PLAIN]):
        raise ValueError(f"expected a plain gzip header, got {header!r}")
    card = json.dumps(record, allow_nan=False, separators=(",", ":")).encode("ascii") + b"\0"
    digest = hashlib.sha256(card)
    length = len(card)
    for block in _read_blocks(stream):
        digest.update(block)
        length += len(block)
    line = f"{record['schema']} sha256={digest.hexdigest()} bytes={length}\n".encode("ascii")
    stream.seek(_HEADER)
    with target.open("wb") as file:
        file.write(header[:3] + bytes([_COMMENTED]) + header[4:] + line + card)
        shutil.copyfileobj(stream, file, _BLOCK)


def read_card(path: Path) -> FileCard | None:
    """Read the card of a model's file. Nothing is unpickled; no code of the file runs.

    Parameters
    ----------
    path : Path

    Returns
    -------
    FileCard or None
        None of a file that has no card: of an earlier release, or not a model at all.

    Raises
    ------
    MienError
        If the file cannot be read, has a damaged card, or one of a release that writes cards in
        another way.
    """
    try:
        with path.open("rb") as file:
            if file.read(_HEADER)[:4] != _GZIP + bytes([_COMMENTED]):
                return None
            line = file.readline(_LONGEST_LINE)
            text, end, _ = file.read(_LARGEST_CARD).partition(b"\0")
    except OSError as error:
        raise MienError(
            f"{path} cannot be read ({error.strerror}).", "Name a model from mien export."
        ) from error
    found = _LINE.fullmatch(line)
    record = _parse(text) if end else None
    if not found or not record or record["schema"] != found["schema"].decode():
        if line.startswith(_MARK):
            require_schema(path, {"schema": line.split()[0].decode("ascii", "replace")})
        raise MienError(
            f"{path} is damaged, or not a model: its card cannot be read.",
            "Copy or download the file again, or export it again.",
        )
    start = _HEADER + len(line)
    return FileCard(record, found["sha256"].decode(), start, start + int(found["bytes"]))


def _parse(text: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(text)
    except ValueError:
        return None
    return record if isinstance(record, dict) and "schema" in record else None


def find_damage(path: Path, card: FileCard) -> str:
    """Compare a file with the length and the checksum that its card tells.

    Returns
    -------
    str
        What is wrong; empty of an intact file.
    """
    size = path.stat().st_size
    if size != card.size:
        return f"it has {size:,} bytes, expected {card.size:,}"
    digest = hashlib.sha256()
    with path.open("rb") as file:
        file.seek(card.start)
        for block in _read_blocks(file):
            digest.update(block)
    if digest.hexdigest() != card.sha256:
        return (
            f"its SHA-256 is {digest.hexdigest()[:12]}…, expected {card.sha256[:12]}…: at least "
            "one byte was changed"
        )
    return ""


def require_intact(path: Path, card: FileCard) -> None:
    """Refuse a damaged file.

    Raises
    ------
    MienError
        If the file's length or checksum is not what its card tells.
    """
    if damage := find_damage(path, card):
        raise MienError(
            f"{path} is damaged: {damage}.", "Copy or download the file again, or export it again."
        )


def _read_blocks(file: BinaryIO) -> Iterator[bytes]:
    while block := file.read(_BLOCK):
        yield block
