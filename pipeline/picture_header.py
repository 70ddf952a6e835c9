"""Width and height of a picture file, read from its first bytes without decoding it."""

from __future__ import annotations

import struct
from collections.abc import Callable

_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_ALONE = frozenset(range(0xD0, 0xD9)) | {0x01}


def read_header_size(data: bytes) -> tuple[int, int] | None:
    """Return the width and height that a picture file declares.

    Parameters
    ----------
    data : bytes
        The whole file, or its beginning.

    Returns
    -------
    tuple of int or None
        ``(width, height)`` in pixels as stored, before any EXIF rotation. None for a format that
        is not known here (known: PNG, JPEG, GIF, BMP, WebP, TIFF, JPEG 2000, AVIF) and for a header
        that is cut short.
    """
    for recognises, measure in _FORMATS:
        if recognises(data):
            try:
                return measure(data)
            except (struct.error, IndexError):
                return None
    return None


def _png(data: bytes) -> tuple[int, int] | None:
    return struct.unpack_from(">II", data, 16)


def _jpeg(data: bytes) -> tuple[int, int] | None:
    at = 2
    while True:
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in _JPEG_ALONE:
            at += 2
        elif marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return (width, height) if height else None
        else:
            at += 2 + struct.unpack_from(">H", data, at + 2)[0]


def _gif(data: bytes) -> tuple[int, int] | None:
    return struct.unpack_from("<HH", data, 6)


def _bmp(data: bytes) -> tuple[int, int] | None:
    if struct.unpack_from("<I", data, 14)[0] == 12:
        return struct.unpack_from("<HH", data, 18)
    width, height = struct.unpack_from("<ii", data, 18)
    return abs(width), abs(height)


def _webp(data: bytes) -> tuple[int, int] | None:
    kind = data[12:16]
    if kind == b"VP8X":
        return _little(data, 24, 3) + 1, _little(data, 27, 3) + 1
    if kind == b"VP8L":
        bits = _little(data, 21, 4)
        return (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
    if kind == b"VP8 ":
        return _little(data, 26, 2) & 0x3FFF, _little(data, 28, 2) & 0x3FFF
    return None


def _tiff(data: bytes) -> tuple[int, int] | None:
    order = "<" if data[:2] == b"II" else ">"
    start = struct.unpack_from(order + "I", data, 4)[0]
    sizes: dict[int, int] = {}
    for entry in range(struct.unpack_from(order + "H", data, start)[0]):
        at = start + 2 + 12 * entry
        tag, kind = struct.unpack_from(order + "HH", data, at)
        if tag in (256, 257):
            sizes[tag] = struct.unpack_from(order + ("H" if kind == 3 else "I"), data, at + 8)[0]
    return (sizes[256], sizes[257]) if len(sizes) == 2 else None


def _jpeg2000(data: bytes) -> tuple[int, int] | None:
    height, width = struct.unpack_from(">II", data, data.index(b"ihdr") + 4)
    return width, height


def _avif(data: bytes) -> tuple[int, int] | None:
    return struct.unpack_from(">II", data, data.index(b"ispe") + 8)


def _little(data: bytes, at: int, length: int) -> int:
    if len(data) < at + length:
        raise IndexError(at)
    return int.from_bytes(data[at : at + length], "little")


_FORMATS: tuple[tuple[Callable[[bytes], bool], Callable[[bytes], tuple[int, int] | None]], ...] = (
    (lambda data: data.startswith(b"\x89PNG\r\n\x1a\n"), _png),
    (lambda data: data.startswith(b"\xff\xd8"), _jpeg),
    (lambda data: data.startswith((b"GIF87a", b"GIF89a")), _gif),
    (lambda data: data.startswith(b"BM"), _bmp),
    (lambda data: data.startswith(b"RIFF") and data[8:12] == b"WEBP", _webp),
    (lambda data: data.startswith((b"II*\0", b"MM\0*")), _tiff),
    (lambda data: data[4:8] == b"jP  " and b"ihdr" in data, _jpeg2000),
    (lambda data: data[4:8] == b"ftyp" and b"ispe" in data, _avif),
)
