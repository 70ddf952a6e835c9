"""One figure: a model compared under one protocol, and what is read from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mien.errors import MienError
from mien.experiments.compare import compare
from mien.experiments.comparison_options import ComparisonOptions, Progress
from mien.experiments.reproduce.plan import Experiment, Protocol
from mien.experiments.row_data import RowData
from mien.experiments.schemes import count_persons
from mien.experiments.scores import compute_classification_report, compute_confusion_matrix
from mien.experiments.summary import choose_split, pool_folds
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
        calibrate=False,
        on_leak="group" if protocol.honest else "warn",
    )
    return compare(data, options, out, on_progress=on_progress)


def read_figure(
    results: Mapping[str, Any],
    model: str,
    data: RowData,
    out: Path,
    *,
    experiment: Experiment,
) -> dict[str, Any]:
    """Read a figure from a comparison's results.

    Returns
    -------
    dict
        ``scheme``, ``statement``, ``warnings``, ``on_both_sides``, ``accuracy``, ``rows`` (scored),
        ``left_out`` (training rows not fitted on), ``train_rows`` (of the first fold), ``split``,
        ``report`` (precision, recall, F1, support by class), ``matrix``, ``attempts`` (spread, or
        None), ``curves`` (folds with a network's curves), ``reduced``, ``folder``.
    """
    told, protocol_told = results["models"][model], results["protocol"]
    split = choose_split(told["folds"])
    true, predicted = pool_folds(told["folds"], split=split)
    return {
        "scheme": protocol_told["scheme"],
        "statement": protocol_told["statement"],
        "warnings": protocol_told["warnings"],
        "on_both_sides": protocol_told["on_both_sides"],
        "accuracy": float((true == predicted).mean()),
        "rows": len(true),
        "left_out": sum(leak["left_out"] for leak in protocol_told["leaks"]),
        "train_rows": told["folds"][0]["train_rows"],
        "split": split,
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
