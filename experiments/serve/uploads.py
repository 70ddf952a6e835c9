"""Files out of requests: bounded in size and time, and refused early when they are something else.

No name and no type that a request tells is used.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from starlette.requests import Request

from mien.experiments.serve.refusals import Refusal
from mien.pipeline.picture_header import starts_like_picture

MAX_PICTURE_BYTES = 32 << 20
"""Bytes that a picture may have."""
MAX_CLIP_BYTES = 512 << 20
"""Bytes that a clip may have."""
_STALLED_SECONDS = 30.0
_START_BYTES = 400
_TRANSPORT_PACKET = 188


async def read_picture(request: Request) -> bytearray:
    """Read a picture file into memory.

    Raises
    ------
    Refusal
        ``too_large``, ``unreadable`` (no known picture format) or ``stalled``.
    """
    data = bytearray()
    async for piece in _read_checked(
        request, MAX_PICTURE_BYTES, starts_like_picture, "This is not a picture of a known format.",
        "Known are JPEG, PNG, WebP, AVIF, GIF, BMP, TIFF, JPEG 2000 and PNM.",
    ):  # fmt: skip
        data += piece
    return data


async def save_clip(request: Request, target: Path) -> None:
    """Write a clip to a file.

    Raises
    ------
    Refusal
        ``too_large``, ``unreadable`` (no known container), ``stalled``, or ``no_space``.
    """
    try:
        with target.open("wb") as file:
            async for piece in _read_checked(
                request, MAX_CLIP_BYTES, starts_like_clip, "This is not a clip of a known format.",
                "Known are MP4, MOV, WebM, Matroska, AVI, Ogg, MPEG, FLV and WMV.",
            ):  # fmt: skip
                file.write(piece)
    except OSError as error:
        raise Refusal(
            507,
            "no_space",
            f"The clip cannot be kept while it is read ({error.strerror}).",
            "Make room in the temporary folder, or set TMPDIR to another one.",
        ) from error


def starts_like_clip(data: bytes | bytearray) -> bool:
    """Tell whether a file begins like a container of video.

    Playlists and lists of other files, which a decoder would follow, do not.
    """
    return any(recognises(data) for recognises in _CONTAINERS)


_Recogniser = Callable[[bytes | bytearray], bool]
_CONTAINERS: tuple[_Recogniser, ...] = (
    lambda data: data[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"),
    lambda data: data.startswith(b"\x1aE\xdf\xa3"),  # Matroska and WebM
    lambda data: data.startswith(b"RIFF") and data[8:12] == b"AVI ",
    lambda data: data.startswith((b"OggS", b"FLV\x01", b"\0\0\x01\xba", b"\0\0\x01\xb3")),
    lambda data: data.startswith(b"0&\xb2u\x8ef\xcf\x11"),  # Windows Media
    lambda data: data[:1] == data[_TRANSPORT_PACKET : _TRANSPORT_PACKET + 1] == b"G",
)


async def _read_checked(
    request: Request, limit: int, recognises: _Recogniser, message: str, hint: str
) -> AsyncIterator[bytes]:
    """Yield a body's pieces once its beginning is known to be of the right kind.

    The rest of a wrong file is read and dropped: a browser shows the answer only then.
    """
    start, known = b"", False
    async for piece in _read_bounded(request, limit):
        if known:
            yield piece
            continue
        if len(start) < _START_BYTES:
            start += piece
        if len(start) >= _START_BYTES and recognises(start):
            known = True
            yield start
    if known:
        return
    if not start:
        raise Refusal(422, "unreadable", "The file is empty.", "Choose another file.")
    if len(start) >= _START_BYTES or not recognises(start):
        raise Refusal(415, "unreadable", message, hint)
    yield start


async def _read_bounded(request: Request, limit: int) -> AsyncIterator[bytes]:
    told = request.headers.get("content-length", "0")
    if not told.isascii() or not told.isdigit() or int(told) > limit:
        raise _too_large(limit)
    count = 0
    pieces = request.stream()
    while True:
        try:
            async with asyncio.timeout(_STALLED_SECONDS):
                piece = await anext(pieces)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise Refusal(
                408, "stalled", "The file stopped arriving.", "Send it again.",
                headers={"connection": "close"},
            ) from error  # fmt: skip
        count += len(piece)
        if count > limit:
            raise _too_large(limit)
        yield piece


def _too_large(limit: int) -> Refusal:
    return Refusal(
        413,
        "too_large",
        f"The file is larger than {limit >> 20} MB.",
        "Choose a smaller one.",
        headers={"connection": "close"},
    )
