"""The extraction job: a dataset to a feature store, in parts, by several workers, resumable."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import mien
from mien.errors import MienError
from mien.features.base import family_names, get_family
from mien.features.scheme import MESH_POINTS
from mien.pipeline.detector import ATTEMPTS, DETECTOR_VERSION
from mien.pipeline.face_crop import CNN_SIDE, draw_sample
from mien.pipeline.faceset import FaceSet
from mien.files import atomic_path, write_json
from mien.pipeline.landmarker_bundle import BUNDLE_SHA256
from mien.pipeline.parts import PART_COLUMNS, PartTask, extract_part
from mien.pipeline.reasons import PictureError
from mien.pipeline.store import (
    MANIFEST,
    MESH,
    PIXELS,
    ROWS,
    SAMPLES,
    STORE_SCHEMA,
    FeatureStore,
    family_file,
)

PART_ROWS = 128
SAMPLES_PER_CLASS = 3
_PLAN = "plan.json"
_PARTS = "parts"


@dataclass(frozen=True)
class ExtractSummary:
    """What an extraction did.

    Attributes
    ----------
    rows, faces_found : int
    reasons : dict of str to int
        Rows without features, by reason code.
    seconds : float
        Of this run; an earlier, interrupted run is not counted.
    rows_computed : int
        Rows detected in this run.
    workers : int
    peak_memory_mb : float
        The largest worker's peak resident memory.
    """

    rows: int
    faces_found: int
    reasons: dict[str, int]
    seconds: float
    rows_computed: int
    workers: int
    peak_memory_mb: float

    @property
    def failed_share(self) -> float:
        """Share of rows without features."""
        return sum(self.reasons.values()) / self.rows


def extract(
    dataset: FaceSet,
    out: str | Path,
    *,
    bundle: Path,
    families: Sequence[str] | None = None,
    workers: int | None = None,
    overwrite: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> ExtractSummary:
    """Detect and describe every picture of a dataset.

    A run that was interrupted goes on where it was; a finished one is not repeated.

    Parameters
    ----------
    dataset : FaceSet
    out : str or Path
        The store's folder.
    bundle : Path
        The landmarker's verified bundle.
    families : sequence of str, optional
        Feature families; all registered ones by default.
    workers : int, optional
        Processes; one a processor by default.
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
        If ``out`` holds another extraction or something that is not a store, or the dataset is
        empty.
    """
    folder = Path(out)
    names = tuple(families) if families else family_names()
    if len(dataset) == 0:
        raise MienError(f"The dataset {dataset.source} has no pictures.", "Check the path.")
    plan = _make_plan(dataset, names)
    started = time.perf_counter()
    state = _prepare_folder(folder, plan, overwrite=overwrite)
    if state == "finished":
        store = FeatureStore.open(folder)
        if on_progress:
            on_progress(len(dataset), len(dataset))
        return _summarise(store.rows, time.perf_counter() - started, 0, 0, 0.0)
    count = workers or os.cpu_count() or 1
    computed, peak = _run_parts(dataset, folder, names, bundle, count, on_progress)
    _assemble(dataset, folder, names, plan)
    rows = pd.read_parquet(folder / ROWS)
    summary = _summarise(rows, time.perf_counter() - started, computed, count, peak)
    _write_manifest(dataset, folder, plan, summary)
    shutil.rmtree(folder / _PARTS)
    (folder / _PLAN).unlink()
    return summary


def dataset_hash(dataset: FaceSet) -> str:
    """Hash a dataset's rows and pictures; SHA-256 in hexadecimal."""
    digest = hashlib.sha256(dataset.pictures.fingerprint().encode())
    digest.update(dataset.rows.to_csv(index=False).encode())
    return digest.hexdigest()


def _make_plan(dataset: FaceSet, families: Sequence[str]) -> dict[str, Any]:
    """Everything that decides the store's content: equal plans give equal stores."""
    return {
        "schema": STORE_SCHEMA,
        "dataset_hash": dataset_hash(dataset),
        "rows": len(dataset),
        "part_rows": PART_ROWS,
        "detector": {
            "name": "mediapipe",
            "version": DETECTOR_VERSION,
            "bundle_sha256": BUNDLE_SHA256,
            "attempts": [asdict(attempt) for attempt in ATTEMPTS],
        },
        "families": {
            name: {
                "version": get_family(name).version,
                "width": get_family(name).width,
                "options": get_family(name).options(),
            }
            for name in families
        },
    }


def _prepare_folder(folder: Path, plan: dict[str, Any], *, overwrite: bool) -> str:
    """Return ``finished`` or ``open``; make the folder and its plan when needed."""
    existing = _existing_plan(folder)
    if existing == plan:
        return "finished" if (folder / MANIFEST).is_file() else "open"
    if existing is None and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise MienError(
            f"{folder} exists and is not a feature store.", "Choose a new folder with --out."
        )
    if existing is not None and not overwrite:
        raise MienError(
            f"{folder} holds an extraction of other data, families or versions "
            f"({_differences(existing, plan)}).",
            "Choose another folder with --out, or replace it with --overwrite.",
        )
    try:
        if existing is not None:
            shutil.rmtree(folder)
        (folder / _PARTS).mkdir(parents=True, exist_ok=True)
        write_json(folder / _PLAN, plan)
    except OSError as error:
        raise MienError(
            f"{folder} cannot be written ({error.strerror}).", "Choose another folder with --out."
        ) from error
    return "open"


def _existing_plan(folder: Path) -> dict[str, Any] | None:
    for name in (MANIFEST, _PLAN):
        file = folder / name
        if file.is_file():
            try:
                content = json.loads(file.read_text(encoding="utf-8"))
            except ValueError:
                return {}
            return content.get("plan", {}) if name == MANIFEST else content
    return None


def _differences(old: dict[str, Any], new: dict[str, Any]) -> str:
    return ", ".join(key for key in new if old.get(key) != new[key])


def _part_file(folder: Path, number: int) -> Path:
    return folder / _PARTS / f"{number:06d}.npz"


def _part_slices(n: int) -> list[slice]:
    return [slice(start, min(start + PART_ROWS, n)) for start in range(0, n, PART_ROWS)]


def _run_parts(
    dataset: FaceSet,
    folder: Path,
    families: tuple[str, ...],
    bundle: Path,
    workers: int,
    on_progress: Callable[[int, int], None] | None,
) -> tuple[int, float]:
    """Compute the parts that are missing; return rows computed and the workers' peak memory."""
    from joblib import Parallel, delayed, parallel_config

    n = len(dataset)
    unusable = (dataset.rows["reason"] != "").to_numpy()
    open_parts = [
        (number, part)
        for number, part in enumerate(_part_slices(n))
        if not _part_file(folder, number).is_file()
    ]
    computed = sum(part.stop - part.start for _, part in open_parts)
    done, peak = n - computed, 0.0
    if on_progress:
        on_progress(done, n)
    tasks = (
        delayed(extract_part)(
            PartTask(
                target=_part_file(folder, number),
                pictures=dataset.pictures.subset(range(part.start, part.stop)),
                skip=tuple(bool(x) for x in unusable[part]),
                families=families,
                bundle=bundle,
            )
        )
        for number, part in open_parts
    )
    with parallel_config(backend="loky", n_jobs=workers, inner_max_num_threads=1):
        results = Parallel(return_as="generator_unordered", max_nbytes=None)(tasks)
        for result in results:
            done += result.rows
            peak = max(peak, result.peak_memory_mb)
            if on_progress:
                on_progress(done, n)
    return computed, peak


def _assemble(
    dataset: FaceSet, folder: Path, families: tuple[str, ...], plan: dict[str, Any]
) -> None:
    """Join the parts into one array a family, the pixels, and the table of rows."""
    n = len(dataset)
    shapes: dict[str, tuple[str, tuple[int, ...], Any]] = {
        "pixels": (PIXELS, (n, CNN_SIDE, CNN_SIDE), np.uint8),
        "mesh": (MESH, (n, MESH_POINTS, 3), np.float32),
    }
    for name in families:
        shape = (n, plan["families"][name]["width"])
        shapes[f"family:{name}"] = (family_file(name), shape, np.float32)
    for key, (file, shape, dtype) in shapes.items():
        with atomic_path(folder / file) as path:
            joined = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
            for number, part in enumerate(_part_slices(n)):
                with np.load(_part_file(folder, number), allow_pickle=False) as content:
                    joined[part] = content[key]
            joined.flush()
            del joined
    rows = _assemble_rows(dataset, folder)
    with atomic_path(folder / ROWS) as path:
        rows.to_parquet(path, index=False)
    write_json(folder / SAMPLES, _draw_samples(dataset, rows, folder))


def _assemble_rows(dataset: FaceSet, folder: Path) -> pd.DataFrame:
    n = len(dataset)
    columns: dict[str, list[np.ndarray]] = {name: [] for name in PART_COLUMNS}
    for number in range(len(_part_slices(n))):
        with np.load(_part_file(folder, number), allow_pickle=False) as content:
            for name in PART_COLUMNS:
                columns[name].append(content[name])
    rows = dataset.rows.copy()
    for name, arrays in columns.items():
        values = np.concatenate(arrays)
        if name == "reason":
            values = np.where(rows["reason"] != "", rows["reason"].to_numpy(dtype=str), values)
        rows[name] = values.astype(str) if values.dtype.kind == "U" else values
    return rows


def _draw_samples(dataset: FaceSet, rows: pd.DataFrame, folder: Path) -> list[dict[str, str]]:
    """Draw a few faces of each class, of different persons where persons are known."""
    mesh = np.load(folder / MESH, mmap_mode="r")
    samples = []
    for label in dataset.classes:
        usable = rows[(rows["label"] == label) & (rows["attempt"] == ATTEMPTS[0].name)]
        if (usable["subject"] != "").any():
            usable = usable.drop_duplicates("subject")
        chosen = usable.sample(min(SAMPLES_PER_CLASS, len(usable)), random_state=0)
        for index in chosen.index:
            try:
                picture = dataset.pictures.read(int(index))
            except PictureError:
                continue
            samples.append(
                {
                    "label": label,
                    "caption": str(chosen.loc[index, "picture"]),
                    "picture": draw_sample(picture, np.asarray(mesh[index])),
                }
            )
    return samples


def _summarise(
    rows: pd.DataFrame, seconds: float, computed: int, workers: int, peak: float
) -> ExtractSummary:
    reasons = Counter(rows.loc[rows["reason"] != "", "reason"])
    return ExtractSummary(
        rows=len(rows),
        faces_found=int((rows["attempt"] != "").sum()),
        reasons={str(code): int(count) for code, count in sorted(reasons.items())},
        seconds=seconds,
        rows_computed=computed,
        workers=workers,
        peak_memory_mb=peak,
    )


def _write_manifest(
    dataset: FaceSet, folder: Path, plan: dict[str, Any], summary: ExtractSummary
) -> None:
    write_json(
        folder / MANIFEST,
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
