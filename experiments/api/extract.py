"""Extraction as a function: pictures to a feature store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from mien.errors import MienError
from mien.experiments.api.arguments import PathLike, to_names
from mien.pipeline import extract as extraction
from mien.pipeline.cluster import use_cluster
from mien.pipeline.datasets.registry import read_dataset
from mien.pipeline.detector import DETECTORS
from mien.pipeline.extract import ExtractSummary, allowed_failures
from mien.pipeline.landmarker_bundle import ensure_landmarker_bundle
from mien.pipeline.row_filter import read_filter
from mien.pipeline.store import FeatureStore


def extract(
    source: PathLike,
    out: PathLike,
    *,
    layout: str | None = None,
    classes: str | Sequence[str] | None = None,
    split: str | None = None,
    limit: int | None = None,
    subjects: PathLike | None = None,
    subject_pattern: str | None = None,
    peak_frames: int = 3,
    neutral_first: bool = False,
    families: str | Sequence[str] | None = None,
    detector: str = DETECTORS[0],
    workers: int | None = None,
    cluster: str | None = None,
    max_failures: int | str = "50%",
    overwrite: bool = False,
    row_filter: PathLike | None = None,
    landmarker: PathLike | None = None,
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
    on_summary: Callable[[str, ExtractSummary], None] | None = None,
) -> FeatureStore:
    """Find the faces of a dataset and compute their features, as ``mien extract`` does.

    What was interrupted goes on where it was; what is finished is not repeated, and a store that
    lacks some of the families is extended by them.

    Parameters
    ----------
    source : str or path
        A CSV file, a folder or a zip of pictures, or ``"rendered:people=40,seed=0"``.
    out : str or path
        The store's folder.
    layout : str, optional
        The dataset's layout, where it is not recognised: ``"class-folders"``.
    classes : str or sequence of str, optional
        Keep only these.
    split : str, optional
        Keep only this split: ``"Training"``.
    limit : int, optional
        At most so many pictures, with the shares of classes kept.
    subjects : str or path, optional
        A CSV file that tells the person of each picture.
    subject_pattern : str, optional
        A regular expression that finds the person in a file's name.
    peak_frames : int
        Of CK+'s original release: labelled frames of a sequence.
    neutral_first : bool
        Of CK+'s original release: whether first frames are taken as neutral.
    families : str or sequence of str, optional
        Feature families, perhaps with options: ``["patch_hog@crop=48", "geometry"]``.
    detector : {"litert", "mediapipe"}
        What runs the landmarker's networks.
    workers : int, optional
        Processes; one a processor by default.
    cluster : str, optional
        The address of a Dask scheduler, ``"tcp://host:8786"``, whose workers take the place of
        processes here.
    max_failures : int or str
        Rows without a found face that are allowed: 100 or ``"5%"``.
    overwrite : bool
        Replace a store of something else.
    row_filter : str or path, optional
        Keep only the rows that this file of ``mien audit`` keeps.
    landmarker : str or path, optional
        The face landmarker's model bundle; fetched when left out.
    seed : int
        Of the rows that ``limit`` draws.
    on_progress : callable, optional
        Called with (rows done, rows in all).
    on_summary : callable, optional
        Called with the dataset's name and what was done, before failures are counted.

    Returns
    -------
    FeatureStore
        ``rows`` is a DataFrame with one row a picture, ``features("geometry")`` an array of the
        shape (n, width), with NaN in rows that have no features.

    Raises
    ------
    MienError
        If the source is not understood, the store cannot be written or holds something else, or
        more rows than allowed have no face.

    Examples
    --------
    >>> import mien
    >>> store = mien.extract("rendered:people=4,seed=0", "store")
    >>> store.rows["label"].value_counts()["happy"]
    np.int64(8)
    >>> store.features("geometry").shape
    (64, 2178)
    """
    if cluster and workers:
        raise MienError(
            "--workers counts processes of this machine, and --cluster was given, too.",
            "Leave one of them out; a cluster's workers are started with dask worker.",
        )
    dataset = read_dataset(
        source,
        layout=layout,
        classes=to_names(classes),
        split=split,
        limit=limit,
        subjects=None if subjects is None else Path(subjects),
        subject_pattern=subject_pattern,
        peak_frames=peak_frames,
        neutral_first=neutral_first,
        row_filter=None if row_filter is None else read_filter(Path(row_filter)),
        seed=seed,
    )
    allowed = allowed_failures(str(max_failures), len(dataset))
    bundle = ensure_landmarker_bundle(None if landmarker is None else Path(landmarker))
    with use_cluster(cluster, out=out, bundle=bundle, pictures=dataset.pictures) as members:
        summary = extraction.extract(
            dataset,
            Path(out),
            bundle=bundle,
            families=to_names(families),
            detector=detector,
            workers=members or workers,
            overwrite=overwrite,
            on_progress=on_progress,
        )
    if on_summary:
        on_summary(dataset.name, summary)
    if (failed := sum(summary.reasons.values())) > allowed:
        raise MienError(
            f"{failed:,} rows have no measured landmarks; --max-failures allows {allowed:,}.",
            f"See their reasons with mien info {out}.",
        )
    return FeatureStore.open(Path(out))
