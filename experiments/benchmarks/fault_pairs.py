"""Two commands at once on one store, study or folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mien.experiments.benchmarks.fault_jobs import (
    Compare,
    Export,
    Extract,
    Job,
    Tune,
    TuneInJournal,
    list_left,
)
from mien.experiments.benchmarks.fault_processes import Command, Ended, run_apart
from mien.pipeline.store import FeatureStore


@dataclass(frozen=True)
class PairResult:
    """What became of two commands at once.

    Attributes
    ----------
    name : str
    outcome : str
        In words.
    harmless : bool
        Whether what was made is what one of them alone makes, and every refusal was said.
    """

    name: str
    outcome: str
    harmless: bool


def run_pairs(
    pictures: Path,
    store: Path,
    folder: Path,
    expected: Callable[[Job], Any],
    *,
    tell: Callable[[str], None] = print,
) -> list[PairResult]:
    """Run pairs of commands at once.

    Parameters
    ----------
    pictures, store : Path
        What they read.
    folder : Path
    expected : callable
        Returns what a job makes when it is undisturbed.
    tell : callable
    """
    jobs: list[Job] = [Extract(pictures), Compare(store), Export(store), Tune(store),
                       TuneInJournal(store)]  # fmt: skip
    results = []
    for number, job in enumerate(jobs):
        results.append(_run_twice(job, folder / f"{number}", expected(job)))
        tell(f"{results[-1].name}: {results[-1].outcome}")
    for overwriting in (False, True):
        results.append(_change_while_read(pictures, store, folder, expected, overwriting))
        tell(f"{results[-1].name}: {results[-1].outcome}")
    return results


def _run_twice(job: Job, place: Path, expected: Any) -> PairResult:
    processes = [Command(job.words(place), at) for at in (place, place.with_name(f"{place.name}b"))]
    ends = [process.finish() for process in processes]
    refused = sum(end.told for end in ends)
    finished = sum(end.code == 0 for end in ends)
    same, left = job.is_same(expected, run_apart(job.read, place)), list_left(place)
    outcome = f"{finished} finished, {refused} refused with a message; "
    outcome += "the result is that of one alone" if same else "the result DIFFERS"
    if isinstance(job, Tune):
        trials = [str(params) for params, *_ in job.list_done(place).values()]
        outcome += f"; {len(trials) - len(set(trials))} of {len(trials)} trials done twice"
    if left:
        outcome += f"; left: {', '.join(left)}"
    harmless = same and not left and finished >= 1 and finished + refused == 2
    return PairResult(f"two `mien {job.name}` on one place", outcome + _tell_faults(ends), harmless)


def _change_while_read(
    pictures: Path,
    store: Path,
    folder: Path,
    expected: Callable[[Job], Any],
    overwriting: bool,
) -> PairResult:
    """Extend a store, or overwrite it with fewer rows, while it is compared."""
    name = "overwritten" if overwriting else "extended"
    copy = folder / name / "store"
    shutil.copytree(store, copy)
    job, place = Compare(copy), folder / name / "place"
    reader = Command(job.words(place), place)
    words = ["extract", str(pictures), "--out", str(copy), "--workers", "1", "--families"]
    words += ["blendshapes", "--limit", "70", "--overwrite"] if overwriting else ["pose"]
    ends = [Command(words, folder / name / "other").finish(), reader.finish()]
    refused = ends[1].told
    same = ends[1].code == 0 and run_apart(job.read, place) == expected(Compare(store))
    whole = ends[0].code == 0 and FeatureStore.open(copy).families is not None
    outcome = "the comparison was refused with a message" if refused else (
        "the comparison is that of the store as it was" if same else "the comparison DIFFERS"
    )  # fmt: skip
    outcome += "" if whole else "; the store is NOT whole"
    return PairResult(
        f"`mien compare` of a store that is {name} meanwhile",
        outcome + _tell_faults(ends),
        (same or (refused and overwriting)) and whole,
    )


def _tell_faults(ends: list[Ended]) -> str:
    faults = [end.err[-2000:] for end in ends if end.code and not end.told]
    return "".join(f"; FAILED: {text}" for text in faults)
