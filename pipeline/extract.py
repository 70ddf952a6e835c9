"""The extraction job: a dataset to a feature store, in parts, by several workers, resumable."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import mien
from mien.errors import MienError
from mien.features.registry import canonical_spec, default_family_names, get_family
from mien.locks import hold_folder
from mien.pipeline.assembly import assemble_store, join_families
from mien.pipeline.checksums import Checksums, write_checksums
from mien.pipeline.detector import ATTEMPTS, DETECTOR_VERSION, DETECTORS, check_detector
from mien.pipeline.faceset import FaceSet, PictureSource
from mien.pipeline.landmarker_bundle import BUNDLE_SHA256
from mien.pipeline.landmarks import FALLBACK
from mien.pipeline.mending import Mending
from mien.pipeline.parts import FamilyTask, PartTask, compute_part
from mien.pipeline.store import PARTS, ROWS, STORE_SCHEMA, FeatureStore
from mien.pipeline.store_folder import Work, begin, prepare_folder, remove_leftovers
from mien.pipeline.store_manifest import read_manifest, write_manifest
from mien.pipeline.workers import run_in_workers

PART_ROWS = 64


@dataclass(frozen=True)
class ExtractSummary:
    """What an extraction did.

    Attributes
    ----------
    rows, faces_found : int
    placed : int
        Rows in which no face was found and landmarks were placed by a fallback.
    reasons : dict of str to int
        Rows without measured landmarks, by reason code.
    seconds : float
        Of this run; an earlier, interrupted run is not counted.
    rows_computed : int
        Rows detected in this run.
    workers : int
    peak_memory_mb : float
        The largest worker's peak resident memory.
    mended : tuple of str
        The store's files that were damaged, and are whole again.
    """

    rows: int
    faces_found: int
    placed: int
    reasons: dict[str, int]
    seconds: float
    rows_computed: int
    workers: int
    peak_memory_mb: float
    mended: tuple[str, ...] = ()

    @property
    def failed_share(self) -> float:
        """Share of rows without measured landmarks."""
        return sum(self.reasons.values()) / self.rows


def extract(
    dataset: FaceSet,
    out: str | Path,
    *,
    bundle: Path,
    families: Sequence[str] | None = None,
    detector: str = DETECTORS[0],
    workers: int | None = None,
    overwrite: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> ExtractSummary:
    """Detect and describe every picture of a dataset.

    A run that was interrupted goes on where it was; a finished one is not repeated. A store that
    lacks some of the families is extended by them: nothing is detected again. A store that is
    damaged is mended: the files are compared with their checksums, and only the rows and families
    that do not have theirs are computed again.

    Parameters
    ----------
    dataset : FaceSet
    out : str or Path
        The store's folder.
    bundle : Path
        The landmarker's verified bundle.
    families : sequence of str, optional
        Specifications of feature families (see
        :func:`mien.features.registry.get_family`); the default ones when left out.
    detector : {"litert", "mediapipe"}
        What runs the landmarker's networks; see :class:`~mien.pipeline.detector.FaceDetector`.
    workers : int, optional
        Processes; one a processor by default (see :func:`mien.pipeline.workers.run_in_workers`).
    overwrite : bool
        Replace a store that holds something else.
    on_progress : callable, optional
        Called with (rows done, rows in all).

    Returns
    -------
    ExtractSummary

    Raises
    ------
    MienError
        If ``out`` holds another extraction or something that is not a store or cannot be
        written, another process extracts into it, the dataset is empty, or a worker process died.
        Finished parts stay in place.
    """
    folder = Path(out)
    names = tuple(dict.fromkeys(map(canonical_spec, families or default_family_names())))
    check_detector(detector)
    if workers is not None and workers < 1:
        raise MienError(f"Expected at least one worker, got {workers}.", "Leave --workers out.")
    if len(dataset) == 0:
        raise MienError(f"The dataset {dataset.source} has no pictures.", "Check the path.")
    job = _Job(dataset, folder, bundle, workers or _count_cpus(), on_progress)
    plan = _make_plan(dataset, names, detector)
    try:
        with hold_folder(folder, "mien extract"):
            return job.do(prepare_folder(folder, plan, overwrite=overwrite))
    except OSError as error:
        raise MienError(
            f"The store {folder} cannot be written ({error}).",
            "Make room or choose another folder with --out. The same command again goes on where "
            "it was.",
        ) from error


def _count_cpus() -> int:
    """Count the processors that this process may use: its affinity and its container's share."""
    from joblib import cpu_count

    return int(cpu_count())


def allowed_failures(text: str, rows: int) -> int:
    """Read how many rows may be without features.

    Parameters
    ----------
    text : str
        A number of rows, ``"100"``, or a share of them, ``"5%"``.
    rows : int
        Rows of the dataset.

    Returns
    -------
    int
        Rounded down.

    Raises
    ------
    MienError
        If the text is neither, or negative.
    """
    number, percent, rest = text.strip().partition("%")
    try:
        value = float(number) / 100 * rows if percent else int(number)
    except ValueError:
        value = -1
    if rest or not 0 <= value < math.inf:
        raise MienError(
            f"Expected a number of rows or a share for --max-failures, got {text!r}.",
            "Write 100 or 5%.",
        )
    return int(value + 1e-9)


@dataclass(frozen=True)
class _Job:
    """One extraction: what is read, where to, by how many."""

    dataset: FaceSet
    folder: Path
    bundle: Path
    workers: int
    on_progress: Callable[[int, int], None] | None

    def do(self, work: Work) -> ExtractSummary:
        """Do what is to be done to a store."""
        if work.missing is None:
            return self.extract(work.plan)
        summary = self.mend(work) if work.damage else None
        if work.missing:
            mended = () if summary is None else summary.mended
            return replace(self.extend(work.plan, work.missing), mended=mended)
        remove_leftovers(self.folder)
        if summary is None:
            self.tell(len(self.dataset))
            summary = _summarise(FeatureStore.open(self.folder).rows, 0.0, 0, 0, 0.0)
        return summary

    def extract(self, plan: dict[str, Any]) -> ExtractSummary:
        """Detect and describe every row."""
        started = time.perf_counter()
        families = {name: family["width"] for name, family in plan["families"].items()}
        unusable = (self.dataset.rows["reason"] != "").to_numpy()

        def make_task(number: int, part: slice) -> PartTask:
            return PartTask(
                target=self._file(number),
                pictures=self._subset(part),
                skip=tuple(bool(x) for x in unusable[part]),
                families=tuple(families),
                bundle=self.bundle,
                detector=plan["detector"]["name"],
            )

        computed, peak = self._run(self._slices(), make_task)
        rows, sums = assemble_store(self.dataset, self.folder, self._files(), families)
        summary = _summarise(rows, time.perf_counter() - started, computed, self.workers, peak)
        write_checksums(self.folder, Checksums(plan, sums))
        _write_manifest(self.dataset, self.folder, plan, summary)
        remove_leftovers(self.folder)
        return summary

    def extend(self, plan: dict[str, Any], missing: tuple[str, ...]) -> ExtractSummary:
        """Describe the rows of a finished store by further families."""
        started = time.perf_counter()
        begin(self.folder, plan, {"extend": sorted(missing)})
        store = FeatureStore.open(self.folder)

        def make_task(number: int, part: slice) -> FamilyTask:
            return FamilyTask(
                target=self._file(number),
                pictures=self._subset(part),
                families=missing,
                mesh=np.asarray(store.mesh[part]),
                blendshapes=np.asarray(store.blendshapes[part]),
            )

        computed, peak = self._run(self._slices(), make_task)
        widths = {name: plan["families"][name]["width"] for name in missing}
        sums = join_families(self.folder, self._files(), widths, len(self.dataset))
        known = {} if store.checksums is None else store.checksums.files
        write_checksums(self.folder, Checksums(plan, {**known, **sums}))
        write_manifest(self.folder, {**store.manifest, "families": plan["families"], "plan": plan})
        remove_leftovers(self.folder)
        return _summarise(store.rows, time.perf_counter() - started, computed, self.workers, peak)

    def mend(self, work: Work) -> ExtractSummary:
        """Compute again what is damaged in a finished store."""
        assert work.checksums is not None
        started = time.perf_counter()
        plan, sums = work.checksums.plan, work.checksums.files
        mending = Mending(
            self.dataset, self.folder, plan, work.damage, sums, self._file, self.bundle
        )
        blocks = {name: list(damage.blocks) for name, damage in work.damage.items()}
        begin(self.folder, plan, {"mend": blocks})
        slices = self._slices()
        computed, peak = self._run({i: slices[i] for i in mending.list_parts()}, mending.make_task)
        write_checksums(self.folder, Checksums(plan, mending.join()))
        rows = pd.read_parquet(self.folder / ROWS)
        seconds = time.perf_counter() - started
        summary = _summarise(rows, seconds, computed, self.workers, peak)
        manifest = read_manifest(self.folder)
        if manifest is None:
            _write_manifest(self.dataset, self.folder, plan, summary)
        elif "checksum" not in manifest:
            write_manifest(self.folder, manifest)
        told = tuple(f"{n} {d.describe(sums.get(n))}" for n, d in sorted(work.damage.items()))
        return replace(summary, mended=told)

    def tell(self, done: int) -> None:
        """Report how many rows are done."""
        if self.on_progress:
            self.on_progress(done, len(self.dataset))

    def _file(self, number: int) -> Path:
        return self.folder / PARTS / f"{number:06d}.npz"

    def _files(self) -> list[Path]:
        return [self._file(number) for number in self._slices()]

    def _slices(self) -> dict[int, slice]:
        n = len(self.dataset)
        starts = range(0, n, PART_ROWS)
        return {i: slice(start, min(start + PART_ROWS, n)) for i, start in enumerate(starts)}

    def _subset(self, part: slice) -> PictureSource:
        return self.dataset.pictures.subset(range(part.start, part.stop))

    def _run(
        self, parts: dict[int, slice], make_task: Callable[[int, slice], PartTask | FamilyTask]
    ) -> tuple[int, float]:
        """Compute the parts that are missing; return rows computed and the workers' peak memory."""
        missing = {i: part for i, part in parts.items() if not self._file(i).is_file()}
        computed = sum(part.stop - part.start for part in missing.values())
        done, peak = len(self.dataset) - computed, 0.0
        self.tell(done)
        tasks = (make_task(number, part) for number, part in missing.items())
        workers = max(1, min(self.workers, len(missing)))
        for result in run_in_workers(compute_part, tasks, workers=workers):
            done += result.rows
            peak = max(peak, result.peak_memory_mb)
            self.tell(done)
        return computed, peak


def dataset_hash(dataset: FaceSet) -> str:
    """Hash a dataset's rows and pictures; SHA-256 in hexadecimal."""
    digest = hashlib.sha256(dataset.pictures.fingerprint().encode())
    digest.update(dataset.rows.to_csv(index=False).encode())
    return digest.hexdigest()


def _make_plan(dataset: FaceSet, families: Sequence[str], detector: str) -> dict[str, Any]:
    """Everything that decides the store's content, as JSON gives it back."""
    plan = {
        "schema": STORE_SCHEMA,
        "dataset_hash": dataset_hash(dataset),
        "rows": len(dataset),
        "part_rows": PART_ROWS,
        "detector": {
            "name": detector,
            "version": DETECTOR_VERSION,
            "bundle_sha256": BUNDLE_SHA256,
            "attempts": [asdict(attempt) for attempt in ATTEMPTS],
        },
        "families": {
            name: {
                "version": get_family(name).version,
                "width": get_family(name).width,
                "options": get_family(name).options,
            }
            for name in families
        },
    }
    return json.loads(json.dumps(plan))


def _summarise(
    rows: pd.DataFrame, seconds: float, computed: int, workers: int, peak: float
) -> ExtractSummary:
    reasons = Counter(rows.loc[rows["reason"] != "", "reason"])
    placed = int(rows["attempt"].str.startswith(FALLBACK).sum())
    return ExtractSummary(
        rows=len(rows),
        faces_found=int((rows["attempt"] != "").sum() - placed),
        placed=placed,
        reasons={str(code): int(count) for code, count in sorted(reasons.items())},
        seconds=seconds,
        rows_computed=computed,
        workers=workers,
        peak_memory_mb=peak,
    )


def _write_manifest(
    dataset: FaceSet, folder: Path, plan: dict[str, Any], summary: ExtractSummary
) -> None:
    write_manifest(
        folder,
        {
            "schema": STORE_SCHEMA,
            "mien": mien.__version__,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "name": dataset.name,
            "layout": dataset.layout,
            "source": dataset.source,
            "notes": list(dataset.notes),
            "extra_columns": list(dataset.extra),
            "dataset_hash": plan["dataset_hash"],
            "classes": list(dataset.classes),
            "rows": summary.rows,
            "faces_found": summary.faces_found,
            "placed": summary.placed,
            "reasons": summary.reasons,
            "families": plan["families"],
            "detector": plan["detector"],
            "extraction": {
                "seconds": round(summary.seconds, 1),
                "rows_computed": summary.rows_computed,
                "workers": summary.workers,
                "peak_memory_mb": round(summary.peak_memory_mb),
            },
            "plan": plan,
        },
    )
