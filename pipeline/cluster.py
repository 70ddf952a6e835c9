"""Extraction on more than one machine: a Dask cluster in place of local workers."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import mien
from mien.errors import MienError
from mien.features.registry import PLUGINS
from mien.pipeline.faceset import PictureSource

Task = TypeVar("Task")
Result = TypeVar("Result")

_PATIENCE = 10
"""Seconds that a scheduler has to answer, and its first worker to come."""

_one_at_a_time = threading.Lock()


@contextmanager
def use_cluster(
    address: str | None, *, out: str | Path = ".", reads: Sequence[str | Path] = ()
) -> Iterator[int | None]:
    """Let extraction inside the block run on a Dask cluster.

    Parameters
    ----------
    address : str or None
        The scheduler's address, ``tcp://host:8786``; with None nothing is changed.
    out : str or Path
        What the workers write to; the folder that it is in must be shared by all machines.
    reads : sequence of str or Path
        What the workers read; it must have the same path on all machines.

    Yields
    ------
    int or None
        Workers of the cluster.

    Raises
    ------
    MienError
        If the package ``distributed`` is missing, the scheduler does not answer, it has no
        workers, one of them has several threads, or one does not see a path. Inside the block, if
        the cluster fails.
    """
    if address is None:
        yield None
        return
    from joblib import parallel_config

    with _connect(address) as client:
        workers = _check_workers(client, address)
        _check_paths(client, Path(out).absolute().parent, [Path(path).absolute() for path in reads])
        with parallel_config(backend="dask", client=client):
            yield workers


def list_places(pictures: PictureSource | None) -> list[Path]:
    """Return the folder or archive that pictures are read from; nothing where they are at hand."""
    found = (getattr(pictures, name, None) for name in ("root", "path"))
    return [Path(place) for place in found if place is not None]


@contextmanager
def _connect(address: str) -> Iterator[Any]:
    try:
        from distributed import Client
    except ImportError as error:
        raise MienError(
            f"--cluster needs the package distributed ({error}).",
            "Install it: pip install 'mien[cluster]'",
        ) from error
    try:
        client = Client(address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise MienError(
            f"No Dask scheduler answers at {address} ({_first_line(error)}).",
            "Start one with: dask scheduler. It prints its address, such as tcp://host:8786.",
        ) from error
    with client:
        yield client


def _check_workers(client: Any, address: str) -> int:
    """Return the number of workers; each must have one thread."""
    try:
        client.wait_for_workers(1, timeout=_PATIENCE)
    except TimeoutError as error:
        raise MienError(
            f"The Dask scheduler at {address} has no workers.",
            f"Start some on each machine: dask worker {address} --nworkers 4 --nthreads 1",
        ) from error
    threads: Mapping[str, int] = client.nthreads()
    several = sorted(worker for worker, count in threads.items() if count > 1)
    if several:
        raise MienError(
            f"The Dask worker {several[0]} has {threads[several[0]]} threads; extraction needs "
            "workers of one thread.",
            f"Start it again: dask worker {address} --nworkers {threads[several[0]]} --nthreads 1",
        )
    return len(threads)


def _check_paths(client: Any, shared: Path, reads: Sequence[Path]) -> None:
    """Ask every worker for a file that was written just now, and for the paths that are read."""
    try:
        shared.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=shared, prefix=".mien-") as probe:
            wanted = [probe.name, *map(str, reads)]
            with _told():
                missing = client.run(_find_missing, wanted)
    except OSError as error:
        raise MienError(
            f"{shared} cannot be written ({error.strerror}).", "Choose another folder with --out."
        ) from error
    for worker, paths in sorted(missing.items()):
        if paths:
            place = shared if paths[0] == wanted[0] else paths[0]
            raise MienError(
                f"The Dask worker {worker} does not see {place}.",
                "All machines need it at the same path: use a shared folder.",
            )


def _find_missing(paths: Sequence[str]) -> list[str]:
    """Return those of the paths that this machine does not have."""
    return [path for path in paths if not Path(path).exists()]


@dataclass(frozen=True)
class RemoteCall(Generic[Task, Result]):
    """A function as another machine runs it: in this folder, with these feature families.

    A process runs one call at a time, for the networks are not made for several threads.

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

    def __call__(self, task: Task) -> Result:
        """Run the function; raises MienError if this machine is not set up like the first."""
        if self.version != mien.__version__:
            raise MienError(
                f"A machine of the cluster has version {mien.__version__} of Mien, this one "
                f"{self.version}.",
                "Install the same version on all machines.",
            )
        pictures = getattr(task, "pictures", None)
        for place in (self.folder, *map(str, list_places(pictures))):
            if not Path(self.folder, place).exists():
                raise MienError(
                    f"A machine of the cluster does not have {place}.",
                    "All machines need it at the same path: use a shared folder.",
                )
        with _one_at_a_time, chdir(self.folder):
            os.environ[PLUGINS] = self.families
            return self.function(task)


def run_in_backend(function: Callable[[Task], Result], tasks: Iterator[Task]) -> Iterator[Result]:
    """Run a function over tasks in joblib's active backend, one task a job.

    Yields
    ------
    Result
        As they come, in any order.

    Raises
    ------
    MienError
        If the cluster fails: a worker cannot run the function, or dies with it several times.
    """
    from joblib import Parallel, delayed

    call = delayed(RemoteCall.of(function))
    # a batch of several would be done again as a whole when its worker dies
    parallel = Parallel(return_as="generator_unordered", batch_size=1)
    with _told():
        yield from parallel(call(task) for task in tasks)


@contextmanager
def _told() -> Iterator[None]:
    """Turn what a cluster fails with into an error for the user."""
    try:
        yield
    except Exception as error:
        if not isinstance(error, (OSError, ImportError)) and not _is_of_dask(error):
            raise
        raise MienError(
            f"The cluster failed ({type(error).__name__}: {_first_line(error)}).",
            "All machines need the same packages and the same paths. Run the same command again; "
            "it goes on where it was.",
        ) from error


def _is_of_dask(error: Exception) -> bool:
    return type(error).__module__.partition(".")[0] in ("distributed", "dask")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
