"""What is lost by kills, full disks, read-only folders, two processes at once, damaged stores.

Each command is really started, on rendered faces, and what it made is compared with what it makes
undisturbed. The end is a table in Markdown.

    python -m mien.experiments.benchmarks.faults --moments 30
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

from mien.experiments.benchmarks.fault_damage import DamageResult, damage_each
from mien.experiments.benchmarks.fault_disks import (
    DiskTally,
    can_mount,
    fill_disk,
    forbid_writing,
    read_only_source,
)
from mien.experiments.benchmarks.fault_jobs import JOBS, Extract, Job
from mien.experiments.benchmarks.fault_kills import Tally, kill_at_random, run_undisturbed
from mien.experiments.benchmarks.fault_pairs import PairResult, run_pairs
from mien.experiments.benchmarks.fault_processes import Command
from mien.pipeline.store import MANIFEST

TRIALS = ("kills", "disks", "pairs", "damage")
_SHARES = (0.05, 0.3, 0.6, 0.9)
_STARTED = time.monotonic()


def main() -> None:
    """Run the trials that were asked for, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moments", type=int, default=30, help="kills of each command")
    parser.add_argument("--in-a-row", type=int, default=3, help="kills before a run may end")
    parser.add_argument("--people", type=int, default=12, help="rendered people, 16 faces each")
    parser.add_argument("--commands", default=",".join(JOBS).replace(", ", "/"))
    parser.add_argument("--trials", default=",".join(TRIALS))
    parser.add_argument(
        "--folder",
        type=Path,
        help="keeps all; a dataset in it is taken",
    )
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    names = [name.replace("/", ", ") for name in arguments.commands.split(",")]
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        faults = Faults(folder, arguments.people, arguments.in_a_row, arguments.seed)
        tables, harmless = faults.run(arguments.trials.split(","), names, arguments.moments)
    print("\n\n".join(tables))
    sys.exit(0 if harmless else 1)


class Faults:
    """The trials, on one small dataset.

    Parameters
    ----------
    folder : Path
        A dataset that is there already is taken.
    people : int
        Rendered people, of 16 faces each.
    in_a_row : int
        Kills before a command may end.
    seed : int
    """

    def __init__(self, folder: Path, people: int, in_a_row: int, seed: int) -> None:
        self._folder = folder.resolve()
        self._in_a_row = in_a_row
        self._seed = seed
        self._pictures = self._folder / "pictures"
        made = self._folder / "made"
        self._store = made / "store"
        if not (self._store / MANIFEST).is_file():
            words = ["render", "--out", str(self._pictures), "--people", str(people)]
            ended = Command(words, made).finish()
            if ended.code:
                raise RuntimeError(ended.err)
            run_undisturbed(Extract(self._pictures), made)
        self._undisturbed = cache(self._run_undisturbed)

    def run(self, trials: list[str], names: list[str], moments: int) -> tuple[list[str], bool]:
        """Run trials; return their tables, and whether all faults were harmless."""
        tables, results = [], []
        for trial in trials:
            table, found = getattr(self, f"_run_{trial}")(names, moments)
            tables.append(table)
            results += found
        return tables, all(result.harmless for result in results)

    def _make(self, name: str) -> Job:
        return JOBS[name](self._pictures if name == "extract" else self._store)

    def _place(self, trial: str, name: str) -> Path:
        return self._folder / trial / name.replace(", ", "-").replace(" ", "-")

    def _run_undisturbed(self, name: str) -> tuple[Any, int]:
        """Return what a job makes, and the bytes of it."""
        place = self._place(f"undisturbed-{os.getpid()}", name)
        made = run_undisturbed(self._make(name), place)[0]
        return made, sum(path.stat().st_size for path in place.rglob("*") if path.is_file())

    def _run_kills(self, names: list[str], moments: int) -> tuple[str, list[Tally]]:
        tallies = [
            kill_at_random(
                self._make(name),
                self._place("kills", name),
                moments=moments,
                in_a_row=self._in_a_row,
                seed=self._seed,
                tell=tell,
            )
            for name in names
        ]
        return tabulate_kills(tallies), tallies

    def _run_disks(self, names: list[str], _: int) -> tuple[str, list[DiskTally]]:
        if reason := can_mount():
            return f"Full and read-only disks were not tried: {reason}.", []
        full, forbidden, lines = [], [], []
        for name in names:
            job, place = self._make(name), self._place("disks", name)
            expected, needed = self._undisturbed(name)
            full.append(
                fill_disk(job, place / "full", expected, needed=needed, shares=_SHARES, tell=tell)
            )
            forbidden.append(forbid_writing(job, place / "read-only", tell=tell))
            same, line = read_only_source(job, place / "source", expected)
            tell(line)
            lines.append(f"`mien {name}`: {'ended as usual' if same else 'FAILED'}")
            forbidden[-1].failed += not same
        table = tabulate_disks("full disk", full) + "\n" + tabulate_rows("read-only", forbidden)
        return f"{table}\n\nWith what they read on a read-only disk: {'; '.join(lines)}.", [
            *full, *forbidden,
        ]  # fmt: skip

    def _run_pairs(self, *_: object) -> tuple[str, list[PairResult]]:
        results = run_pairs(
            self._pictures,
            self._store,
            self._folder / "pairs",
            lambda job: self._undisturbed(job.name)[0],
            tell=tell,
        )
        rows = [(result.name, result.outcome) for result in results]
        return make_table(("at the same time", "what came of it"), rows), results

    def _run_damage(self, *_: object) -> tuple[str, list[DamageResult]]:
        results = damage_each(
            Extract(self._pictures),
            self._store,
            self._folder / "damage",
            seed=self._seed,
            tell=tell,
        )
        return tabulate_damage(results), results


def tell(line: str) -> None:
    """Print what was tried, on standard error."""
    print(f"{time.monotonic() - _STARTED:6.0f} s  {line}", file=sys.stderr, flush=True)


def tabulate_kills(tallies: list[Tally]) -> str:
    """Return the table of the kills."""
    titles = ("command", "killed", "finished pieces of work by then", "lost", "done twice",
              "other result", "files left", "names in /dev/shm left",
              "last run failed")  # fmt: skip
    rows = [
        (
            f"`mien {t.name}`",
            t.killed,
            t.pieces,
            t.lost,
            t.again,
            t.differing,
            t.left,
            t.names,
            t.failed,
        )
        for t in tallies
    ]
    return make_table(titles, rows)


def tabulate_disks(what: str, tallies: list[DiskTally]) -> str:
    """Return the table of runs on bad disks, with its head."""
    titles = ("command", "disk", "tried", "had room", "said so", "traceback", "half files left",
              "other result with room", "failed with room")  # fmt: skip
    return make_table(titles, _disk_rows(what, tallies))


def tabulate_rows(what: str, tallies: list[DiskTally]) -> str:
    """Return further rows of that table."""
    return "\n".join(map(make_row, _disk_rows(what, tallies)))


def tabulate_damage(results: list[DamageResult]) -> str:
    """Return the table of damaged stores."""
    titles = ("file of the store", "damage", "found", "rows computed again", "mended")
    rows = [
        (f"`{r.file}`", r.kind, r.found, r.rows, "byte by byte" if r.mended else "NO")
        for r in results
    ]
    return make_table(titles, rows)


def make_table(titles: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    """Return a table in Markdown."""
    return "\n".join([make_row(titles), "|" + "---|" * len(titles), *map(make_row, rows)])


def make_row(cells: tuple[Any, ...]) -> str:
    """Return a row of a table in Markdown."""
    told = ({True: "yes", False: "NO"}[c] if isinstance(c, bool) else str(c) for c in cells)
    return "| " + " | ".join(told) + " |"


def _disk_rows(what: str, tallies: list[DiskTally]) -> list[tuple[Any, ...]]:
    return [
        (f"`mien {t.name}`", what, t.tried, t.fitted, t.told, t.traced, t.left, t.differing,
         t.failed)
        for t in tallies
    ]  # fmt: skip


if __name__ == "__main__":
    main()
