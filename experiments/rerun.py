"""A comparison done again from its results, and whether it came out the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mien.errors import MienError
from mien.experiments.compare import compare
from mien.experiments.comparison_options import Progress
from mien.experiments.manifest import read_options
from mien.experiments.row_data import RowData
from mien.pipeline.row_filter import read_filter
from mien.pipeline.store import FeatureStore


def rerun(
    results: Mapping[str, Any],
    out: Path,
    *,
    store: Path | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> dict[str, Any]:
    """Do a comparison again, with the options that its results hold.

    Parameters
    ----------
    results : mapping
        Of the results schema.
    out : Path
        Folder of the new comparison; fits that are in it already are taken as done.
    store : Path, optional
        The feature store, where it is no longer at the place that the results name.
    on_progress : callable, optional

    Returns
    -------
    dict
        The new results.

    Raises
    ------
    MienError
        If the results do not hold their options, or the store is of other pictures.
    """
    options = read_options(results)
    told = results["options"]
    opened = FeatureStore.open(Path(told["store"]) if store is None else store)
    expected, found = results["dataset"]["hash"], opened.manifest["dataset_hash"]
    if found != expected:
        raise MienError(
            f"{opened.path} is not the dataset of these results: they are of "
            f"{results['dataset']['name']} with the hash {expected[:12]}, the store holds "
            f"{opened.manifest['name']} with the hash {found[:12]}.",
            "Name the right store with --store.",
        )
    row_filter = read_filter(Path(told["filter"])) if told.get("filter") else None
    return compare(RowData(opened, row_filter), options, out, on_progress=on_progress)


def check_repetition(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Compare a comparison with its repetition, prediction by prediction.

    Parameters
    ----------
    before, after : mapping
        Of the results schema.

    Returns
    -------
    dict
        ``same`` (bool), ``same_folds`` (bool, or None where a digest is not known), and
        ``models``: by name, ``title``, ``same``, ``rows`` (predicted in both), ``different``
        (predictions that changed), ``accuracy_before`` and ``accuracy_after`` (of all predictions;
        None for a model that failed).
    """
    digests = [results["protocol"].get("folds_digest") for results in (before, after)]
    same_folds = None if None in digests else digests[0] == digests[1]
    models = {
        name: _compare_model(model, after["models"].get(name, {"status": "missing"}))
        for name, model in before["models"].items()
    }
    same = same_folds is not False and all(model["same"] for model in models.values())
    return {"same": same, "same_folds": same_folds, "models": models}


def _compare_model(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    first, second = _read_predictions(before), _read_predictions(after)
    shared = first.keys() & second.keys()
    different = sum(first[key] != second[key] for key in shared)
    return {
        "title": before["title"],
        "same": before["status"] == after["status"] and first == second,
        "rows": len(shared),
        "different": different,
        "accuracy_before": _score(first),
        "accuracy_after": _score(second),
    }


def _read_predictions(model: Mapping[str, Any]) -> dict[tuple[str, int], tuple[int, int]]:
    """Return true and predicted class by fold and row."""
    return {
        (fold["name"], row): (true, predicted)
        for fold in model.get("folds", ())
        for row, true, predicted in zip(
            fold["indices"], fold["true"], fold["predicted"], strict=True
        )
    }


def _score(predictions: Mapping[Any, tuple[int, int]]) -> float | None:
    if not predictions:
        return None
    return sum(true == predicted for true, predicted in predictions.values()) / len(predictions)
