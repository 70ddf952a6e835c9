"""What a result was computed with: versions, processor, threads."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

import mien
from mien.models.bundle_versions import read_version

PACKAGES: tuple[str, ...] = (
    "keras",
    "mediapipe",
    "numpy",
    "opencv-contrib-python",
    "optuna",
    "pandas",
    "scikit-learn",
    "scipy",
    "tensorflow",
)


def describe_environment() -> dict[str, Any]:
    """Return the results schema's ``environment``."""
    return {
        "mien": mien.__version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": _processor(),
        "processors": os.cpu_count(),
        **{name: read_version(name) for name in PACKAGES},
    }


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
