"""Shared libraries that MediaPipe's and OpenCV's wheels take from the system."""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Library:
    """A shared library, and the package of it in each family of distributions.

    Attributes
    ----------
    name : str
        The name the loader looks for, ``"libEGL.so.1"``.
    user : str
        Which dependency cannot be imported without it.
    debian, fedora : str
        The package that holds it.
    """

    name: str
    user: str
    debian: str
    fedora: str


LIBRARIES: tuple[Library, ...] = (
    Library("libEGL.so.1", "MediaPipe", "libegl1", "libglvnd-egl"),
    Library("libGLESv2.so.2", "MediaPipe", "libgles2", "libglvnd-gles"),
    Library("libGL.so.1", "OpenCV", "libgl1", "libglvnd-glx"),
    Library("libgthread-2.0.so.0", "OpenCV", "libglib2.0-0", "glib2"),
)
"""What the wheels for Linux need besides the C and C++ runtime. Other systems have it all."""


def missing_libraries() -> tuple[Library, ...]:
    """Return the libraries that the loader does not find, without importing their users."""
    if sys.platform != "linux":
        return ()
    return tuple(library for library in LIBRARIES if not can_load(library.name))


def can_load(name: str) -> bool:
    """Say whether the loader finds a shared library and all that it needs."""
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def install_line(missing: Sequence[Library]) -> str:
    """Return the line to type that installs these libraries on this distribution."""
    family = distribution_family()
    if family == "debian":
        packages = " ".join(library.debian for library in missing)
        sudo = _sudo()
        return f"{sudo}apt-get update && {sudo}apt-get install -y {packages}"
    if family == "fedora":
        return f"{_sudo()}dnf install -y " + " ".join(library.fedora for library in missing)
    names = ", ".join(library.name for library in missing)
    return f"Install the system packages that hold {names} (libglvnd and glib on most systems)."


def distribution_family() -> str:
    """Return ``"debian"``, ``"fedora"`` or ``""`` for any other system."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return ""
    names = {release.get("ID", ""), *release.get("ID_LIKE", "").split()}
    if names & {"debian", "ubuntu"}:
        return "debian"
    return "fedora" if names & {"fedora", "rhel", "centos"} else ""


def _sudo() -> str:
    return "" if os.geteuid() == 0 else "sudo "
