"""From a bundle's record to all that its card says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from mien.errors import MienError
from mien.experiments.candidates import get_candidate
from mien.experiments.export_scores import COMPARISON
from mien.experiments.model_card import statements
from mien.experiments.model_card.contents import Card, Section
from mien.experiments.model_card.figures import (
    build_abstaining,
    build_calibration,
    build_figures,
    build_group_section,
    build_protocol,
    list_facts,
    read_evaluation,
    tell_accuracy,
)
from mien.experiments.report.colours import build_colour_css
from mien.experiments.report.contents import Pairs
from mien.experiments.report.dataset_card import build_class_table
from mien.experiments.report.numbers import format_count, format_value, join_names

Record = Mapping[str, Any]


def build_card(record: Record) -> Card:
    """Build the card of a model.

    Parameters
    ----------
    record : mapping
        From :func:`mien.models.bundle_record.to_record`.

    Returns
    -------
    Card
        Text, tables and pictures, nothing of it escaped for a format except the pictures.

    References
    ----------
    Mitchell et al., Model cards for model reporting, FAT* 2019.
    """
    title, evaluation = name_model(record["model"]), read_evaluation(record)
    training = record["training"]
    sections = [
        Section("intended", "Intended use", points=statements.INTENDED),
        Section("scope", "Not to be used for", points=statements.OUT_OF_SCOPE),
        _build_data(record),
    ]
    if evaluation:
        sections += [
            build_protocol(evaluation),
            build_figures(record, evaluation),
            build_group_section(evaluation),
            build_calibration(evaluation),
        ]
    sections += [
        build_abstaining(record, title),
        Section("limits", "Limits", points=statements.LIMITS),
        Section("licence", "Licence", paragraphs=(record["licence"] or "Not told.",)),
        _build_details(record),
    ]
    return Card(
        title=f"Model card: {title}",
        subtitle=f"Fitted on {format_count(training['rows'])} faces of {training['dataset']} by "
        f"mien {record['versions'].get('mien', 'unknown')}.",
        warnings=_list_warnings(record, evaluation),
        sentence=_tell_what(record, evaluation),
        facts=list_facts(record),
        sections=tuple(sections),
        style=Markup(build_colour_css()),
    )


def name_model(name: str) -> str:
    """Return a candidate's title; of one that this release does not know, its name."""
    try:
        return get_candidate(name).title
    except MienError:
        return name


def _tell_what(record: Record, evaluation: Record | None) -> str:
    told = f"It tells {join_names(record['classes'])} from a picture of a face"
    return f"{told}, right on {tell_accuracy(evaluation)} of faces." if evaluation else f"{told}."


def _list_warnings(record: Record, evaluation: Record | None) -> tuple[str, ...]:
    if not evaluation:
        return (statements.NO_FIGURES,)
    protocol = evaluation["protocol"]
    warnings = list(protocol.get("warnings", ()))
    here, there = record["training"].get("solver"), evaluation.get("solver")
    if evaluation["source"] == COMPARISON and there and there != here:
        warnings.append(statements.REDUCED.format(there=there, here=here))
    return tuple(warnings)


def _build_data(record: Record) -> Section:
    training = record["training"]
    pairs = [
        ("Dataset", training["dataset"]),
        ("Hash of the dataset", training["dataset_hash"]),
        ("Split", training["split"] or "all rows"),
        ("Rows that it was fitted on", format_count(training["rows"])),
    ]
    counts = {"classes": record["classes"], "class_counts": training["class_counts"]}
    return Section("data", "Training data", pairs=tuple(pairs), tables=(build_class_table(counts),))


def _build_details(record: Record) -> Section:
    """Everything that is needed to make the model again."""
    families = ", ".join(f"{name} (version {n})" for name, n in record["families"].items())
    pairs: list[tuple[str, str]] = [
        ("Model", record["model"]),
        ("Fitted by", record["training"].get("solver", "")),
        ("Reads", " and ".join(filter(None, (families, _tell_pixels(record))))),
        ("Detector", format_value(record["detector"])),
        ("Alignment", format_value(record["alignment"])),
        ("Reference predictions", _tell_check(record)),
    ]
    pairs += _list("Parameter", record["parameters"])
    pairs += _list("Version", record["versions"])
    return Section("details", "Details", pairs=tuple(pairs))


def _tell_pixels(record: Record) -> str:
    return "48 x 48 pixels" if record["with_pixels"] or not record["families"] else ""


def _tell_check(record: Record) -> str:
    check = record.get("check")
    return f"{check['rows']} synthetic rows" if check else "none"


def _list(term: str, values: Record) -> Pairs:
    return tuple((f"{term}, {name}", format_value(value)) for name, value in values.items())
