"""One figure: a model compared under one protocol, and what is read from it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mien.errors import MienError
from mien.experiments.compare import FOLDS_FILE, compare
from mien.experiments.comparison_options import ComparisonOptions, Progress
from mien.experiments.folds import Fold, Folds
from mien.experiments.near_twins import find_copies
from mien.experiments.reproduce.plan import Experiment, Protocol
from mien.experiments.row_data import RowData
from mien.experiments.schemes import count_persons
from mien.experiments.scores import compute_classification_report, compute_confusion_matrix
from mien.experiments.summary import choose_split
from mien.experiments.training_summary import spread_attempts


def compare_under(
    data: RowData,
    protocol: Protocol,
    parameters: Mapping[str, Mapping[str, Any]],
    out: Path,
    *,
    limit: int | None,
    seed: int,
    memory: int | None,
    command: str,
    attempts: int = 1,
    on_progress: Callable[[Progress], None] | None = None,
) -> dict[str, Any]:
    """Compare models under a protocol; the one place that asks for a comparison.

    Parameters
    ----------
    data : RowData
    protocol : Protocol
    parameters : mapping of str to mapping
        By model; all of them are compared.
    out : Path
        Folder of the comparison's own report; finished fits are kept there.
    limit, seed, memory, command, attempts
        See :class:`~mien.experiments.comparison_options.ComparisonOptions`.
    on_progress : callable, optional
    """
    options = ComparisonOptions(
        models=tuple(parameters),
        scheme=_fit_scheme(protocol, data),
        seed=seed,
        parameters=parameters,
        limit=limit,
        memory=memory,
        command=command,
        attempts=attempts,
    )
    return compare(data, options, out, on_progress=on_progress)


def read_figure(
    results: Mapping[str, Any],
    model: str,
    data: RowData,
    out: Path,
    *,
    experiment: Experiment,
    protocol: Protocol,
) -> dict[str, Any]:
    """Read a figure from a comparison's results.

    Under an honest protocol, test rows with an exact or near twin among the fitted rows are left
    out of the score.

    Returns
    -------
    dict
        ``scheme``, ``statement``, ``warnings``, ``on_both_sides``, ``accuracy``, ``rows`` (scored),
        ``left_out`` (test rows not scored), ``train_rows`` (of the first fold), ``split``,
        ``report`` (precision, recall, F1, support by class), ``matrix``, ``attempts`` (spread, or
        None), ``curves`` (folds with a network's curves), ``reduced``, ``folder``.
    """
    told, protocol_told = results["models"][model], results["protocol"]
    left_out = find_copies(_read_folds(out), data, out) if protocol.honest else {}
    true, predicted, dropped = _pool_scored(told["folds"], left_out)
    return {
        "scheme": protocol_told["scheme"],
        "statement": protocol_told["statement"],
        "warnings": protocol_told["warnings"],
        "on_both_sides": protocol_told["on_both_sides"],
        "accuracy": float((true == predicted).mean()),
        "rows": len(true),
        "left_out": dropped,
        "train_rows": told["folds"][0]["train_rows"],
        "split": choose_split(told["folds"]),
        "report": compute_classification_report(true, predicted, data.classes),
        "matrix": compute_confusion_matrix(true, predicted, len(data.classes)).tolist(),
        "attempts": _spread(told),
        "curves": [{"curves": fold["curves"]} for fold in told["folds"] if fold["curves"]],
        "reduced": experiment.reduced,
        "folder": out.name,
    }


def _fit_scheme(protocol: Protocol, data: RowData) -> str:
    """Return the scheme, with no more folds than there are persons.

    Raises
    ------
    MienError
        If persons are to be held out and are not known.
    """
    name, _, folds = protocol.scheme.partition(":")
    if not protocol.honest or name == "official":
        return protocol.scheme
    persons = count_persons(data.subjects[data.usable])
    if persons < 2:
        raise MienError("The person of every row must be known to hold whole persons out.")
    return f"subject:{min(int(folds), persons)}" if name == "subject" else protocol.scheme


def _spread(told: Mapping[str, Any]) -> dict[str, float] | None:
    attempts = told.get("attempts")
    return (
        None if not attempts else {"count": len(attempts), **spread_attempts(attempts, "accuracy")}
    )


def _pool_scored(
    folds: list[dict[str, Any]], left_out: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray, int]:
    """Join true and predicted classes of the split that decides, without the rows left out."""
    split = choose_split(folds)
    true: list[np.ndarray] = []
    predicted: list[np.ndarray] = []
    dropped = 0
    for fold in folds:
        if split is None or fold["split"] == split:
            kept = ~np.isin(fold["indices"], left_out.get(fold["name"], []))
            true.append(np.asarray(fold["true"], dtype=np.int64)[kept])
            predicted.append(np.asarray(fold["predicted"], dtype=np.int64)[kept])
            dropped += int((~kept).sum())
    return np.concatenate(true), np.concatenate(predicted), dropped


def _read_folds(out: Path) -> Folds:
    """Read the folds that a comparison wrote beside its results."""
    told = json.loads((out / FOLDS_FILE).read_text(encoding="utf-8"))
    folds = tuple(
        Fold(
            fold["name"],
            fold["repeat"],
            fold["split"],
            np.array(fold["train"], dtype=np.int64),
            np.array(fold["test"], dtype=np.int64),
        )
        for fold in told["folds"]
    )
    return Folds(told["scheme"], told["repeats"], told["seed"], told["grouped_by"], folds)
