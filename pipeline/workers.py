"""Worker processes: tasks in, results out as they are finished."""

from __future__ import annotations

import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from mien.errors import MienError
from mien.pipeline.quiet import quiet_native_stderr
from mien.pipeline.remote_call import run_in_backend

Task = TypeVar("Task")
Result = TypeVar("Result")

_ONE_THREAD = {
    f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "BLIS")
}
_AHEAD = 2
"""Tasks handed out for each worker: the one in work and the next."""


def run_in_workers(
    function: Callable[[Task], Result], tasks: Iterable[Task], *, workers: int
) -> Iterator[Result]:
    """Run a function over tasks in processes and yield the results as they come, in any order.

    Parameters
    ----------
    function : callable
        Of one task; both must be picklable.
    tasks : iterable
        Taken when a worker is free, so that few are in memory.
    workers : int
        Processes; even one runs beside this process. They end when the last task is done, when
        the generator is closed, and when this process is gone.

    Yields
    ------
    Result

    Raises
    ------
    MienError
        If a worker process dies.

    Notes
    -----
    Inside ``joblib.parallel_config`` that names a cluster's backend (Dask, Ray), the tasks go to
    that backend instead, and ``workers`` does not count; see :mod:`mien.pipeline.cluster`.
    """
    try:
        if _is_backend_of_another_package():
            yield from run_in_backend(function, tasks)
        else:
            yield from _run_here(function, tasks, workers)
    except BrokenProcessPool as error:
        raise MienError(
            "A worker process was killed or crashed, perhaps for lack of memory.",
            "Run the same command again; it goes on where it was. Fewer --workers need less "
            "memory.",
        ) from error


def _run_here(
    function: Callable[[Task], Result], tasks: Iterable[Task], workers: int
) -> Iterator[Result]:
    from joblib.externals.loky import ProcessPoolExecutor
    from joblib.externals.loky.backend import resource_tracker

    # loky's tracker prints of files that killed workers no longer have
    with quiet_native_stderr():
        resource_tracker.ensure_running()
    # loky replaces a worker that has grown; that is no news to the user
    warnings.filterwarnings("ignore", "A worker stopped while some jobs", UserWarning)
    executor = ProcessPoolExecutor(
        max_workers=workers, initializer=_prepare_worker, initargs=(os.getpid(),), env=_ONE_THREAD
    )
    waiting: set[Future[Result]] = set()
    finished = False
    try:
        for task in tasks:
            waiting.add(executor.submit(function, task))
            if len(waiting) >= _AHEAD * workers:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
        finished = True
    finally:
        _shut_down(executor, kill=not finished)


def _shut_down(executor: Any, *, kill: bool) -> None:
    previous = threading.excepthook
    if kill:
        threading.excepthook = _ignore_thread_error
    try:
        with warnings.catch_warnings():
            # loky asks for psutil where it cannot list a worker's children; ours have none
            warnings.filterwarnings("ignore", "Failed to kill subprocesses", UserWarning)
            executor.shutdown(wait=True, kill_workers=kill)
    finally:
        threading.excepthook = previous


def _ignore_thread_error(error: threading.ExceptHookArgs) -> None:
    """Say nothing of loky's own thread, which may trip over workers that are being killed."""


def _prepare_worker(parent: int) -> None:
    """Leave interrupts to the parent, and end soon after it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)


def _is_backend_of_another_package() -> bool:
    from joblib.parallel import get_active_backend

    backend, _ = get_active_backend()
    return type(backend).__module__ != "joblib._parallel_backends"
