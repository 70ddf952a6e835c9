"""Extraction of rendered faces by a Dask cluster against local processes: the same faces, in turn.

Both have two workers on this machine. Local workers are started in the time that is measured; those
of the cluster stand ready and have imported Mien. A second measurement hands out tasks that do
nothing, for what a task costs by itself.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter

from mien.experiments.benchmarks.pictures import WORKERS
from mien.pipeline.cluster import use_cluster
from mien.pipeline.datasets.registry import read_dataset
from mien.pipeline.extract import PART_ROWS, extract
from mien.pipeline.faceset import FaceSet
from mien.pipeline.landmarker_bundle import ensure_landmarker_bundle
from mien.pipeline.workers import run_in_workers

_EMPTY_TASKS = 200


def main() -> None:
    """Print the seconds of each round, then the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=200, help="rendered people, 16 faces each")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    dataset = read_dataset(f"rendered:people={arguments.people},seed=0")
    print(f"{len(dataset):,} faces in {-(-len(dataset) // PART_ROWS)} parts, {WORKERS} workers")
    ratios, costs = [], []
    for _ in range(arguments.repeats):
        local = _time_extraction(dataset, None)
        local_task = _time_empty_tasks(None)
        with _start_cluster() as address:
            cluster = _time_extraction(dataset, address)
            task = _time_empty_tasks(address)
        ratios.append(cluster / local)
        costs.append(task)
        print(
            f"local {local:.1f} s, cluster {cluster:.1f} s, ratio {ratios[-1]:.3f}; an empty task "
            f"{1000 * local_task:.1f} ms and {1000 * task:.1f} ms",
            flush=True,
        )
    print(
        f"cluster: {median(ratios):.3f} times the local time, {1000 * median(costs):.1f} ms an "
        f"empty task (medians of {len(ratios)})"
    )


@contextmanager
def _start_cluster() -> Iterator[str]:
    from distributed import LocalCluster

    with LocalCluster(n_workers=WORKERS, threads_per_worker=1, dashboard_address=None) as cluster:
        yield cluster.scheduler_address


def _time_extraction(dataset: FaceSet, address: str | None) -> float:
    bundle = ensure_landmarker_bundle()
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        with use_cluster(address, out=store, bundle=bundle):
            started = perf_counter()
            extract(dataset, store, bundle=bundle, workers=WORKERS)
            return perf_counter() - started


def _time_empty_tasks(address: str | None) -> float:
    """Return seconds a task, workers included that are not started any more."""
    with tempfile.TemporaryDirectory() as folder, use_cluster(address, out=Path(folder) / "store"):
        results = run_in_workers(abs, range(_EMPTY_TASKS + 1), workers=WORKERS)
        next(results)
        started = perf_counter()
        assert len(list(results)) == _EMPTY_TASKS
        return (perf_counter() - started) / _EMPTY_TASKS


if __name__ == "__main__":
    main()
