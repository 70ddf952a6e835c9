"""The sections of a card that hold figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mien.experiments.export_scores import COMPARISON
from mien.experiments.model_card import statements
from mien.experiments.model_card.contents import Section
from mien.experiments.report.abstention import build_coverage_table, draw_coverage
from mien.experiments.report.confusion import describe_confusions, draw_confusion
from mien.experiments.report.contents import Fact
from mien.experiments.report.intervals import add_interval, explain_intervals, read_interval
from mien.experiments.report.numbers import (
    count_noun,
    format_count,
    format_created,
    format_percent,
    format_points,
)
from mien.experiments.report.people import build_groups
from mien.experiments.report.reliability import build_bins_table, draw_reliability
from mien.experiments.report.sections import build_matrix, build_scores

Record = Mapping[str, Any]


def read_evaluation(record: Record) -> dict[str, Any] | None:
    """Return a record's evaluation; None where there is none."""
    found: dict[str, Any] | None = (record.get("scores") or {}).get("evaluation")
    return found


def read_abstaining(record: Record) -> dict[str, Any] | None:
    """Return what was measured of a record's threshold; None where that is nothing."""
    found: dict[str, Any] | None = (record.get("scores") or {}).get("abstaining")
    return found


def tell_accuracy(evaluation: Record) -> str:
    """Say the accuracy with its interval: ``72.8 % (71.3 to 74.2)``."""
    accuracy = evaluation["classification_report"]["accuracy"]
    return add_interval(format_percent(accuracy), read_interval(evaluation))


def list_facts(record: Record) -> tuple[Fact, ...]:
    """List the answers of the first screen."""
    evaluation, facts = read_evaluation(record), []
    if evaluation:
        source = "of a comparison" if evaluation["source"] == COMPARISON else "of the training"
        rows = f"{count_noun(evaluation['rows'], 'held-out row')} {source}"
        drawn = explain_intervals(evaluation["protocol"])
        facts.append(Fact("Accuracy", tell_accuracy(evaluation), f"on {rows}. {drawn}".strip()))
    if calibration := (evaluation or {}).get("calibration"):
        facts.append(
            Fact(
                "Calibration error",
                f"{format_points(calibration['expected_error'])} points",
                f"how far probabilities are off, on average; log loss "
                f"{calibration['log_loss']:.3f}",
            )
        )
    facts.append(_tell_abstaining(record))
    return tuple(facts)


def _tell_abstaining(record: Record) -> Fact:
    threshold = record.get("threshold")
    if not threshold:
        return Fact("Abstains", "never", "it answers every face")
    told = read_abstaining(record)
    return Fact(
        "Abstains",
        f"below {threshold:.4g}",
        "how often was not measured"
        if told is None
        else f"expected to answer {format_percent(told['coverage'])} of faces",
    )


def build_figures(record: Record, evaluation: Record) -> Section:
    """Build the section of scores and confusions."""
    classes = record["classes"]
    matrix = np.array(evaluation["confusion_matrix"], dtype=np.int64)
    split = evaluation.get("split")
    where = f" on {split}" if split else ""
    confusions = tuple(f"Often confused: {told}" for told in describe_confusions(matrix, classes))
    return Section(
        "figures",
        "Figures",
        paragraphs=(
            f"Right on {tell_accuracy(evaluation)} of {format_count(evaluation['rows'])} "
            f"held-out rows{where}.",
        ),
        points=confusions,
        pictures=(
            draw_confusion(matrix, classes, normalised=True, title="Per cent of each class"),
        ),
        tables=(
            build_scores(evaluation["classification_report"], classes, where),
            build_matrix(matrix, classes),
        ),
    )


def build_protocol(evaluation: Record) -> Section:
    """Build the section that says how the figures came about."""
    protocol = evaluation["protocol"]
    pairs = [("Figures are of", evaluation["source"])]
    if "scheme" in protocol:
        pairs.append(("Scheme", protocol["scheme"]))
    if evaluation.get("created"):
        pairs.append(("Compared on", format_created(evaluation["created"])))
        pairs.append(("Command", evaluation["command"]))
    told = (protocol["statement"], protocol.get("faceless"), explain_intervals(protocol))
    return Section("protocol", "Protocol", paragraphs=tuple(filter(None, told)), pairs=tuple(pairs))


def build_group_section(evaluation: Record) -> Section:
    """Build the section of groups of people."""
    tables = build_groups(evaluation)
    return Section(
        "groups",
        "Groups of people",
        paragraphs=() if tables else (statements.NO_GROUPS,),
        tables=tables,
    )


def build_calibration(evaluation: Record) -> Section:
    """Build the section of the probabilities."""
    calibration = evaluation.get("calibration")
    picture, bins = draw_reliability(calibration), build_bins_table(calibration)
    if not calibration or picture is None:
        return Section("calibration", "Probabilities", (statements.CALIBRATION_NONE,))
    told = (
        f"Log loss {calibration['log_loss']:.3f}, Brier score {calibration['brier']:.3f}, expected "
        f"calibration error {format_points(calibration['expected_error'])} points."
    )
    return Section(
        "calibration",
        "Probabilities",
        paragraphs=(told,),
        pictures=(picture,),
        tables=(bins,) if bins else (),
    )


def build_abstaining(record: Record, title: str) -> Section:
    """Build the section of when the model keeps silent."""
    threshold, told = record.get("threshold"), read_abstaining(record)
    if not threshold:
        paragraphs = [statements.NEVER_ABSTAINS]
    else:
        paragraphs = [
            f"The model does not answer where its highest probability is below {threshold:.4g}: "
            "the prediction then has the reason “unsure” and keeps its probabilities."
        ]
        paragraphs += [statements.NOT_HELD_OUT] if told is None else _tell_measured(told)
    models = {"model": {"title": title, "ranking": (read_evaluation(record) or {}).get("ranking")}}
    picture, table = draw_coverage(models), build_coverage_table(models)
    return Section(
        "abstaining",
        "Abstaining",
        paragraphs=tuple(paragraphs),
        pictures=(picture,) if picture else (),
        tables=(table,) if table else (),
    )


def _tell_measured(told: Record) -> list[str]:
    measured = (
        f"Of {format_count(told['rows'])} held-out training rows it answers "
        f"{format_percent(told['coverage'])}"
    )
    if told["accuracy"] is not None:
        measured += f", and is right on {format_percent(told['accuracy'])} of these"
    return [f"{measured}.", *([statements.CHOSEN_ON] if told["target"] is not None else [])]
