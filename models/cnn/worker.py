"""The child process of :mod:`mien.models.cnn.isolated`."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import IO, Any

import numpy as np

from mien.errors import MienError
from mien.models.cnn.isolated import (
    ERROR_FILE,
    JOB_FILE,
    RESULT_FILE,
    TRAINING_FILE,
    Job,
    pictures_file,
)


def main(folder: Path) -> int:
    """Do the job in a folder and leave the result, or the error, in it.

    Parameters
    ----------
    folder : Path
        Holds the job's pickle and arrays.

    Returns
    -------
    int
        Exit code: 0, or 1 after an error.
    """
    _end_with_parent(folder)
    progress = _take_standard_output()
    try:
        job: Job = pickle.loads((folder / JOB_FILE).read_bytes())
        result = _do_job(folder, job, progress)
        partial = folder / f"{RESULT_FILE}.part"
        partial.write_bytes(pickle.dumps(result))
        partial.replace(folder / RESULT_FILE)
    except Exception as error:
        _leave_error(folder, error)
        return 1
    return 0


def peak_rss_mb() -> float:
    """Return this process's largest resident memory in MiB, or NaN where it cannot be had.

    Linux's own count is read first: ``ru_maxrss`` starts at the parent's size after a fork.
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        peak = next(line for line in lines if line.startswith("VmHWM:"))
        return float(peak.split()[1]) / 1024
    except (OSError, StopIteration):
        pass
    try:
        import resource
    except ImportError:
        return float("nan")
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def _do_job(folder: Path, job: Job, progress: IO[str]) -> dict[str, Any]:
    def report(epoch: int, logs: dict[str, float]) -> None:
        progress.write(json.dumps({"epoch": epoch, "logs": logs}) + "\n")
        progress.flush()

    options = {} if job.checkpoint is None else {"checkpoint": job.checkpoint}
    started = time.perf_counter()
    if job.threads is not None:
        from mien.models.cnn.runtime import load_keras

        load_keras(threads=job.threads)
    pictures = np.load(folder / TRAINING_FILE, mmap_mode="r")
    job.estimator.fit(pictures, job.y, groups=job.groups, on_epoch=report, **options)
    fitted = time.perf_counter()
    probabilities = [
        job.estimator.predict_proba(np.load(folder / pictures_file(index), mmap_mode="r"))
        for index in range(job.n_tests)
    ]
    predicted = time.perf_counter()
    return {
        "probabilities": probabilities,
        "classes": job.estimator.classes_,
        "history": getattr(job.estimator, "history_", {}),
        "fit_seconds": fitted - started,
        "predict_seconds": predicted - fitted,
        "peak_rss_mb": peak_rss_mb(),
        "estimator": job.estimator if job.return_estimator else None,
        **{
            name: getattr(job.estimator, f"{name}_")
            for name in ("validation_rows", "validation_probabilities")
            if hasattr(job.estimator, f"{name}_")
        },
    }


def _end_with_parent(folder: Path) -> None:
    """End this process, and remove the folder, when the parent dies.

    The parent holds the other end of standard input open; it closes with the parent.
    """

    def watch(descriptor: int) -> None:
        while os.read(descriptor, 1024):
            pass
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(1)

    threading.Thread(target=watch, args=(os.dup(0),), daemon=True).start()


def _take_standard_output() -> IO[str]:
    """Keep standard output for progress lines; what libraries print goes to standard error."""
    kept = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(kept, "w", encoding="utf-8")


def _leave_error(folder: Path, error: Exception) -> None:
    kind = next(
        (known for known in (MienError, ValueError) if isinstance(error, known)), type(error)
    )
    description = {
        "type": kind.__name__,
        "message": str(error),
        "arguments": [str(argument) for argument in error.args],
        "traceback": "".join(traceback.format_exception(error)),
    }
    (folder / ERROR_FILE).write_text(json.dumps(description), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
