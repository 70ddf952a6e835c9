"""What is a clip, and not a picture."""

from __future__ import annotations

import re
from pathlib import Path

from mien.pipeline.picture_header import starts_like_picture

CLIP_ENDINGS = frozenset(
    (
        ".3gp",
        ".avi",
        ".flv",
        ".m2ts",
        ".m4v",
        ".mkv",
        ".mov",
        ".mp4",
        ".mpeg",
        ".mpg",
        ".mts",
        ".ogv",
        ".ts",
        ".webm",
        ".wmv",
    )
)
"""File endings, in lower case, that are taken for clips."""

_WEBCAM = re.compile(r"webcam:(\d{1,3})", re.IGNORECASE)
_START_BYTES = 64
_SIGNATURES = (
    re.compile(rb"....ftyp(?!avi[fs]|mi[af]1|msf1|he[iv][cmsx])", re.DOTALL),  # MP4, QuickTime
    re.compile(rb"RIFF....AVI ", re.DOTALL),
    re.compile(rb"\x1a\x45\xdf\xa3"),  # Matroska, WebM
    re.compile(rb"\x00\x00\x01\xba"),  # MPEG
    re.compile(rb"FLV\x01"),
)


def is_clip(source: str | Path) -> bool:
    """Tell whether a source is a clip or a webcam.

    Parameters
    ----------
    source : str or Path
        ``webcam:0``, or a file: the beginning decides, so that a clip with another ending is one,
        and where it is of no known format, the ending.
    """
    if parse_webcam(source) is not None:
        return True
    path = Path(source)
    if path.is_dir():
        return False
    try:
        with path.open("rb") as file:
            start = file.read(_START_BYTES)
    except OSError:
        start = b""
    if any(signature.match(start) for signature in _SIGNATURES):
        return True
    return not starts_like_picture(start) and path.suffix.lower() in CLIP_ENDINGS


def parse_webcam(source: str | Path) -> int | None:
    """Return the number of ``webcam:NUMBER``, or None for a file."""
    found = _WEBCAM.fullmatch(str(source))
    return int(found[1]) if found else None
