"""A picture as a program gives it: a path, a file's bytes, an open file, an array, a PIL image."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np

from mien.errors import MienError
from mien.pipeline.datasets.layout import to_text
from mien.pipeline.picture_decoding import check_size, convert_pixels, decode_picture
from mien.pipeline.pictures import MAX_FILE_BYTES, FilePictures
from mien.pipeline.quiet import quiet_native_stderr
from mien.pipeline.reasons import PictureError, Reason

_PIECE_BYTES = 1 << 20
_PIL_MODES = frozenset(("1", "L", "I;16", "I;16L", "I;16B", "RGB", "RGBA"))
"""Modes whose arrays mean what an array of their shape and type means here."""
_EXPECTED = (
    "Give a path, the bytes of a picture file, a file opened in binary mode, an array of pixels or "
    "a PIL image."
)
_SHAPES = "(height, width), (height, width, 1), (height, width, 3) or (height, width, 4)"


@runtime_checkable
class BinaryFile(Protocol):
    """What bytes are read from."""

    def read(self, size: int = ..., /) -> bytes:
        """Return at most so many bytes; none at the end."""
        ...


@runtime_checkable
class ArrayLike(Protocol):
    """What NumPy makes an array of: a PIL image, a tensor."""

    @property
    def __array_interface__(self) -> dict[str, Any]:
        """Where the pixels lie."""
        ...


Picture: TypeAlias = (
    str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryFile | np.ndarray | ArrayLike
)
"""One picture."""


def is_picture(given: object) -> bool:
    """Tell whether something is one picture, by its type alone."""
    return isinstance(given, (str, os.PathLike, bytes, bytearray, memoryview)) or any(
        hasattr(given, name) for name in ("read", "__array_interface__", "__array__")
    )


def to_pictures(given: Picture | Iterable[Picture]) -> tuple[list[Picture], bool]:
    """Return one or several pictures as a list, and whether it was one.

    Raises
    ------
    MienError
        If something is no picture, or a path leads to no file.
    """
    single = is_picture(given)
    if not single and not isinstance(given, Iterable):
        raise MienError(f"{_tell_type(given)} is no picture.", _EXPECTED)
    pictures: list[Any] = [given] if single else list(given)  # type: ignore[arg-type]
    for picture in pictures:
        if not is_picture(picture):
            raise MienError(f"{_tell_type(picture)} is no picture.", _EXPECTED)
        if isinstance(picture, (str, os.PathLike)):
            _require_file(Path(picture))
    return pictures, single


def _require_file(path: Path) -> None:
    if path.is_dir():
        raise MienError(
            f"{path} is a folder, not a picture.",
            "List its pictures with mien.pipeline.predict.find_pictures([folder]).",
        )
    if not path.exists():
        raise MienError(f"There is no file {path}.", "Give the path of a picture.")


def name_picture(given: Picture) -> str:
    """Return the path that was given; nothing for what has none."""
    return to_text(str(given)) if isinstance(given, (str, os.PathLike)) else ""


def read_picture(given: Picture) -> np.ndarray:
    """Read one picture; the same pixels in a file and in an array give the same.

    Parameters
    ----------
    given : path, bytes, binary file, ndarray or PIL image
        Arrays have the shape (height, width) or (height, width, 1) for grey pixels, (height,
        width, 3) for red, green, blue, or (height, width, 4) with the opacity last; the first row
        is the top. uint8 is taken as it is, uint16 is divided by 257, bool is black and white, and
        floats go from 0 to 1. A PIL image is taken as its pixels lie: an orientation that its file
        tells is not followed.

    Returns
    -------
    ndarray of uint8, shape (height, width) or (height, width, 3)
        Grey or RGB, contiguous; an array that was given in this form is not copied.

    Raises
    ------
    PictureError
        If the picture is damaged, too small or too large, or has a value out of its range.
    MienError
        If the type or shape is none of the above.
    """
    if isinstance(given, (str, os.PathLike)):
        path = Path(given)
        with quiet_native_stderr():
            return FilePictures(path.parent, [path.name]).read(0)
    if isinstance(given, (bytes, bytearray, memoryview)):
        return _decode(bytes(given))
    if isinstance(given, BinaryFile):
        return _decode(_read_file(given))
    return _read_array(given)


def _decode(data: bytes) -> np.ndarray:
    if len(data) > MAX_FILE_BYTES:
        raise PictureError(Reason.TOO_LARGE, f"a file of more than {MAX_FILE_BYTES / 1e9:.1f} GB")
    with quiet_native_stderr():
        return decode_picture(data)


def _read_file(file: BinaryFile) -> bytes:
    """Read to the end, and no more than one piece past the largest size."""
    data = bytearray()
    while len(data) <= MAX_FILE_BYTES:
        try:
            piece = file.read(_PIECE_BYTES)
        except (OSError, ValueError) as error:
            raise PictureError(Reason.UNREADABLE, str(error)) from error
        if not isinstance(piece, (bytes, bytearray)):
            raise MienError(f"A file that gives {_tell_type(piece)} is no picture.", _EXPECTED)
        if not piece:
            break
        data += piece
    return bytes(data)


def _read_array(given: Any) -> np.ndarray:
    pixels = _to_array(given)
    if not (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (1, 3, 4))):
        raise MienError(
            f"Expected pixels of the shape {_SHAPES}, got {pixels.shape}.",
            "Put the channels last, and several pictures in a list.",
        )
    check_size(pixels.shape[1], pixels.shape[0])
    return convert_pixels(_to_unsigned(pixels))


def _to_array(given: Any) -> np.ndarray:
    mode = getattr(given, "mode", None)
    try:
        if isinstance(mode, str) and hasattr(given, "convert") and mode not in _PIL_MODES:
            given = given.convert("RGBA" if _has_opacity(given) else "RGB")
        return np.asarray(given)
    except (OSError, ValueError, SyntaxError) as error:  # of PIL, which decodes only now
        raise PictureError(Reason.UNREADABLE, str(error)) from error


def _has_opacity(image: Any) -> bool:
    """Tell whether a PIL image has an opacity, of its own or in its palette."""
    return image.mode in ("LA", "La", "PA", "RGBa") or "transparency" in getattr(image, "info", {})


def _to_unsigned(pixels: np.ndarray) -> np.ndarray:
    """Return pixels as uint8 or uint16, from black to white."""
    if pixels.dtype == np.bool_:
        return pixels.astype(np.uint8) * np.uint8(255)
    if np.issubdtype(pixels.dtype, np.floating):
        low, high = float(pixels.min()), float(pixels.max())
        if not (low >= 0 and high <= 1):
            raise PictureError(
                Reason.BAD_PIXEL_VALUE, f"floats go from 0 to 1, these from {low:g} to {high:g}"
            )
        return np.rint(pixels * 255).astype(np.uint8)
    if pixels.dtype.newbyteorder("=") in (np.uint8, np.uint16):
        return pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    raise MienError(
        f"Expected pixels of uint8, uint16, bool or float, got {pixels.dtype}.",
        "Values from 0 to 255 become uint8 with .astype('uint8').",
    )


def _tell_type(given: object) -> str:
    return f"A {type(given).__name__}"
