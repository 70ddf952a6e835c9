"""Extraction against a bare MediaPipe loop: the same pictures, two processes each, in turn.

Ours is all of ``mien extract``: starting workers, reading, the cascade for faces that are hard to
find, landmarks, all default feature families, quality measures, and writing the store. The
baseline is the loop alone: one call a picture, on pictures prepared beforehand, nothing kept.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

from mien.experiments.benchmarks.pictures import (
    WORKERS,
    bare_mediapipe,
    direct_networks,
    parse_arguments,
    read_sample,
    run_in_processes,
)
from mien.pipeline.extract import extract
from mien.pipeline.faceset import FaceSet
from mien.pipeline.landmarker_bundle import ensure_landmarker_bundle


def main() -> None:
    """Print faces a second and the ratios of each round, then the medians."""
    arguments = parse_arguments(__doc__ or "", rows=10_000, repeats=1)
    dataset = read_sample(arguments.source, arguments.rows)
    pictures = [dataset.pictures.read(i) for i in range(len(dataset))]
    detectors = arguments.detectors.split(",")
    ratios: dict[str, list[float]] = {name: [] for name in ("networks alone", *detectors)}
    for _ in range(arguments.repeats):
        bare = run_in_processes(bare_mediapipe, pictures)
        print(f"bare MediaPipe loop: {len(pictures) / bare:6.1f} faces a second", flush=True)
        networks = run_in_processes(direct_networks, pictures)
        _tell(ratios, "networks alone", networks, bare, len(pictures))
        for detector in detectors:
            _tell(ratios, detector, _time_extract(dataset, detector), bare, len(pictures))
    for name, values in ratios.items():
        what = f"mien extract --detector {name}" if name != "networks alone" else name
        print(f"{what}: {median(values):.2f} times the bare loop (median of {len(values)})")


def _tell(
    ratios: dict[str, list[float]], name: str, seconds: float, bare: float, faces: int
) -> None:
    ratios[name].append(bare / seconds)
    print(f"{name}: {faces / seconds:6.1f} faces a second, ratio {bare / seconds:.2f}", flush=True)


def _time_extract(dataset: FaceSet, detector: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        started = perf_counter()
        extract(
            dataset,
            Path(folder) / "store",
            bundle=ensure_landmarker_bundle(),
            detector=detector,
            workers=WORKERS,
        )
        return perf_counter() - started


if __name__ == "__main__":
    main()
