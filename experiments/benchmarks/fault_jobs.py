"""The commands that are disturbed: how each is started, and what must come of it."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mien.experiments.benchmarks.fault_processes import scratch_of
from mien.experiments.storages import open_storage
from mien.experiments.study_summary import load_study
from mien.files import write_json
from mien.models.bundle import load_bundle
from mien.pipeline.checksums import CHECKSUMS
from mien.pipeline.store import MANIFEST, PARTS, FeatureStore
from mien.pipeline.verified import VERIFIED

FAMILIES = "geometry,patch_hog,blendshapes"
CHANGING = {"created", "command", "environment", "timing", "mien", "store", "extraction"}
"""Keys of results that two equal runs need not share; so are those that end in ``_seconds``."""
_FINISHED = ("COMPLETE", "PRUNED")


def list_left(place: Path) -> list[str]:
    """Return the temporary files that lie in a command's folder and in its temporary one."""
    found = [path for path in place.rglob("*") if _is_temporary(path)]
    return sorted(str(path) for path in (*found, *scratch_of(place, "tmp").iterdir()))


def _is_temporary(path: Path) -> bool:
    hidden = path.name.startswith(".") and path.name != VERIFIED
    return hidden or path.suffix in {".part", ".tmp", ".lock", ".rename", ".checkpoint"}


class Job(ABC):
    """One command.

    Parameters
    ----------
    source : Path
        What it reads: a folder of pictures, or a store.
    """

    name: str

    def __init__(self, source: Path) -> None:
        self.source = source

    @abstractmethod
    def words(self, place: Path) -> list[str]:
        """Return the command that works in a folder."""

    def is_same(self, expected: Any, found: Any) -> bool:
        """Tell whether two runs made the same; see :meth:`read`."""
        return bool(expected == found)

    @abstractmethod
    def read(self, place: Path) -> Any:
        """Return what the finished command made."""

    def list_done(self, place: Path) -> dict[str, Any]:  # noqa: ARG002
        """Return the finished pieces of work, each with what changes when it is done again."""
        return {}

    def count_again(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[int, int]:
        """Count finished pieces of work that were lost, and those that were done again."""
        lost = sum(key not in after for key in before)
        return lost, sum(key in after and after[key] != told for key, told in before.items())

    def count_at_end(self, before: Mapping[str, Any], place: Path) -> tuple[int, int]:
        """Count the same when the command has come to its end."""
        return self.count_again(before, self.list_done(place))


class Extract(Job):
    """``mien extract``: its pieces are parts of 64 rows."""

    name = "extract"

    def words(self, place: Path) -> list[str]:
        """Return the command; see :class:`Job`."""
        return ["extract", str(self.source), "--out", str(place / "store"), "--families", FAMILIES,
                "--workers", "2"]  # fmt: skip

    def read(self, place: Path) -> Any:
        """Return what it made; see :class:`Job`."""
        return read_store(place / "store")

    def list_done(self, place: Path) -> dict[str, Any]:
        """Return its finished pieces; see :class:`Job`."""
        if (place / "store" / MANIFEST).is_file():
            return {MANIFEST: 0}
        parts = (place / "store" / PARTS).glob("[0-9]*.npz")
        return {path.name: path.stat().st_mtime_ns for path in parts}

    def count_again(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[int, int]:
        """Count parts; those of a finished store are in it."""
        return (0, 0) if MANIFEST in after else super().count_again(before, after)

    def count_at_end(self, before: Mapping[str, Any], place: Path) -> tuple[int, int]:
        """Compare the rows that the last run computed with those that were not finished."""
        if MANIFEST in before:
            return 0, 0
        manifest = FeatureStore.open(place / "store").manifest
        rows, part = manifest["rows"], manifest["plan"]["part_rows"]
        total = -(-rows // part)
        sizes = {f"{i:06d}.npz": min(part, rows - i * part) for i in range(total)}
        missing = rows - sum(sizes[name] for name in before)
        again = manifest["extraction"]["rows_computed"] - missing
        return 0, -(-again // part)


class Tune(Job):
    """``mien tune`` over a grid, whose points are the same whatever happened; pieces are trials."""

    name = "tune"
    journal = False

    def words(self, place: Path) -> list[str]:
        """Return the command; see :class:`Job`."""
        return ["tune", str(self.source), "--model", "svm-linear", "--families", "blendshapes",
                "--sampler", "grid", "--trials", "1000", "--storage", self._storage(place),
                "--out", str(place / "tuned.json")]  # fmt: skip

    def _storage(self, place: Path) -> str:
        place.mkdir(parents=True, exist_ok=True)
        return f"journal:{place / 'study.log'}" if self.journal else f"sqlite:///{place / 'it.db'}"

    def read(self, place: Path) -> Any:
        """Return what it made; see :class:`Job`."""
        told = json.loads((place / "tuned.json").read_text(encoding="utf-8"))
        points = {json.dumps(params): end for params, *end in self.list_done(place).values()}
        return {key: told[key] for key in ("parameters", "accuracy", "trials")}, points

    def is_same(self, expected: Any, found: Any) -> bool:
        """Compare the best, the points, and the scores of those that both scored to the end.

        Which trials are cut short depends on which had ended before them.
        """
        (best, points), (other_best, others) = expected, found
        complete = [
            point
            for point in points.keys() & others.keys()
            if points[point][0] == others[point][0] == "COMPLETE"
        ]
        same_scores = all(points[point] == others[point] for point in complete)
        return bool(best == other_best and points.keys() == others.keys() and same_scores)

    def list_done(self, place: Path) -> dict[str, Any]:
        """Return its finished pieces; see :class:`Job`."""
        try:
            with open_storage(self._storage(place), existing=True) as opened:
                assert opened is not None
                trials = load_study(opened, None, shown="it").get_trials()
        except Exception:  # killed before there was a study
            return {}
        return {
            str(trial.number): (dict(sorted(trial.params.items())), trial.state.name, trial.values)
            for trial in trials
            if trial.state.name in _FINISHED
        }


class TuneInJournal(Tune):
    """``mien tune`` whose study is a journal."""

    name = "tune, in a journal"
    journal = True


class Compare(Job):
    """``mien compare``: its pieces are fits."""

    name = "compare"

    def words(self, place: Path) -> list[str]:
        """Return the command; see :class:`Job`."""
        return ["compare", str(self.source), "--out", str(place / "report"), "--models",
                "svm-linear,svm-rbf", "--cv", "stratified:4", "--set",
                "svm-linear.families=blendshapes", "--set",
                "svm-rbf.families=blendshapes"]  # fmt: skip

    def read(self, place: Path) -> Any:
        """Return what it made; see :class:`Job`."""
        folder = place / "report"
        results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
        names = ("report.html", "report.md", "folds.json", "leaks.csv")
        return strip(results), [(folder / name).is_file() for name in names]

    def list_done(self, place: Path) -> dict[str, Any]:
        """Return its finished pieces; see :class:`Job`."""
        cells = (place / "report" / "cells").glob("*.json")
        return {path.name: path.stat().st_mtime_ns for path in cells}


class Export(Job):
    """``mien export``: one piece, begun anew after a kill."""

    name = "export"

    def words(self, place: Path) -> list[str]:
        """Return the command; see :class:`Job`."""
        return ["export", str(self.source), "--model", "svm-rbf", "--set", "families=patch_hog",
                "--out", str(place / "model.joblib")]  # fmt: skip

    def read(self, place: Path) -> Any:
        """Return what it made; see :class:`Job`."""
        features = FeatureStore.open(self.source).features("patch_hog")
        usable = np.isfinite(features[:, 0])
        return load_bundle(place / "model.joblib").predict_proba(features[usable]).tobytes()


JOBS: dict[str, type[Job]] = {
    job.name: job for job in (Extract, Tune, TuneInJournal, Compare, Export)
}


def read_store(folder: Path) -> dict[str, Any]:
    """Return a store's files as they are, and its manifest without times."""
    FeatureStore.open(folder)
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    files = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in (MANIFEST, VERIFIED)
    }
    assert CHECKSUMS in files
    return {**files, MANIFEST: strip({k: v for k, v in manifest.items() if k != "checksum"})}


def strip(value: Any) -> Any:
    """Return results without what two equal runs need not share."""
    if isinstance(value, list):
        return [strip(own) for own in value]
    if not isinstance(value, dict):
        return value
    return {
        key: strip(own)
        for key, own in value.items()
        if key not in CHANGING and not key.endswith("_seconds")
    }


def save_difference(target: Path, expected: Any, found: Any) -> None:
    """Keep two results that should be equal, to be looked at."""
    write_json(target, {"expected": repr(expected)[:20_000], "found": repr(found)[:20_000]})
