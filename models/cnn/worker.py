"""The child process of :mod:`mien.models.cnn.isolated`."""

from __future__ import annotations

import inspect
import json
import os
import queue
import shutil
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from mien.models.cnn.jobs import (
    Job,
    map_test,
    map_training,
    read_job,
    write_error,
    write_result,
)
from mien.models.cnn.memory import give_back, peak_rss_mb, rss_mb


def main(folder: Path) -> None:
    """Do jobs until the parent closes standard input or dies; then remove the folder.

    Parameters
    ----------
    folder : Path
        Holds a folder for each job, in which the result, or the error, is left.
    """
    jobs = _read_jobs(folder)
    output = _take_standard_output()
    while True:
        _serve(jobs.get(), output)
        give_back()
        _tell(output, kind="done", rss_mb=rss_mb())


def _serve(folder: Path, output: IO[str]) -> None:
    """Do one job; nothing of it is referred to afterwards."""
    try:
        write_result(folder, _do_job(folder, read_job(folder), output))
    except Exception as error:
        write_error(folder, error)
    sys.stdout.flush()


def _do_job(folder: Path, job: Job, output: IO[str]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if job.checkpoint is not None:
        options["checkpoint"] = job.checkpoint
    if "on_step" in inspect.signature(job.estimator.fit).parameters:
        options["on_step"] = _teller(output, "step")
    started = time.perf_counter()
    if job.threads is not None:
        from mien.models.cnn.runtime import load_keras

        load_keras(threads=job.threads)
    job.estimator.fit(
        map_training(folder), job.y, groups=job.groups, on_epoch=_teller(output, "epoch"), **options
    )
    fitted = time.perf_counter()
    probabilities = [job.estimator.predict_proba(map_test(folder, i)) for i in range(job.n_tests)]
    predicted = time.perf_counter()
    return {
        "probabilities": probabilities,
        "classes": job.estimator.classes_,
        "fit_seconds": fitted - started,
        "predict_seconds": predicted - fitted,
        "peak_rss_mb": peak_rss_mb(),
        "estimator": job.estimator if job.return_estimator else None,
        **{
            name: getattr(job.estimator, f"{name}_")
            for name in ("history", "training", "validation_rows", "validation_probabilities")
            if hasattr(job.estimator, f"{name}_")
        },
    }


def _teller(output: IO[str], kind: str) -> Callable[[Any, dict[str, float]], None]:
    def tell(at: Any, logs: dict[str, float]) -> None:
        _tell(output, kind=kind, at=at, logs=logs)

    return tell


def _tell(output: IO[str], **message: Any) -> None:
    output.write(json.dumps(message, default=float) + "\n")
    output.flush()


def _read_jobs(folder: Path) -> queue.SimpleQueue[Path]:
    """Read jobs' folders from standard input; at its end, remove the folder and end this process.

    The parent holds the other end of standard input open; it closes with the parent.
    """
    jobs: queue.SimpleQueue[Path] = queue.SimpleQueue()

    def read(lines: IO[str]) -> None:
        for line in lines:
            if line.endswith("\n"):
                jobs.put(Path(json.loads(line)))
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(1)

    source = os.fdopen(os.dup(0), encoding="utf-8")
    threading.Thread(target=read, args=(source,), daemon=True).start()
    return jobs


def _take_standard_output() -> IO[str]:
    """Keep standard output for news; what libraries print goes to standard error."""
    kept = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(kept, "w", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
