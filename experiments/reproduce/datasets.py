"""From a path to a feature store: opened where it is one, else extracted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mien.errors import MienError
from mien.experiments.reproduce.plan import FAMILIES, NAMES
from mien.experiments.row_data import RowData
from mien.pipeline.store import MANIFEST, FeatureStore

OnStep = Callable[[str], None]


def open_dataset(
    key: str,
    path: Path,
    out: Path,
    *,
    limit: int | None,
    landmarker: Path | None,
    seed: int,
    on_step: OnStep,
) -> RowData:
    """Open a feature store, or make one of a dataset in any layout.

    Parameters
    ----------
    key : {"ck", "fer2013"}
    path : Path
        A store, or a dataset as ``mien extract`` takes it.
    out : Path
        The reproduction's folder; a new store goes below it, and is used again the next time.
    limit : int or None
        Extract at most so many rows.
    landmarker : Path or None
        The landmarker bundle, where it is not the fetched one.
    seed : int
        Of the rows that are drawn with ``limit``.
    on_step : callable
        Called with what is being done.

    Raises
    ------
    MienError
        If the path cannot be read, a store lacks a family, or CK+ has no persons or sequences.
    """
    if (path / MANIFEST).is_file():
        store = FeatureStore.open(path)
    else:
        folder = out / "stores" / (f"{key}-{limit}" if limit else key)
        _extract(key, path, folder, limit=limit, landmarker=landmarker, seed=seed, on_step=on_step)
        store = FeatureStore.open(folder)
    for family in FAMILIES[key]:
        store.features(family)
    return RowData(store)


def _extract(
    key: str,
    path: Path,
    folder: Path,
    *,
    limit: int | None,
    landmarker: Path | None,
    seed: int,
    on_step: OnStep,
) -> None:
    from mien.pipeline.datasets.registry import read_dataset
    from mien.pipeline.extract import extract
    from mien.pipeline.landmarker_bundle import ensure_landmarker_bundle

    if not path.exists():
        raise MienError(f"There is no {NAMES[key]} at {path}.", f"Check the path of --{key}.")
    dataset = read_dataset(path, limit=limit, seed=seed)
    extract(
        dataset,
        folder,
        bundle=ensure_landmarker_bundle(landmarker),
        families=FAMILIES[key],
        on_progress=lambda done, total: on_step(
            f"{NAMES[key]}: features of {done:,} of {total:,} pictures"
        ),
    )
