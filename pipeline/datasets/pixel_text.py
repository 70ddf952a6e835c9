"""Pixels written as text, ``"70 80 82 …"``, to arrays: many rows at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mien.pipeline.reasons import Reason

SIDE = 48
"""Width and height of the faces, in pixels."""

Problem = tuple[Reason, str]
_COUNT = SIDE * SIDE
_VALUES = {str(value).encode(): value for value in range(256)}
_SPACE, _ZERO = 32, 48


def parse_pixel_texts(texts: Sequence[bytes]) -> tuple[np.ndarray, dict[int, Problem]]:
    """Parse rows of pixel values.

    Parameters
    ----------
    texts : sequence of bytes
        Numbers from 0 to 255, separated by blanks, row 0 of the picture first.

    Returns
    -------
    pixels : ndarray of uint8, shape (n, 48, 48)
        Zeros in rows with a problem.
    problems : dict of int to (Reason, str)
        By position: ``WRONG_PIXEL_COUNT`` or ``BAD_PIXEL_VALUE``, and the detail.
    """
    pixels = _parse_tidy(texts)
    if pixels is not None:
        return pixels, {}
    pixels, problems = np.zeros((len(texts), _COUNT), np.uint8), {}
    for row, text in enumerate(texts):
        values = _parse_one(text.split())
        if isinstance(values, bytes):
            pixels[row] = np.frombuffer(values, np.uint8)
        else:
            problems[row] = values
    return pixels.reshape(-1, SIDE, SIDE), problems


def _parse_tidy(texts: Sequence[bytes]) -> np.ndarray | None:
    """Parse rows of numbers with single spaces between; None if there is anything else."""
    if any(text.count(b" ") != _COUNT - 1 for text in texts):
        return None
    digits = np.frombuffer(b"   " + b" ".join(texts) + b" ", np.uint8)
    ends = np.flatnonzero(digits == _SPACE)[3:]
    lengths = np.diff(ends, prepend=2) - 1
    digits = digits - np.uint8(_ZERO)
    others = np.count_nonzero(digits > 9) - len(ends) - 3
    if others or lengths.min() < 1 or lengths.max() > 3:
        return None
    values = digits[ends - 1].astype(np.uint16)
    values += np.where(lengths > 1, digits[ends - 2], 0) * np.uint16(10)
    values += np.where(lengths > 2, digits[ends - 3], 0) * np.uint16(100)
    if values.max() > 255:
        return None
    return values.astype(np.uint8).reshape(-1, SIDE, SIDE)


def _parse_one(tokens: list[bytes]) -> bytes | Problem:
    if len(tokens) != _COUNT:
        return Reason.WRONG_PIXEL_COUNT, f"{len(tokens)} values"
    try:
        return bytes(map(_VALUES.__getitem__, tokens))
    except KeyError:
        return _parse_unusual(tokens)


def _parse_unusual(tokens: list[bytes]) -> bytes | Problem:
    values = []
    for position, token in enumerate(tokens):
        value = int(token) if token.isdigit() and len(token) < 20 else 256
        if value > 255:
            shown = ascii(token[:20].decode("latin-1"))
            return Reason.BAD_PIXEL_VALUE, f"{shown} as value {position + 1}"
        values.append(value)
    return bytes(values)
