"""Commands on a disk that is full, and in a folder that is read-only, in a mount of their own."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mien.experiments.benchmarks.fault_jobs import Job
from mien.experiments.benchmarks.fault_processes import Ended, run_apart

_FULL = """
mount -t tmpfs -o size={size}k,mode=700 none {place}
{command} >{log}/1.out 2>{log}/1.err; echo $? >{log}/1.code
find {place} -name '.*.part' >{log}/left
mount -o remount,size=2g {place}
{command} >{log}/2.out 2>{log}/2.err; echo $? >{log}/2.code
cp -a {place}/. {kept}/
"""
_READ_ONLY = """
mount --bind {place} {place}
mount -o remount,ro,bind {place}
{command} >{log}/1.out 2>{log}/1.err; echo $? >{log}/1.code
"""


@dataclass
class DiskTally:
    """What became of a command on such a disk.

    Attributes
    ----------
    tried, told : int
        Runs, and those that failed with one message that says why.
    fitted : int
        Runs that had room enough.
    traced, left, differing, failed : int
        Runs with a traceback; half files left; second runs, with room again, that ended otherwise
        than undisturbed, and that failed.
    """

    name: str
    tried: int = 0
    told: int = 0
    fitted: int = 0
    traced: int = 0
    left: int = 0
    differing: int = 0
    failed: int = 0

    @property
    def harmless(self) -> bool:
        """Whether every failure was said, and nothing came of it."""
        return self.tried == self.told + self.fitted and not (
            self.traced or self.left or self.differing or self.failed
        )


def can_mount() -> str:
    """Return why nothing can be mounted here; empty if it can."""
    if sys.platform != "linux":
        return "needs Linux"
    try:
        done = subprocess.run(
            ["unshare", "-rm", "sh", "-c", "mount -t tmpfs none /mnt"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    except OSError as error:
        return str(error)
    return done.stderr.strip()


def fill_disk(
    job: Job,
    folder: Path,
    expected: Any,
    *,
    needed: int,
    shares: tuple[float, ...],
    tell: Callable[[str], None] = print,
) -> DiskTally:
    """Run a command on disks that are too small, and again when there is room.

    Parameters
    ----------
    job : Job
    folder : Path
    expected : object
        What an undisturbed run makes.
    needed : int
        Bytes that it needs.
    shares : tuple of float
        Sizes of the disks, in shares of what is needed.
    tell : callable
    """
    tally = DiskTally(job.name)
    for number, share in enumerate(shares):
        place, log, kept = _make_folders(folder / f"{number}")
        size = max(4, int(needed * share / 1024))
        first, second = _run_mounted(_FULL, job.words(place), place, log, kept=kept, size=size)
        assert second is not None
        tally.tried += 1
        tally.told += first.told
        tally.fitted += first.code == 0
        tally.traced += first.traced or second.traced
        left = (log / "left").read_text().split()
        tally.left += len(left)
        tally.failed += second.code != 0
        same = second.code == 0 and job.is_same(expected, run_apart(job.read, kept))
        tally.differing += second.code == 0 and not same
        tell(
            f"{job.name} on {size} KB: {_describe(first)}; {len(left)} half files; with room: "
            f"{_describe(second)}, {'equal' if same else 'NOT EQUAL'}"
        )
    return tally


def forbid_writing(job: Job, folder: Path, *, tell: Callable[[str], None] = print) -> DiskTally:
    """Run a command whose folder is on a read-only mount."""
    tally = DiskTally(job.name, tried=1)
    place, log, _ = _make_folders(folder)
    words = job.words(place)
    for path in list(place.iterdir()):
        path.unlink()
    first, _ = _run_mounted(_READ_ONLY, words, place, log)
    tally.told += first.told
    tally.fitted += first.code == 0
    tally.traced += first.traced
    tally.left += len(list(place.iterdir()))
    tell(f"{job.name} in a read-only folder: {_describe(first)}")
    return tally


def read_only_source(job: Job, folder: Path, expected: Any) -> tuple[bool, str]:
    """Run a command whose source is on a read-only mount; return whether it ended as usual."""
    place, log, _ = _make_folders(folder)
    first, _ = _run_mounted(_READ_ONLY, job.words(place), job.source, log)
    same = first.code == 0 and job.is_same(expected, run_apart(job.read, place))
    return same, f"{job.name} of a read-only source: {_describe(first)}, equal: {same}"


def _describe(ended: Ended) -> str:
    if ended.code == 0:
        return "finished"
    if ended.told:
        return "said " + " ".join(ended.err.split())[:300]
    return f"FAILED with code {ended.code}: {ended.err[-3000:]}"


def _make_folders(folder: Path) -> tuple[Path, Path, Path]:
    places = folder / "place", folder / "log", folder / "kept"
    for path in places:
        path.mkdir(parents=True)
    return places


def _run_mounted(
    script: str, words: list[str], place: Path, log: Path, **values: Any
) -> tuple[Ended, Ended | None]:
    """Run a script with a mount of its own; return how the command in it ended, once or twice."""
    command = shlex.join([sys.executable, "-m", "mien", *words])
    text = script.format(command=command, place=shlex.quote(str(place)), log=log, **values)
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", f"set -e\nexport COLUMNS=200\nset +e\n{text}"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"The mount failed: {done.stderr}")
    ends = [_read_end(log, number) for number in (1, 2) if (log / f"{number}.code").exists()]
    return ends[0], ends[1] if len(ends) > 1 else None


def _read_end(log: Path, number: int) -> Ended:
    code, out, err = ((log / f"{number}.{name}").read_text() for name in ("code", "out", "err"))
    return Ended(int(code), out, err)
