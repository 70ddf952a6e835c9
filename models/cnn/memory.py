"""The memory of this process: how much is resident, and giving back what is not used."""

from __future__ import annotations

import ctypes
import gc
import sys
from pathlib import Path


def rss_mb() -> float:
    """Return this process's resident memory in MiB, or NaN where it cannot be had."""
    return _read_status("VmRSS")


def peak_rss_mb() -> float:
    """Return this process's largest resident memory in MiB, or NaN where it cannot be had.

    Linux's own count is read first: ``ru_maxrss`` starts at the parent's size after a fork.
    """
    peak = _read_status("VmHWM")
    if peak == peak:
        return peak
    try:
        import resource
    except ImportError:
        return float("nan")
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def give_back() -> None:
    """Collect garbage, and hand the free memory to the system where the C library can."""
    gc.collect()
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # not glibc
        return
    trim(0)


def _read_status(key: str) -> float:
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        told = next(line for line in lines if line.startswith(f"{key}:"))
        return float(told.split()[1]) / 1024
    except (OSError, StopIteration):
        return float("nan")
