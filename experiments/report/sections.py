"""The section of one model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mien.experiments.report.confusion import describe_absent, describe_confusions, draw_confusion
from mien.experiments.report.contents import ModelSection, Pairs, Row, Table
from mien.experiments.report.curves import draw_curves
from mien.experiments.report.faces import build_worst_table, list_cells, list_worst
from mien.experiments.report.headline import read_accuracy
from mien.experiments.report.intervals import add_interval, read_interval
from mien.experiments.report.numbers import (
    DASH,
    count_noun,
    format_count,
    format_milliseconds,
    format_percent,
    format_points,
    format_range,
    format_seconds,
    format_value,
)
from mien.experiments.report.people import build_groups, build_person_spread
from mien.experiments.report.reliability import build_bins_table, draw_reliability
from mien.experiments.report.training import build_attempts, list_training
from mien.experiments.scores import normalise_rows

_AVERAGES = ("macro avg", "weighted avg")
_COLUMNS = ("precision", "recall", "f1")


def build_section(
    model: Mapping[str, Any],
    classes: Sequence[str],
    *,
    faces: Mapping[str, str],
    anchor: str,
    best: bool,
) -> ModelSection:
    """Build the section of a model that did not fail.

    Parameters
    ----------
    model : mapping
        One of the ``models`` of the results schema.
    classes : sequence of str
        Class names.
    faces : mapping of str to str
        The results' small pictures by row number.
    anchor : str
        Where links to the section lead.
    best : bool
        Whether it ranks first.

    Returns
    -------
    ModelSection
        Text, tables and pictures.
    """
    matrix = np.array(model["confusion_matrix"], dtype=np.int64)
    where = f" on {model['reported_split']}" if model.get("reported_split") else ""
    worst = list_worst(model, classes, faces)
    return ModelSection(
        anchor=anchor,
        title=model["title"],
        best=best,
        lead=_describe(model, where),
        scores=build_scores(model["classification_report"], classes, where),
        matrices=(
            draw_confusion(matrix, classes, normalised=False, title="Counts"),
            draw_confusion(matrix, classes, normalised=True, title="Per cent of each true class"),
        ),
        matrix=build_matrix(matrix, classes),
        confusions=describe_confusions(matrix, classes),
        remarks=_build_remarks(model, matrix, classes),
        cells=list_cells(model, classes, faces),
        worst=worst,
        worst_table=build_worst_table(worst),
        reliability=draw_reliability(model.get("calibration")),
        bins=build_bins_table(model.get("calibration")),
        persons=build_person_spread(model.get("persons")),
        groups=build_groups(model),
        curves=draw_curves(model["folds"]),
        parameters=_list_parameters(model),
        training=list_training(model["folds"]),
        attempts=build_attempts(model),
        costs=_list_costs(model),
        folds=_build_folds(model["folds"]),
    )


def _describe(model: Mapping[str, Any], where: str) -> str:
    read = f" It reads {model['view']}." if model.get("view") else ""
    solver = f" Solver: {model['solver']}." if model.get("solver") else ""
    repeats = 1 + max(fold.get("repeat", 0) for fold in model["folds"])
    summed = f" Counts are the sum of {repeats} repeats." if repeats > 1 else ""
    share = add_interval(format_percent(read_accuracy(model)), read_interval(model))
    return f"Right on {share} of faces{where}.{read}{solver}{summed}"


def build_scores(report: Mapping[str, Any], classes: Sequence[str], where: str) -> Table:
    """Build the table of each class's scores; ``where`` names the rows: `` on PrivateTest``."""
    rows = [_write_scores(name, report[name]) for name in classes]
    support = report[_AVERAGES[0]]["support"]
    accuracy = ("", "", format_points(report["accuracy"]), format_count(support))
    rows.append(Row("Accuracy", accuracy, marked=True, foot=True))
    rows += [
        _write_scores(f"{name[:-4].capitalize()} average", report[name], foot=True)
        for name in _AVERAGES
    ]
    columns = ("Class", "Precision, %", "Recall, %", "F1, %", "Support")
    return Table(f"Scores of each class{where}", columns, tuple(rows))


def _write_scores(head: str, scores: Mapping[str, Any], *, foot: bool = False) -> Row:
    known = scores["support"] > 0
    cells = (format_points(scores[key]) if known else DASH for key in _COLUMNS)
    return Row(head, (*cells, format_count(scores["support"])), foot=foot)


def build_matrix(matrix: np.ndarray, classes: Sequence[str]) -> Table:
    """Build the table of a confusion matrix: counts, and their shares of the true class."""
    shares = normalise_rows(matrix)
    rows = tuple(
        Row(
            name,
            tuple(
                f"{format_count(n)} ({100 * share:.0f} %)" if n else "0"
                for n, share in zip(matrix[i].tolist(), shares[i], strict=True)
            ),
        )
        for i, name in enumerate(classes)
    )
    caption = "Confusion matrix: rows are true classes, columns predicted classes"
    return Table(caption, ("true \\ predicted", *classes), rows)


def _build_remarks(
    model: Mapping[str, Any], matrix: np.ndarray, classes: Sequence[str]
) -> tuple[str, ...]:
    report = model["classification_report"]
    missing = int(report[_AVERAGES[0]]["support"] - matrix.sum())
    unanswered = f"{count_noun(missing, 'row')} without an answer, counted as wrong, not drawn."
    absent = describe_absent(matrix, classes)
    placed = _tell_of_placed(model, int(report[_AVERAGES[0]]["support"]))
    said = (absent, unanswered if missing > 0 else None, placed)
    return tuple(remark for remark in said if remark)


def _tell_of_placed(model: Mapping[str, Any], rows: int) -> str | None:
    measured = model.get("measured")
    if not measured or measured["rows"] == rows:
        return None
    return (
        f"Right on {format_percent(measured['accuracy'])} of the {format_count(measured['rows'])} "
        f"rows in which a face was found; of the other "
        f"{format_count(rows - measured['rows'])}, landmarks were placed by a fallback."
    )


def _list_parameters(model: Mapping[str, Any]) -> Pairs:
    given = model.get("parameters") or {}
    return tuple((str(name), format_value(value)) for name, value in given.items())


def _list_costs(model: Mapping[str, Any]) -> Pairs:
    timing, folds = model["timing"], model["folds"]
    rows = [fold["train_rows"] for fold in folds if fold.get("train_rows") is not None]
    costs = [("Fit, mean of a fold", format_seconds(timing["fit_seconds"]))]
    if len(folds) > 1:
        costs.append(("Fit, all folds", format_seconds(sum(f["fit_seconds"] for f in folds))))
    if rows:
        costs.append(("Rows to fit on", format_range(rows)))
    costs.append(("Predict a face", format_milliseconds(timing["predict_ms_per_face"])))
    return tuple(costs)


def _build_folds(folds: Sequence[Mapping[str, Any]]) -> Table:
    """One row a fold; the parameters only where they differ by fold."""
    tuned = {format_value(fold.get("parameters") or {}) for fold in folds}
    repeated = any(fold.get("repeat") for fold in folds)
    rows = []
    for fold in folds:
        train = fold.get("train_rows")
        cells = [
            DASH if train is None else format_count(train),
            format_count(len(fold["true"])),
            format_points(fold["scores"]["accuracy"]),
            format_seconds(fold["fit_seconds"]),
        ]
        if len(tuned) > 1:
            cells.append(format_value(fold.get("parameters") or {}))
        name = f"{fold['name']}, repeat {fold['repeat'] + 1}" if repeated else fold["name"]
        rows.append(Row(name, tuple(cells)))
    columns = ["Fold", "Rows to fit on", "Rows predicted", "Accuracy, %", "Fit"]
    if len(tuned) > 1:
        columns.append("Parameters")
    title = f"All {count_noun(len(folds), 'fold')}" if len(folds) > 1 else "The fold"
    return Table(title, tuple(columns), tuple(rows))
