"""What is missing on this machine, and the line that mends it."""

from __future__ import annotations

import importlib.util
import os
import platform
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from mien.errors import MienError
from mien.experiments.system_libraries import install_line, missing_libraries
from mien.pipeline.landmarker_bundle import cache_folder, find_landmarker_bundle

Status = Literal["ok", "warning", "problem"]

OPENCV_WHEELS = (
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
    "opencv-python",
    "opencv-python-headless",
)
"""Wheels that all install the one folder ``cv2``; the first is the one Mien depends on."""

MODULES = {"opencv-contrib-python": "cv2", "scikit-learn": "sklearn"}
"""Import names that are not the package's name with underscores."""

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
GIGABYTE = 10**9
LOW_SPACE = 2 * GIGABYTE
LOW_MEMORY = 4 * GIGABYTE


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes
    ----------
    name : str
        What was looked at, in a few words.
    status : {"ok", "warning", "problem"}
        A problem keeps some command from working; a warning does not.
    found : str
        What was found.
    remedy : str
        What to type, or to do where no line does it; empty when all is well.
    """

    name: str
    status: Status
    found: str
    remedy: str = ""


def run_checks() -> list[Check]:
    """Look at this machine: in under a second, without network and without heavy imports.

    Returns
    -------
    list of Check
        In a fixed order, the good ones too.
    """
    return [
        check_python(),
        check_system_libraries(),
        check_packages(),
        check_opencv(),
        check_bundle(),
        check_cache(),
        check_folder("current folder", Path.cwd),
        check_folder("temporary folder", lambda: Path(tempfile.gettempdir())),
        check_processors(),
        check_memory(),
    ]


def exit_code(checks: Sequence[Check]) -> int:
    """Return 1 if any check is a problem, else 0."""
    return int(any(check.status == "problem" for check in checks))


def to_json(checks: Sequence[Check]) -> dict[str, Any]:
    """Return the checks as plain values: ``ok``, and each check's fields."""
    return {"ok": exit_code(checks) == 0, "checks": [asdict(check) for check in checks]}


def render_plain(checks: Sequence[Check]) -> str:
    """Return the checks as text, a line each, a remedy on a line of its own."""
    width = max((len(check.name) for check in checks), default=0)
    lines = []
    for check in checks:
        lines.append(f"{check.status:<7}  {check.name:<{width}}  {check.found}")
        if check.remedy:
            lines.append(f"         {'':<{width}}  {check.remedy}")
    return "\n".join([*lines, "", _closing_line(checks)])


def check_python() -> Check:
    """Compare Python's version with what the installed package asks for."""
    version = platform.python_version()
    found = f"{version} at {sys.executable}"
    wanted = _wanted_python()
    if SpecifierSet(wanted).contains(version, prereleases=True):
        return Check("Python", "ok", found)
    return Check("Python", "problem", found, f"Make the environment with a Python {wanted}.")


def check_system_libraries() -> Check:
    """Look for the shared libraries that MediaPipe and OpenCV take from the system."""
    missing = missing_libraries()
    if not missing:
        return Check("system libraries", "ok", "all found")
    found = ", ".join(f"{library.name} ({library.user})" for library in missing)
    return Check("system libraries", "problem", f"not found: {found}", install_line(missing))


def check_packages() -> Check:
    """Compare installed packages with the versions that Mien's metadata asks for."""
    try:
        wanted = [Requirement(text) for text in metadata.requires("mien") or ()]
    except metadata.PackageNotFoundError:
        remedy = f"{pip_command()} install -e . (in Mien's folder)"
        return Check("packages", "warning", "mien itself is not installed", remedy)
    wanted = [r for r in wanted if r.marker is None or r.marker.evaluate({"extra": ""})]
    faults = {str(r): fault for r in wanted if (fault := _package_fault(r))}
    if not faults:
        return Check("packages", "ok", f"all {len(wanted)} in the versions needed")
    again = "--force-reinstall " if any("incomplete" in f for f in faults.values()) else ""
    names = " ".join(f"'{name}'" for name in faults)
    remedy = f"{pip_command()} install {again}{names}"
    return Check("packages", "problem", "; ".join(faults.values()), remedy)


def check_opencv() -> Check:
    """Look for a second OpenCV wheel, whose files overwrite the first's."""
    versions = {name: v for name in OPENCV_WHEELS if (v := _installed_version(name))}
    found = ", ".join(f"{name} {version}" for name, version in versions.items()) or "none"
    wanted = OPENCV_WHEELS[0]
    pip = pip_command()
    if list(versions) == [wanted]:
        return Check("OpenCV", "ok", found)
    if not versions:
        return Check("OpenCV", "problem", found, f"{pip} install {wanted}")
    pinned = f"{wanted}=={versions[wanted]}" if wanted in versions else wanted
    remedy = (
        f"{pip} uninstall -y {' '.join(versions)} && {pip} install --no-deps {pinned}"
    )  # fmt: skip
    return Check("OpenCV", "warning", f"{found}: each overwrites the others' cv2", remedy)


def check_bundle() -> Check:
    """Look for the face landmarker's model bundle and compare its checksum."""
    try:
        path = find_landmarker_bundle()
    except MienError as error:
        return Check("landmarker bundle", "problem", error.message, error.hint)
    if path is None:
        found = f"not in {cache_folder()}, or damaged"
        return Check("landmarker bundle", "problem", found, "mien doctor --fetch")
    return Check("landmarker bundle", "ok", f"{path}, checksum right")


def check_cache() -> Check:
    """Say whether downloads can be kept."""
    folder = cache_folder()
    if _can_write(folder):
        return Check("cache folder", "ok", str(folder))
    remedy = 'export MIEN_CACHE="$PWD/.cache"'
    return Check("cache folder", "problem", f"{folder} cannot be written", remedy)


def check_folder(name: str, locate: Callable[[], Path]) -> Check:
    """Say whether a folder can be written and has space.

    Parameters
    ----------
    name : str
        The check's name.
    locate : callable
        Returns the folder; an OSError from it means that there is none.
    """
    try:
        folder = locate()
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return Check(name, "problem", f"none ({error.strerror})", "cd to a folder that exists")
    found = f"{folder}, {free / GIGABYTE:.1f} GB free"
    if not os.access(folder, os.W_OK | os.X_OK):
        return Check(name, "problem", f"{folder} cannot be written", _other_folder(name))
    if free < LOW_SPACE:
        return Check(name, "warning", found, _other_folder(name))
    return Check(name, "ok", found)


def check_processors() -> Check:
    """Count processors, and read the variables that limit threads."""
    count = available_processors()
    settings = {name: os.environ[name] for name in THREAD_VARIABLES if os.environ.get(name)}
    odd = [name for name, value in settings.items() if not _is_thread_count(value, count)]
    found = ", ".join([str(count), *(f"{name}={value}" for name, value in settings.items())])
    if odd:
        return Check("processors", "warning", found, "unset " + " ".join(odd))
    return Check("processors", "ok", found)


def check_memory() -> Check:
    """Read how much memory is free for use."""
    free = available_memory()
    if free is None:
        return Check("memory", "ok", "not known on this system")
    found = f"{free / GIGABYTE:.1f} GB available"
    if free < LOW_MEMORY:
        remedy = "Close other programs, or give mien extract the option --workers 1."
        return Check("memory", "warning", found, remedy)
    return Check("memory", "ok", found)


def available_processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def available_memory() -> int | None:
    """Return the bytes of memory that programs can have now; None where the system tells none."""
    try:
        text = Path("/proc/meminfo").read_text(encoding="ascii")
    except OSError:
        return None
    for line in text.splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _closing_line(checks: Sequence[Check]) -> str:
    told = []
    for status, one in (("problem", "problem"), ("warning", "warning")):
        if count := sum(check.status == status for check in checks):
            told.append(f"{count} {one}{'s' if count > 1 else ''}")
    return f"{' and '.join(told)}." if told else "Everything is in order."


def _wanted_python() -> str:
    try:
        return metadata.metadata("mien")["Requires-Python"] or ""
    except metadata.PackageNotFoundError:
        return ">=3.11"


def _package_fault(requirement: Requirement) -> str:
    version = _installed_version(requirement.name)
    if version is None:
        return f"{requirement.name} is missing"
    if not requirement.specifier.contains(version, prereleases=True):
        return f"{requirement.name} {version} is not {requirement.specifier}"
    module = MODULES.get(requirement.name, requirement.name.replace("-", "_"))
    if importlib.util.find_spec(module) is None:
        return f"{requirement.name} {version} is incomplete"
    return ""


def _installed_version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def pip_command() -> str:
    """Return the command of this installation's pip."""
    return f"{shlex.quote(sys.executable)} -m pip"


def _can_write(folder: Path) -> bool:
    """Say whether the folder, or the nearest one above it that exists, can be written."""
    nearest = next(
        path for path in (folder.absolute(), *folder.absolute().parents) if path.exists()
    )
    return nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)


def _other_folder(name: str) -> str:
    if name == "temporary folder":
        return "export TMPDIR=/a/folder/with/space"
    return "cd to another folder, or free some space"


def _is_thread_count(value: str, processors: int) -> bool:
    return value.isascii() and value.isdigit() and 1 <= int(value) <= processors
