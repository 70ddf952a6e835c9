"""Width and height of a picture file, read from its first bytes without decoding it."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable

_Data = bytes | bytearray
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG2000_SIZE = b"\xff\x4f\xff\x51"
_PNM_GAP = rb"(?:\s|#[^\n]*\n)+"
_PNM_SIZE = re.compile(rb"P[1-6]" + _PNM_GAP + rb"(\d{1,9})" + _PNM_GAP + rb"(\d{1,9})\s")
_JPEG_ALONE = frozenset(range(0xD0, 0xD9)) | {0x01}


def read_header_size(data: _Data) -> tuple[int, int] | None:
    """Return the width and height that a picture file declares.

    Parameters
    ----------
    data : bytes or bytearray
        The whole file, or its beginning.

    Returns
    -------
    tuple of int or None
        ``(width, height)`` in pixels as stored, before any EXIF rotation. None for a format that
        is not known here (known: PNG, JPEG, GIF, BMP, WebP, TIFF, JPEG 2000, AVIF, and PBM, PGM and
        PPM) and for a header that is cut short.
    """
    for recognises, measure in _FORMATS:
        if recognises(data):
            try:
                return measure(data)
            except (struct.error, IndexError, ValueError):
                return None
    return None


def starts_like_picture(data: _Data) -> bool:
    """Tell whether the first bytes of a file (16 will do) are those of a known format."""
    return any(recognises(data) for recognises, _ in _FORMATS)


def _png(data: _Data) -> tuple[int, int] | None:
    return struct.unpack_from(">II", data, 16)


def _jpeg(data: _Data) -> tuple[int, int] | None:
    at = 2
    while True:
        at = data.index(b"\xff", at)  # libjpeg, too, skips what is between segments
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


def _gif(data: _Data) -> tuple[int, int] | None:
    return struct.unpack_from("<HH", data, 6)


def _bmp(data: _Data) -> tuple[int, int] | None:
    if struct.unpack_from("<I", data, 14)[0] == 12:
        return struct.unpack_from("<HH", data, 18)
    width, height = struct.unpack_from("<ii", data, 18)
    return abs(width), abs(height)


def _webp(data: _Data) -> tuple[int, int] | None:
    kind = data[12:16]
    if kind == b"VP8X":
        return _little(data, 24, 3) + 1, _little(data, 27, 3) + 1
    if kind == b"VP8L":
        bits = _little(data, 21, 4)
        return (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
    if kind == b"VP8 ":
        return _little(data, 26, 2) & 0x3FFF, _little(data, 28, 2) & 0x3FFF
    return None


def _tiff(data: _Data) -> tuple[int, int] | None:
    order = "<" if data[:2] == b"II" else ">"
    start = struct.unpack_from(order + "I", data, 4)[0]
    sizes: dict[int, int] = {}
    for entry in range(struct.unpack_from(order + "H", data, start)[0]):
        at = start + 2 + 12 * entry
        tag, kind = struct.unpack_from(order + "HH", data, at)
        if tag in (256, 257):
            sizes[tag] = struct.unpack_from(order + ("H" if kind == 3 else "I"), data, at + 8)[0]
    return (sizes[256], sizes[257]) if len(sizes) == 2 else None


def _jpeg2000(data: _Data) -> tuple[int, int] | None:
    right, bottom, left, top = struct.unpack_from(">IIII", data, data.index(_JPEG2000_SIZE) + 8)
    return right - left, bottom - top


def _avif(data: _Data) -> tuple[int, int] | None:
    """Return the largest of the sizes: a file may hold a thumbnail, or its parts, too."""
    sizes = [struct.unpack_from(">II", data, at.end() + 4) for at in re.finditer(b"ispe", data)]
    return max(sizes, key=lambda size: size[0] * size[1], default=None)


def _pnm(data: _Data) -> tuple[int, int] | None:
    found = _PNM_SIZE.match(data)
    return (int(found[1]), int(found[2])) if found else None


def _little(data: _Data, at: int, length: int) -> int:
    if len(data) < at + length:
        raise IndexError(at)
    return int.from_bytes(data[at : at + length], "little")


_FORMATS: tuple[tuple[Callable[[_Data], bool], Callable[[_Data], tuple[int, int] | None]], ...] = (
    (lambda data: data.startswith(b"\x89PNG\r\n\x1a\n"), _png),
    (lambda data: data.startswith(b"\xff\xd8"), _jpeg),
    (lambda data: data.startswith((b"GIF87a", b"GIF89a")), _gif),
    (lambda data: data.startswith(b"BM"), _bmp),
    (lambda data: data.startswith(b"RIFF") and data[8:12] == b"WEBP", _webp),
    (lambda data: data.startswith((b"II*\0", b"MM\0*")), _tiff),
    (lambda data: data[4:8] == b"jP  " or data.startswith(_JPEG2000_SIZE), _jpeg2000),
    (lambda data: data[4:8] == b"ftyp", _avif),
    (lambda data: data[:1] == b"P" and data[1:2] in b"123456" and data[2:3].isspace(), _pnm),
)
