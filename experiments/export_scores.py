"""The figures that an exported model carries: of a comparison, or of held-out training rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mien.errors import MienError
from mien.experiments.bootstrap import DRAWS, LEVEL
from mien.experiments.candidates import Candidate
from mien.experiments.coverage import compute_confidence, describe_ranking
from mien.experiments.group_scores import describe_groups, read_groups
from mien.experiments.held_out import HeldOutPredictions
from mien.experiments.independent_units import find_units
from mien.experiments.probability_scores import describe_calibration
from mien.experiments.report.numbers import format_value
from mien.experiments.report.schema import to_plain
from mien.experiments.row_data import RowData
from mien.experiments.score_intervals import compute_intervals
from mien.experiments.scores import compute_classification_report, compute_confusion_matrix

COMPARISON, HELD_OUT = "comparison", "held-out training rows"
"""What figures are of."""

_SHARED = (
    "classification_report", "confusion_matrix", "intervals", "calibration", "ranking", "groups",
    "solver",
)  # fmt: skip
_PROTOCOL = ("statement", "scheme", "repeats", "honest", "warnings", "bootstrap", "faceless")


def describe_held_out(data: RowData, held: HeldOutPredictions, *, seed: int) -> dict[str, Any]:
    """Score held-out predictions, as a comparison scores a model.

    Parameters
    ----------
    data : RowData
    held : HeldOutPredictions
    seed : int
        Of the bootstrap.

    Returns
    -------
    dict
        ``source``, ``rows`` and ``protocol``; and, of the results schema's model,
        ``classification_report``, ``confusion_matrix``, ``intervals``, ``calibration``,
        ``ranking`` and ``groups``.
    """
    rows, told = held.rows, held.probabilities
    true, predicted, n_classes = data.codes[rows], told.argmax(axis=1), len(data.classes)
    units = find_units(data, rows)
    persons = data.subjects[rows].astype(str)
    groups = {name: own[rows] for name, own in read_groups(data.store.rows).items()}
    confidence = compute_confidence(told, predicted, probabilities=True)
    numbers = units.numbers[rows]
    return {
        "source": HELD_OUT,
        "rows": len(rows),
        "protocol": {
            "statement": held.statement,
            "bootstrap": units.describe(draws=DRAWS, level=LEVEL),
        },
        "classification_report": compute_classification_report(true, predicted, data.classes),
        "confusion_matrix": compute_confusion_matrix(true, predicted, n_classes).tolist(),
        "intervals": compute_intervals(true, predicted, numbers, n_classes, seed=seed),
        "calibration": describe_calibration(told, true),
        "ranking": describe_ranking(told, true, predicted, confidence),
        "groups": describe_groups(
            predicted == true, groups, persons=persons, units=numbers, seed=seed
        ),
    }


def describe_comparison(
    results: Mapping[str, Any],
    data: RowData,
    candidate: Candidate,
    parameters: Mapping[str, Any],
) -> dict[str, Any]:
    """Take a model's figures out of a comparison, if they are of the model that is exported.

    Parameters
    ----------
    results : mapping
        Of the results schema.
    data : RowData
    candidate : Candidate
    parameters : mapping
        Complete.

    Returns
    -------
    dict
        As :func:`describe_held_out` gives them, with ``split``, ``created`` and ``command``, too.

    Raises
    ------
    MienError
        If the model is not among the results, failed there, or was compared on other pictures,
        classes or parameters; the message says what differs.
    """
    model = results["models"].get(candidate.name)
    if model is None or model["status"] != "ok":
        told = "failed in" if model else "is not among"
        named = ", ".join(name for name, own in results["models"].items() if own["status"] == "ok")
        raise MienError(
            f"{candidate.name} {told} the models of --results.", f"They hold: {named or 'none'}."
        )
    if differing := _find_differences(results, model, data, parameters):
        raise MienError(
            f"--results are not of what is exported: {'; '.join(differing)}.",
            "Compare the model again, or leave --results out: the figures are then of held-out "
            "training rows.",
        )
    protocol = results["protocol"]
    return {
        "source": COMPARISON,
        "rows": model["classification_report"]["macro avg"]["support"],
        "split": model.get("reported_split"),
        "created": results["created"],
        "command": results["command"],
        "protocol": {key: protocol[key] for key in _PROTOCOL if key in protocol},
        **{key: model.get(key) for key in _SHARED},
    }


def _find_differences(
    results: Mapping[str, Any],
    model: Mapping[str, Any],
    data: RowData,
    parameters: Mapping[str, Any],
) -> list[str]:
    dataset, manifest = results["dataset"], data.store.manifest
    told = []
    if dataset["hash"] != manifest["dataset_hash"]:
        told.append(
            f"the dataset is {dataset['name']} with the hash {dataset['hash'][:12]} there and "
            f"{manifest['name']} with the hash {manifest['dataset_hash'][:12]} here"
        )
    if list(dataset["classes"]) != list(data.classes):
        told.append(f"the classes are {', '.join(dataset['classes'])} there")
    there, here = model.get("parameters") or {}, to_plain(parameters)
    for name in dict.fromkeys([*here, *there]):
        if there.get(name) != here.get(name):
            values = [
                format_value(own[name]) if name in own else "not set" for own in (there, here)
            ]
            told.append(f"{name} is {values[0]} there and {values[1]} here")
    return told
