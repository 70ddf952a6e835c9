"""The bytes of a picture file to pixels."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from mien.pipeline.picture_header import read_header_size
from mien.pipeline.reasons import PictureError, Reason

MIN_SIDE = 16
"""Pixels that a picture must have at least, in width and in height."""
MAX_PIXELS = 100_000_000
"""Pixels (width times height) that a picture may have at most."""

_STRIP_PIXELS = 1 << 20
_PNG_HEAD = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = frozenset((b"IHDR", b"PLTE", b"tRNS", b"eXIf", b"IDAT", b"IEND"))


def decode_picture(data: bytes | bytearray) -> np.ndarray:
    """Decode a picture file.

    Parameters
    ----------
    data : bytes or bytearray
        The file's content: PNG, JPEG, GIF, BMP, WebP, TIFF, JPEG 2000, AVIF, PBM, PGM or PPM.

    Returns
    -------
    ndarray of uint8, shape (height, width) or (height, width, 3)
        Grey pixels for a grey file, else RGB; row 0 at the top; contiguous.

    Raises
    ------
    PictureError
        ``UNREADABLE`` for data that is empty, cut short, damaged or not a picture; ``TOO_SMALL``
        under :data:`MIN_SIDE` pixels a side; ``TOO_LARGE`` above :data:`MAX_PIXELS` (found in the
        header, before anything is decoded).

    Notes
    -----
    16-bit values are divided by 257. Transparent pixels are laid over white. EXIF orientation is
    followed, except in pictures that have transparency. CMYK becomes RGB; of an animation the
    first frame is taken. The JPEG library may still print "Corrupt JPEG data" to standard error
    for a damaged file that it can decode.
    """
    if not data:
        raise PictureError(Reason.UNREADABLE, "the file is empty")
    size = read_header_size(data)
    if size is None:
        raise PictureError(Reason.UNREADABLE, "neither a known format nor a whole header")
    check_size(*size)
    if data.startswith(_PNG_HEAD):
        data = _strip_png(data)
    pixels = _decode(data)
    check_size(pixels.shape[1], pixels.shape[0])
    return convert_pixels(pixels, bgr=True)


def check_size(width: int, height: int) -> None:
    """Refuse a picture that is too small or too large.

    Raises
    ------
    PictureError
        ``TOO_SMALL`` or ``TOO_LARGE``, as :func:`decode_picture` does.
    """
    if min(width, height) < MIN_SIDE:
        raise PictureError(Reason.TOO_SMALL, f"{width} x {height} pixels")
    if width * height > MAX_PIXELS:
        raise PictureError(Reason.TOO_LARGE, f"{width} x {height} pixels")


def _strip_png(data: bytes | bytearray) -> bytes:
    """Keep the chunks that decide pixels, checked: libpng prints its complaints to the terminal."""
    kept: list[bytes | bytearray] = [_PNG_HEAD]
    at = len(_PNG_HEAD)
    while True:
        if at + 12 > len(data):
            raise PictureError(Reason.UNREADABLE, "the PNG file is cut short")
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            raise PictureError(Reason.UNREADABLE, "the PNG file is cut short")
        if (kind == b"IHDR") != (at == len(_PNG_HEAD)):
            raise PictureError(Reason.UNREADABLE, "the PNG file is damaged")
        if kind in _PNG_KEPT:
            chunk = data[at:end]
            if zlib.crc32(chunk[4:-4]) != struct.unpack(">I", chunk[-4:])[0]:
                raise PictureError(Reason.UNREADABLE, "the PNG file is damaged")
            kept.append(chunk)
        if kind == b"IEND":
            return b"".join(kept)
        at = end


def _decode(data: bytes | bytearray) -> np.ndarray:
    import cv2

    as_oriented = cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH
    buffer = np.frombuffer(data, np.uint8)
    with _silent_opencv():
        if data.startswith(b"\xff\xd8"):
            return _imdecode(buffer, as_oriented)
        pixels = _imdecode(buffer, cv2.IMREAD_UNCHANGED)
        has_alpha = pixels.ndim == 3 and pixels.shape[2] == 4
        if not has_alpha and (b"eXIf" in data or b"EXIF" in data):
            return _imdecode(buffer, as_oriented)
        return pixels


def _imdecode(buffer: np.ndarray, flags: int) -> np.ndarray:
    import cv2

    try:
        pixels = cv2.imdecode(buffer, flags)
    except (cv2.error, MemoryError) as error:
        raise PictureError(Reason.UNREADABLE, "OpenCV cannot decode it") from error
    if pixels is None or pixels.size == 0:
        raise PictureError(Reason.UNREADABLE, "OpenCV cannot decode it")
    return pixels


@contextmanager
def _silent_opencv() -> Iterator[None]:
    import cv2

    logging = cv2.utils.logging
    before = logging.getLogLevel()
    logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        logging.setLogLevel(before)


def convert_pixels(pixels: np.ndarray, *, bgr: bool = False) -> np.ndarray:
    """Convert to eight bits, grey or RGB; strip by strip, as the steps between are wide.

    Parameters
    ----------
    pixels : ndarray of uint8 or uint16, shape (height, width) or (height, width, channels)
        One channel (grey), three, or four with the opacity last.
    bgr : bool
        Whether the colours are blue, green, red instead of red, green, blue.

    Returns
    -------
    ndarray of uint8, shape (height, width) or (height, width, 3)
        Contiguous; ``pixels`` itself where nothing is to convert.

    Raises
    ------
    PictureError
        ``UNREADABLE`` for another type or number of channels.
    """
    if pixels.ndim == 2 and pixels.dtype == np.uint8:
        return np.ascontiguousarray(pixels)
    height, width, *channels = pixels.shape
    colours = () if channels in ([], [1]) else (3,)
    converted = np.empty((height, width, *colours), np.uint8)
    rows = max(1, _STRIP_PIXELS // width)
    for top in range(0, height, rows):
        strip = pixels[top : top + rows]
        converted[top : top + rows] = _to_grey_or_rgb(_to_eight_bits(strip), bgr)
    return converted


def _to_eight_bits(pixels: np.ndarray) -> np.ndarray:
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype == np.uint16:
        return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    raise PictureError(Reason.UNREADABLE, f"pixels of type {pixels.dtype} have no known range")


def _to_grey_or_rgb(pixels: np.ndarray, bgr: bool) -> np.ndarray:
    import cv2

    if pixels.ndim == 2:
        return pixels
    channels = pixels.shape[2]
    if channels == 1:
        return pixels[:, :, 0]
    if channels not in (3, 4):
        raise PictureError(Reason.UNREADABLE, f"{channels} channels")
    to_rgb = cv2.COLOR_BGR2RGB if channels == 3 else cv2.COLOR_BGRA2RGB
    rgb = cv2.cvtColor(pixels, to_rgb) if bgr else pixels[:, :, :3]
    if channels == 3:
        return rgb
    alpha = pixels[:, :, 3:].astype(np.uint32)
    return ((rgb * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
