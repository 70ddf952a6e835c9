"""One task on another machine: what must be the same there, and what is told when it is not."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import mien
from mien.errors import MienError, first_line
from mien.features.registry import PLUGINS
from mien.pipeline.faceset import PictureSource
from mien.pipeline.parts import FamilyTask, PartDone, PartTask, peak_memory_mb

Task = TypeVar("Task")
Result = TypeVar("Result")

_LOOK_EVERY = 1.0
"""Seconds between two looks at whether a cluster is still connected, when no result comes."""

_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class RemoteCall(Generic[Task, Result]):
    """A function as another machine runs it: in this folder, with these feature families.

    A process runs one call at a time, for the landmarker's networks are not made for several
    threads. A part that is there already is not made again: its worker died after writing it and
    before it could say so.

    Attributes
    ----------
    function : callable
        Of one task.
    folder : str
        The working folder, from which relative paths count.
    families : str
        The environment variable that names files and modules of feature families.
    version : str
        Of Mien.
    """

    function: Callable[[Task], Result]
    folder: str
    families: str
    version: str

    @classmethod
    def of(cls, function: Callable[[Task], Result]) -> RemoteCall[Task, Result]:
        """Wrap a function with what holds in this process."""
        return cls(function, str(Path.cwd()), os.environ.get(PLUGINS, ""), mien.__version__)

    def __call__(self, task: Task) -> Result | PartDone:
        """Run the function; raises MienError if this machine is not set up like the first."""
        if self.version != mien.__version__:
            raise MienError(
                f"A machine of the cluster has version {mien.__version__} of Mien, this one "
                f"{self.version}.",
                "Install the same version on all machines.",
            )
        pictures = getattr(task, "pictures", None)
        for place in (Path(self.folder), *list_places(pictures)):
            if not (self.folder / place).exists():
                raise MienError(
                    f"A machine of the cluster does not have {place}.",
                    "All machines need it at the same path: use a shared folder.",
                )
        with _one_at_a_time, chdir(self.folder):
            os.environ[PLUGINS] = self.families
            if isinstance(task, (PartTask, FamilyTask)) and task.target.is_file():
                rows = len(task.skip if isinstance(task, PartTask) else task.mesh)
                return PartDone(rows, peak_memory_mb())
            return self.function(task)


def list_places(pictures: PictureSource | None) -> list[Path]:
    """Return the folder or archive that pictures are read from; nothing where they are at hand."""
    found = (getattr(pictures, name, None) for name in ("root", "path"))
    return [Path(place) for place in found if place is not None]


def run_in_backend(function: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[Result]:
    """Run a function over tasks in joblib's active backend, each task a job of its own.

    Yields
    ------
    Result
        As they come, in any order.

    Raises
    ------
    MienError
        If the cluster fails: its scheduler goes away, a worker cannot run the function, or dies
        with it several times.
    """
    from joblib import Parallel, delayed
    from joblib.parallel import get_active_backend

    backend, _ = get_active_backend()
    call = delayed(RemoteCall.of(function))
    # a batch of several would be done again as a whole when its worker dies
    parallel = Parallel(return_as="generator_unordered", batch_size=1, backend=backend, n_jobs=-1)
    client = getattr(backend, "client", None)
    with telling_failures():
        if client is None:
            yield from parallel(call(task) for task in tasks)
        else:
            yield from _watch(lambda: parallel(call(task) for task in tasks), client)


def _watch(start: Callable[[], Iterator[Result]], client: Any) -> Iterator[Result]:
    """Yield a backend's results for as long as its client is connected.

    joblib waits for ever for the tasks that Dask cancels when its scheduler goes away.
    """
    connection, found = client.scheduler_comm, queue.SimpleQueue[tuple[str, Any]]()

    def collect() -> None:
        try:
            for result in start():
                found.put(("result", result))
            found.put(("end", None))
        except BaseException as error:
            found.put(("error", error))

    threading.Thread(target=collect, daemon=True).start()
    while True:
        try:
            kind, value = found.get(timeout=_LOOK_EVERY)
        except queue.Empty:
            if client.status != "running" or client.scheduler_comm is not connection:
                raise ConnectionError("the scheduler is gone") from None
            continue
        if kind == "end":
            return
        if kind == "error":
            if client.status != "running" and not isinstance(value, MienError):
                raise ConnectionError("the scheduler is gone") from value
            raise value
        yield value


@contextmanager
def telling_failures() -> Iterator[None]:
    """Turn what a cluster fails with into an error for the user; faults of Mien's own pass."""
    try:
        yield
    except Exception as error:
        of_dask = type(error).__module__.partition(".")[0] in ("distributed", "dask")
        if not of_dask and not isinstance(error, (OSError, ImportError)):
            raise
        raise MienError(
            f"The cluster failed ({type(error).__name__}: {first_line(error)}).",
            "All machines need the same packages and the same paths. Run the same command again; "
            "it goes on where it was.",
        ) from error
