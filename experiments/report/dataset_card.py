"""The card of the dataset, and how rows were held out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mien.experiments.report.contents import DatasetCard, Pairs, Row, Sample, Table
from mien.experiments.report.marks import draw_bar
from mien.experiments.report.numbers import (
    count_noun,
    format_count,
    format_percent,
    format_points,
)
from mien.pipeline.reasons import EXPLANATIONS

_EXPLANATIONS = {str(reason): told for reason, told in EXPLANATIONS.items()}
_GROUP_NAMES = {"subject": "person", "sequence": "sequence"}


def build_dataset_card(dataset: Mapping[str, Any]) -> DatasetCard:
    """Build the card of a dataset from the ``dataset`` of the results schema."""
    rows = max(1, dataset["rows"])
    facts = [
        ("Name", dataset["name"]),
        ("Source", f"{dataset['source']} ({dataset['layout']})"),
        ("Pictures", format_count(dataset["rows"])),
        (
            "Faces found",
            f"{format_count(dataset['faces_found'])} "
            f"({format_percent(dataset['faces_found'] / rows)})",
        ),
        ("No face found", format_count(dataset["no_face"])),
    ]
    for key, term in (("subjects", "Persons"), ("sequences", "Sequences")):
        count = dataset.get(key)
        facts.append((term, "unknown" if count is None else format_count(count)))
    if dataset["splits"]:
        splits = [f"{name} {format_count(n)}" for name, n in dataset["splits"].items()]
        facts.append(("Splits of its own", ", ".join(splits)))
    if dataset.get("store"):
        facts.append(("Feature store", dataset["store"]))
    facts.append(("Hash", dataset["hash"]))
    samples = (
        Sample(sample["label"], sample["picture"], sample.get("caption", ""))
        for sample in dataset["samples"]
    )
    return DatasetCard(
        facts=tuple(facts),
        classes=build_class_table(dataset),
        reasons=_build_reason_table(dataset["reasons"]),
        notes=tuple(dataset["notes"]),
        samples=tuple(samples),
    )


def build_protocol_facts(protocol: Mapping[str, Any]) -> Pairs:
    """Say how rows were held out, from the ``protocol`` of the results schema."""
    group = _GROUP_NAMES.get(protocol["grouped_by"] or "")
    tuned = "the SVMs' inside each training part" if protocol["nested"] else "not inside the folds"
    facts = [
        ("Scheme", protocol["scheme"]),
        ("Folds", f"{count_noun(protocol['folds'], 'fold')}"),
        ("Repeats", str(protocol["repeats"])),
        ("Seed", str(protocol["seed"])),
        ("Never on both sides", f"rows of one {group}" if group else "nothing is kept apart"),
        ("Parameters tuned", tuned),
    ]
    terms = {
        "subjects": "Persons on both sides",
        "twins": "Exact twins on both sides",
        "near_twins": "Near twins, exact ones too",
    }
    for key, count in protocol.get("on_both_sides", {}).items():
        term = terms.get(key, f"{key.capitalize()} on both sides")
        facts.append((term, "unknown" if count is None else format_count(count)))
    if protocol.get("faceless"):
        facts.append(("Rows without a face", protocol["faceless"]))
    return tuple(facts)


def build_class_table(dataset: Mapping[str, Any]) -> Table:
    """Build the table of ``classes`` and ``class_counts`` of the results schema's dataset."""
    counts = [dataset["class_counts"].get(name, 0) for name in dataset["classes"]]
    total, largest = max(1, sum(counts)), max(1, *counts)
    rows = (
        Row(
            name,
            (format_count(count), format_points(count / total)),
            picture=draw_bar(count / largest),
        )
        for name, count in zip(dataset["classes"], counts, strict=True)
    )
    columns = ("Class", "Pictures", "Share, %")
    return Table("Pictures of each class", columns, tuple(rows), picture_column="Share as a bar")


def _build_reason_table(reasons: Mapping[str, int]) -> Table | None:
    rows = tuple(
        Row(_EXPLANATIONS.get(code, code), (format_count(count),))
        for code, count in reasons.items()
        if count
    )
    return Table("Pictures without features", ("Reason", "Pictures"), rows) if rows else None
