"""The whole model against the compact one: size, accuracy, probabilities, time of one prediction.

Both are fitted on the store's Training rows and score PublicTest.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from sklearn.metrics import log_loss

from mien.experiments.assignments import parse_assignments
from mien.experiments.evaluate import limit_usable, most_frequent, read_features
from mien.experiments.export import fit_bundle
from mien.experiments.folds import FIT_SPLIT, Fold, find_twins, make_folds
from mien.experiments.memory import parse_bytes
from mien.experiments.near_twins import find_copies, find_twin_pairs
from mien.experiments.presets import collect_parameters
from mien.experiments.probability_scores import compute_calibration_error
from mien.experiments.row_data import RowData
from mien.features.faces import FaceBatch
from mien.models.bundle import Bundle, load_bundle, save_bundle
from mien.pipeline.face_crop import CNN_SIDE
from mien.pipeline.predict import predict_faces
from mien.pipeline.store import FeatureStore

SPLIT = "PublicTest"
_PREDICTIONS = 500


def main() -> None:
    """Print the figures of the whole model, then of one of each size."""
    arguments = _parse()
    data = RowData(FeatureStore.open(arguments.store))
    data.usable = limit_usable(data, data.usable, arguments.limit, 0)
    fold, sets = _twinless(data)
    rows = fold.test
    assigned = parse_assignments([f"{arguments.model}.{text}" for text in arguments.set])
    named = [arguments.params] if arguments.params else []
    parameters = collect_parameters(arguments.preset, named, assigned).of(arguments.model)
    sizes: list[int | None] = [None] if arguments.whole else []
    sizes += [parse_bytes(text, "--max-size") for text in arguments.max_size.split(",")]
    for size in sizes:
        started = perf_counter()
        bundle = fit_bundle(data, arguments.model, parameters, split=FIT_SPLIT, max_size=size)
        name = "whole" if size is None else f"at most {size / 1e6:g} MB"
        seconds = perf_counter() - started
        print(f"{name}: {bundle.training['solver']}; fitted in {seconds:.0f} s", flush=True)
        bundle, megabytes = _through_file(bundle, size)
        print(f"  file: {megabytes:.2f} MB")
        _tell_scores(bundle, data, rows, sets, most_frequent(data.codes[fold.train]))
        _tell_times(bundle, data, rows)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path)
    parser.add_argument("--model", default="svm-rbf")
    parser.add_argument("--preset", help="tuned parameters that come with Mien: fer2013-svm")
    parser.add_argument("--params", type=Path, help="parameters from mien tune")
    parser.add_argument("--set", action="append", default=[], help="C=10; may be repeated")
    parser.add_argument("--max-size", default="50MB", help="one or more, with commas")
    parser.add_argument("--no-whole", dest="whole", action="store_false", help="skip the whole")
    parser.add_argument("--limit", type=int, help="use so many rows, stratified")
    return parser.parse_args()


def _twinless(data: RowData) -> tuple[Fold, dict[str, np.ndarray]]:
    """Return the fold, and which of its test rows count: all, without exact twins, without any."""
    official = make_folds(data.store.rows, scheme="official", usable=data.usable)
    (fold,) = [fold for fold in official.folds if fold.split == SPLIT]
    folds = replace(official, folds=(fold,))
    exact = find_twins(folds, data.store.rows)[SPLIT]
    pairs = find_twin_pairs(data.store, np.union1d(fold.train, fold.test))
    copies = find_copies(folds, data.store, pairs)[SPLIT]
    return fold, {
        "all": np.ones(len(fold.test), dtype=bool),
        "without exact twins": ~np.isin(fold.test, exact),
        "without exact and near twins": ~np.isin(fold.test, copies),
    }


def _through_file(bundle: Bundle, size: int | None) -> tuple[Bundle, float]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.joblib"
        save_bundle(bundle, file, max_size=size)
        return load_bundle(file), file.stat().st_size / 1e6


def _tell_scores(
    bundle: Bundle, data: RowData, rows: np.ndarray, sets: dict[str, np.ndarray], frequent: int
) -> None:
    """Print accuracy, log loss and calibration error; rows without features get a fixed answer."""
    features, present = read_features(data, list(bundle.families), rows)
    probabilities = np.full((len(rows), len(data.classes)), 1e-6)
    probabilities[:, frequent] = 1.0
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    probabilities[present] = bundle.predict_proba(features)
    true = data.codes[rows]
    for name, kept in sets.items():
        own, answers = probabilities[kept], true[kept]
        loss = log_loss(answers, own, labels=np.arange(len(data.classes)))
        error = compute_calibration_error(own, answers)
        accuracy = (own.argmax(axis=1) == answers).mean()
        print(
            f"  {name}: {kept.sum():,} rows, accuracy {accuracy:.2%}, log loss {loss:.4f}, "
            f"calibration error {error:.4f}"
        )


def _tell_times(bundle: Bundle, data: RowData, rows: np.ndarray) -> None:
    """Print the time of one prediction, from features and, where the store has it, the picture."""
    store = data.store
    chosen = rows[store.has_face[rows]][:_PREDICTIONS]
    features = store.view(list(bundle.families), chosen)
    _tell_time("from features", bundle.predict_proba, [row[None] for row in features])
    if not (store.rows[["width", "height", "crop_side"]].iloc[chosen] == CNN_SIDE).all(axis=None):
        print(f"  from pictures: not timed, only crops of them are in the store ({store.path})")
        return
    arrays = (store.pixels, store.mesh, store.blendshapes)
    faces = [
        FaceBatch([picture], mesh[None], blendshapes[None])
        for picture, mesh, blendshapes in zip(*(array[chosen] for array in arrays), strict=True)
    ]
    _tell_time("from picture and landmarks", lambda face: predict_faces(bundle, face), faces)


def _tell_time(what: str, predict: Callable[[Any], np.ndarray], inputs: list[Any]) -> None:
    predict(inputs[0])
    seconds = []
    for one in inputs:
        started = perf_counter()
        predict(one)
        seconds.append(1000 * (perf_counter() - started))
    middle, slow = np.quantile(seconds, [0.5, 0.95])
    print(f"  one prediction {what}: median {middle:.2f} ms, 95 % under {slow:.2f} ms")


if __name__ == "__main__":
    main()
