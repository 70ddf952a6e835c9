"""Export: the model fitted on all rows, with calibrated probabilities, as one file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.pipeline import Pipeline

import mien
from mien.errors import MienError
from mien.experiments.calibration_splits import split_for_calibration
from mien.experiments.candidates import Candidate, get_candidate
from mien.experiments.evaluate import read_features, require_two_classes
from mien.experiments.memory import plan_landmarks
from mien.experiments.model_size import plan_compact
from mien.experiments.row_data import RowData
from mien.models.bundle import Bundle
from mien.models.calibrated import CalibratedClassifier
from mien.models.fused_machine import FusedMachine

if TYPE_CHECKING:
    from mien.models.cnn.jobs import NewsCallback


def fit_bundle(
    data: RowData,
    model: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    split: str | None = None,
    seed: int = 0,
    memory: int | None = None,
    max_size: int | None = None,
    on_epoch: NewsCallback | None = None,
    on_step: NewsCallback | None = None,
) -> Bundle:
    """Fit a model on all labelled rows that it can read.

    Parameters
    ----------
    data : RowData
    model : str
    parameters : mapping, optional
        The candidate's defaults where missing.
    split : str, optional
        Fit only on the dataset's rows of this split.
    seed : int
    memory : int, optional
        Bytes that may be used; if an SVM's kernel matrix does not fit, it is approximated, and the
        bundle's ``training`` says so.
    max_size : int, optional
        Bytes that the file may have. An SVM that would be larger is fitted as a compact
        least-squares one, and the bundle's ``training`` says so.
    on_epoch : callable, optional
        Called with (epoch, values) by networks.
    on_step : callable, optional
        Called with (share of the training done, values) by networks, inside an epoch.

    Returns
    -------
    Bundle
        An SVM's probabilities are calibrated on cross-validated scores, with persons and exact
        twins held out together; see :mod:`mien.experiments.calibration_splits`.

    Raises
    ------
    MienError
        If there are no such rows, the parameters ask for what a single picture cannot give, or no
        model is small enough.
    """
    candidate = get_candidate(model)
    complete = candidate.parameters(parameters)
    if complete.get("centre", "none") != "none":
        raise MienError(
            f"A model with centre={complete['centre']} needs several pictures of a person; it "
            "cannot be exported to predict single pictures.",
            "Tune or choose parameters with centre=none.",
        )
    rows = np.flatnonzero(data.usable & _in_split(data, split))
    if len(set(data.codes[rows].tolist())) < 2:
        raise MienError(
            "There are no labelled rows of two classes to fit on"
            + (f" in the split {split!r}." if split else ".")
        )
    landmarks, compact = 0, None
    if candidate.kind == "svm":
        features, present = read_features(data, candidate.families(complete), rows)
        rows = rows[present]
        require_two_classes(data.codes[rows], "The rows to fit on")
        landmarks = plan_landmarks(len(rows), features.shape[1], complete["solver"], memory)
        if max_size is not None:
            compact = plan_compact(
                complete, kernel=candidate.kernel, rows=len(rows), classes=len(data.classes),
                size=max_size, all_rows=not landmarks,
            )  # fmt: skip
        if compact is not None:
            landmarks = 0
    try:
        if candidate.kind == "cnn":
            estimator = _fit_cnn(candidate, data, rows, complete, seed, on_epoch, on_step)
        else:
            machine = candidate.build(complete, seed=seed, landmarks=landmarks, compact=compact)
            estimator = _fit_svm(machine, data, rows, features, seed)
    except (ValueError, RuntimeError) as error:
        raise MienError(
            f"{candidate.name} cannot be fitted on these {len(rows):,} rows ({error}).",
            "Choose other parameters with --set.",
        ) from error
    solver = candidate.solver(complete, landmarks=landmarks, compact=compact)
    return _make_bundle(data, candidate, complete, estimator, rows, split, solver)


def _in_split(data: RowData, split: str | None) -> np.ndarray:
    splits = data.store.rows["split"].to_numpy(dtype=object)
    if split is None:
        return np.ones(len(splits), dtype=bool)
    if split not in splits:
        known = ", ".join(sorted(set(splits.tolist()) - {""})) or "none"
        raise MienError(f"The store has no split {split!r}.", f"It has: {known}.")
    return splits == split


def _fit_svm(
    pipeline: Pipeline, data: RowData, rows: np.ndarray, features: np.ndarray, seed: int
) -> CalibratedClassifier:
    splits = split_for_calibration(data, rows, seed=seed)
    machine = FusedMachine(pipeline)
    return CalibratedClassifier(machine).fit(features, data.codes[rows], splits=splits)


def _fit_cnn(
    candidate: Candidate,
    data: RowData,
    rows: np.ndarray,
    parameters: Mapping[str, Any],
    seed: int,
    on_epoch: NewsCallback | None,
    on_step: NewsCallback | None,
) -> Any:
    from mien.models.cnn.isolated import fit_predict_isolated

    result = fit_predict_isolated(
        candidate.build(parameters, seed=seed),
        np.asarray(data.store.pixels[rows]),
        data.codes[rows],
        [],
        groups=data.groups(rows),
        return_estimator=True,
        on_progress=on_epoch,
        on_step=on_step,
    )
    return result.estimator


def _make_bundle(
    data: RowData,
    candidate: Candidate,
    parameters: dict[str, Any],
    estimator: Any,
    rows: np.ndarray,
    split: str | None,
    solver: str,
) -> Bundle:
    manifest = data.store.manifest
    counts = Counter(data.codes[rows].tolist())
    packages = ["numpy", "scikit-learn"] + (["keras"] if candidate.kind == "cnn" else [])
    return Bundle(
        model=candidate.name,
        estimator=estimator,
        classes=data.classes,
        families={
            name: manifest["families"][name]["version"] for name in candidate.families(parameters)
        },
        parameters=parameters,
        detector={key: manifest["detector"][key] for key in ("name", "version", "bundle_sha256")},
        training={
            "dataset": manifest["name"],
            "dataset_hash": manifest["dataset_hash"],
            "split": split,
            "rows": len(rows),
            "solver": solver,
            "class_counts": {name: counts[i] for i, name in enumerate(data.classes)},
        },
        versions={"mien": mien.__version__, **{name: metadata.version(name) for name in packages}},
    )
