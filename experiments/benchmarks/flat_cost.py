"""Whether a face costs the same, and a worker as much memory, in a long run as in a short one.

Extractions of 1,000 rows and of all; the last one is kept as the store.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from mien.pipeline.datasets.registry import read_dataset
from mien.pipeline.extract import extract
from mien.pipeline.landmarker_bundle import ensure_landmarker_bundle

SIZES = (1000, None)


def main() -> None:
    """Extract SOURCE to STORE."""
    source, store = sys.argv[1:]
    for limit in SIZES:
        dataset = read_dataset(source, limit=limit)
        with tempfile.TemporaryDirectory() as folder:
            summary = extract(
                dataset,
                Path(folder) / "store" if limit else store,
                bundle=ensure_landmarker_bundle(),
                workers=2,
                on_progress=_tell_tenths(),
            )
        print(
            f"{summary.rows:,} rows, {summary.faces_found:,} faces: {summary.seconds:.0f} s, "
            f"{1000 * summary.seconds / summary.rows:.1f} ms a face, "
            f"worker at most {summary.peak_memory_mb:.0f} MB",
            flush=True,
        )


def _tell_tenths() -> Callable[[int, int], None]:
    """Print the time a face of each tenth of a long run."""
    last = (0, perf_counter())

    def tell(done: int, total: int) -> None:
        nonlocal last
        now = perf_counter()
        if total > 10_000 and done - last[0] >= total // 10:
            ms = 1000 * (now - last[1]) / (done - last[0])
            print(f"  to row {done:,}: {ms:.1f} ms a face", flush=True)
            last = (done, now)

    return tell


if __name__ == "__main__":
    main()
