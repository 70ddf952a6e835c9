"""The three formats of one model: do they agree, how large are they, how fast.

An SVM is fitted on some rows of a store, written in every format, read again, and predicts faces
that it was not fitted on. joblib keeps the model as it is; the others are compared with it.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from mien.experiments.assignments import parse_assignments
from mien.experiments.evaluate import limit_usable, read_features
from mien.experiments.export import fit_bundle
from mien.experiments.memory import parse_bytes
from mien.experiments.model_target import ModelTarget, write_model
from mien.experiments.presets import collect_parameters
from mien.experiments.row_data import RowData
from mien.models.bundle import Bundle, load_bundle
from mien.models.checked_file import compare_models
from mien.models.model_format import FORMATS
from mien.pipeline.store import FeatureStore

_SINGLE = 100
_REPEATS = 3


def main() -> None:
    """Print a line a format."""
    arguments = _parse()
    data = RowData(FeatureStore.open(arguments.store))
    usable = data.usable & data.store.has_face
    data.usable = limit_usable(data, usable, arguments.limit, 0)
    size = None if arguments.max_size is None else parse_bytes(arguments.max_size, "--max-size")
    assigned = parse_assignments([f"{arguments.model}.{text}" for text in arguments.set])
    parameters = collect_parameters(arguments.preset, [], assigned).of(arguments.model)
    bundle = fit_bundle(data, arguments.model, parameters, max_size=size)
    faces = _draw_others(data, usable, bundle, arguments.faces)
    print(
        f"{arguments.model}, {bundle.training['solver']}; fitted on "
        f"{bundle.training['rows']:,} rows, {len(faces):,} other faces predicted"
    )
    with tempfile.TemporaryDirectory() as folder:
        for name in FORMATS:
            path = Path(folder) / f"model.{name}"
            write_model(bundle, ModelTarget(path, name), data, max_size=size)
            _tell(name, path, bundle, faces)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path)
    parser.add_argument("--model", default="svm-rbf", help="svm-linear, svm-poly or svm-rbf")
    parser.add_argument("--preset", help="tuned parameters that come with Mien: fer2013-svm")
    parser.add_argument("--set", action="append", default=[], help="C=10; may be repeated")
    parser.add_argument("--max-size", help="50MB")
    parser.add_argument("--limit", type=int, default=4000, help="fit on so many rows, stratified")
    parser.add_argument("--faces", type=int, default=1000, help="predict so many others")
    return parser.parse_args()


def _draw_others(data: RowData, usable: np.ndarray, bundle: Bundle, count: int) -> np.ndarray:
    """Return the features of usable faces that the model was not fitted on."""
    others = limit_usable(data, usable & ~data.usable, count, 0)
    return read_features(data, list(bundle.families), np.flatnonzero(others))[0]


def _tell(name: str, path: Path, bundle: Bundle, faces: np.ndarray) -> None:
    loading = _time(lambda: load_bundle(path))
    loaded = load_bundle(path)
    found = compare_models(bundle, loaded, faces)
    whole = _time(lambda: loaded.predict_proba(faces))
    rows = [face[None] for face in faces[:_SINGLE]]
    single = median(_time(lambda row=row: loaded.predict_proba(row)) for row in rows)
    print(
        f"{name}: {found.other_labels} labels differ, probabilities by at most "
        f"{found.difference:.1e}; {path.stat().st_size / 1e6:.1f} MB, read in {loading:.2f} s, "
        f"{len(faces):,} faces in {whole:.2f} s, one in {1000 * single:.2f} ms"
    )


def _time(run: Callable[..., Any]) -> float:
    """Return the seconds of the fastest of three runs."""
    seconds = []
    for _ in range(_REPEATS):
        started = perf_counter()
        run()
        seconds.append(perf_counter() - started)
    return min(seconds)


if __name__ == "__main__":
    main()
