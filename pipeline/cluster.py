"""Extraction on more than one machine: a Dask cluster in place of local workers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from os import PathLike
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from mien.errors import MienError, first_line
from mien.files import writing
from mien.pipeline.faceset import PictureSource
from mien.pipeline.remote_call import list_places, telling_failures

_PATIENCE = 10
"""Seconds that a scheduler has to answer, and its first worker to come."""


@contextmanager
def use_cluster(
    address: str | None,
    *,
    out: str | PathLike[str],
    bundle: Path | None = None,
    pictures: PictureSource | None = None,
) -> Iterator[int | None]:
    """Let extraction inside the block run on a Dask cluster.

    Parameters
    ----------
    address : str or None
        The scheduler's address, ``tcp://host:8786``; with None nothing is changed.
    out : str or path
        The store. All machines must have the folder that it is in, at the same path.
    bundle : Path, optional
        The landmarker's bundle, which they must have, too.
    pictures : PictureSource, optional
        What is read: its folder or archive is needed by all machines.

    Yields
    ------
    int or None
        Workers of the cluster.

    Raises
    ------
    MienError
        If the package ``distributed`` is missing, the scheduler does not answer, it has no
        workers, one of them has several threads, or one does not see a path.

    Notes
    -----
    joblib's Dask backend hands out the tasks (see :func:`mien.pipeline.workers.run_in_workers`), so
    that ``joblib.parallel_config`` does the same for a cluster that is there already.
    """
    if address is None:
        yield None
        return
    from joblib import parallel_config

    needed = [*([bundle] if bundle else []), *list_places(pictures)]
    with _connect(address) as client:
        with telling_failures():
            workers = _count_workers(client, address)
            _check_paths(client, Path(out).absolute().parent, [x.absolute() for x in needed])
        with parallel_config(backend="dask", client=client):
            yield workers


@contextmanager
def _connect(address: str) -> Iterator[Any]:
    try:
        from distributed import Client
    except ImportError as error:
        raise MienError(
            f"--cluster needs the package distributed ({error}).",
            "Install it: python -m pip install distributed",
        ) from error
    try:
        client = Client(address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise MienError(
            f"No Dask scheduler answers at {address} ({first_line(error)}).",
            "Start one with: dask scheduler. It prints its address, such as tcp://host:8786.",
        ) from error
    try:
        yield client
    finally:
        with suppress(OSError):  # the scheduler may be gone
            client.close()


def _count_workers(client: Any, address: str) -> int:
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


def _check_paths(client: Any, shared: Path, needed: Sequence[Path]) -> None:
    """Ask every worker for a file that was written just now, and for the paths that are read."""
    with _probe(shared) as probe:
        missing = client.run(_find_missing, [probe, *map(str, needed)])
    for worker, paths in sorted(missing.items()):
        if paths:
            place = shared if paths[0] == probe else paths[0]
            raise MienError(
                f"The Dask worker {worker} does not see {place}.",
                "All machines need it at the same path: use a shared folder.",
            )


@contextmanager
def _probe(folder: Path) -> Iterator[str]:
    """Give the name of a file in a folder that is there for as long as the block runs."""
    with writing(folder, "Choose another folder with --out."):
        folder.mkdir(parents=True, exist_ok=True)
        file = NamedTemporaryFile(dir=folder, prefix=".mien-")  # noqa: SIM115
    with file:
        yield file.name


def _find_missing(paths: Sequence[str]) -> list[str]:
    """Return those of the paths that this machine does not have."""
    return [path for path in paths if not Path(path).exists()]
