"""Commands killed with all their processes at random moments, and started again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mien.experiments.benchmarks.fault_jobs import Job, list_left, save_difference
from mien.experiments.benchmarks.fault_processes import Command, run_apart

_SHARED_MEMORY = Path("/dev/shm")


@dataclass
class Tally:
    """What became of one command's kills.

    Attributes
    ----------
    killed, ended : int
        Times that it was killed, and that it had ended before.
    pieces : int
        Finished pieces of work that there were when it was killed for the last time.
    lost, again : int
        Of them, those that were gone, and those that were done a second time.
    differing : int
        Times that the end was not that of an undisturbed run.
    left : int
        Temporary files that nobody removed.
    names : int
        Semaphores of worker processes that are left in shared memory, 32 bytes each: what would
        remove them was killed, too.
    failed : int
        Times that the last run failed, or printed a traceback.
    """

    name: str
    killed: int = 0
    ended: int = 0
    pieces: int = 0
    lost: int = 0
    again: int = 0
    differing: int = 0
    left: int = 0
    names: int = 0
    failed: int = 0

    @property
    def harmless(self) -> bool:
        """Whether nothing was lost, done twice, different, left or broken."""
        return not (self.lost or self.again or self.differing or self.left or self.failed)


def run_undisturbed(job: Job, place: Path) -> tuple[Any, float]:
    """Run a command; return what it made and its seconds.

    Raises
    ------
    RuntimeError
        If it fails.
    """
    started = time.perf_counter()
    ended = Command(job.words(place), place).finish()
    seconds = time.perf_counter() - started
    if ended.code or ended.traced:
        raise RuntimeError(f"{job.name} failed undisturbed:\n{ended.err}")
    return run_apart(job.read, place), seconds


def kill_at_random(
    job: Job,
    folder: Path,
    *,
    moments: int,
    in_a_row: int = 3,
    seed: int = 0,
    tell: Callable[[str], None] = print,
) -> Tally:
    """Kill a command at moments drawn evenly over its duration, and start it again each time.

    Parameters
    ----------
    job : Job
    folder : Path
        Where the commands work; what they made stays there.
    moments : int
        Kills in all.
    in_a_row : int
        Kills of one piece of work before it may end.
    seed : int
    tell : callable
        Called with a line for each kill and each end.
    """
    expected, seconds = run_undisturbed(job, folder / "undisturbed")
    rng, tally = random.Random(f"{seed} {job.name}"), Tally(job.name)
    for number in range(-(-moments // in_a_row)):
        place, before = folder / f"{number:02d}", dict[str, Any]()
        for _ in range(min(in_a_row, moments - number * in_a_row)):
            moment = rng.uniform(0, seconds)
            process = Command(job.words(place), place)
            killed = process.kill_after(moment)
            tally.killed += killed
            tally.ended += not killed
            tally.names += _count_shared_memory(process.pid)
            finished = job.list_done(place)
            _count(tally, *job.count_again(before, finished))
            before = finished
            state = "killed" if killed else "ended before the kill"
            tell(f"{job.name} {number}: {state}, {moment:.1f} s, {len(finished)} pieces finished")
        tell(f"{job.name} {number}: {_judge(tally, job, place, before, expected)}")
    return tally


def _count(tally: Tally, lost: int, again: int) -> None:
    tally.lost += lost
    tally.again += again


def _judge(tally: Tally, job: Job, place: Path, finished: dict[str, Any], expected: Any) -> str:
    """Let a command that was killed come to its end; count what became of it, and say it."""
    ended = Command(job.words(place), place).finish()
    if ended.code or ended.traced:
        tally.failed += 1
        return f"the last run FAILED with code {ended.code}: {ended.err[-2000:]}"
    tally.pieces += len(finished)
    lost, again = job.count_at_end(finished, place)
    _count(tally, lost, again)
    left = list_left(place)
    tally.left += len(left)
    found = run_apart(job.read, place)
    same = job.is_same(expected, found)
    if not same:
        tally.differing += 1
        save_difference(place / "difference.json", expected, found)
    told = "equal" if same else "DIFFERENT"
    return f"{lost} lost, {again} done twice, {told}, left: {', '.join(left) or 'nothing'}"


def _count_shared_memory(process: int) -> int:
    """Count what a process left in shared memory, whose names hold its number."""
    return len(list(_SHARED_MEMORY.glob(f"*-{process}-*"))) if _SHARED_MEMORY.is_dir() else 0
