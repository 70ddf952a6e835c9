"""Tables over all models, and the card of the dataset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mien.experiments.report.contents import DatasetCard, Pairs, Row, Sample, Table
from mien.experiments.report.headline import find_equals, rank_models, read_accuracy
from mien.experiments.report.marks import draw_bar, draw_strip
from mien.experiments.report.numbers import (
    count_noun,
    format_count,
    format_milliseconds,
    format_p_value,
    format_percent,
    format_points,
    format_seconds,
    format_spread,
)
from mien.pipeline.reasons import EXPLANATIONS

_EXPLANATIONS = {str(reason): told for reason, told in EXPLANATIONS.items()}
_SPREAD_METRICS = ("accuracy", "balanced_accuracy", "f1_macro")
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
        classes=_build_class_table(dataset),
        reasons=_build_reason_table(dataset["reasons"]),
        notes=tuple(dataset["notes"]),
        samples=tuple(samples),
    )


def build_protocol_facts(protocol: Mapping[str, Any]) -> Pairs:
    """Say how rows were held out, from the ``protocol`` of the results schema."""
    group = _GROUP_NAMES.get(protocol["grouped_by"] or "")
    tuned = "inside each training part" if protocol["nested"] else "not inside the folds"
    facts = [
        ("Scheme", protocol["scheme"]),
        ("Folds", f"{count_noun(protocol['folds'], 'fold')}"),
        ("Repeats", str(protocol["repeats"])),
        ("Seed", str(protocol["seed"])),
        ("Never on both sides", f"rows of one {group}" if group else "nothing is kept apart"),
        ("Parameters tuned", tuned),
    ]
    terms = {"subjects": "Persons on both sides", "twins": "Exact twins on both sides"}
    for key, count in protocol.get("on_both_sides", {}).items():
        term = terms.get(key, f"{key.capitalize()} on both sides")
        facts.append((term, "unknown" if count is None else format_count(count)))
    if protocol.get("faceless"):
        facts.append(("Rows without a face", protocol["faceless"]))
    return tuple(facts)


def build_models_table(results: Mapping[str, Any]) -> Table | None:
    """Build the table of all models, the best first; None if all of them failed."""
    ranking = rank_models(results["models"])
    if not ranking:
        return None
    models = {name: results["models"][name] for name in ranking}
    equals = find_equals(results, ranking[0])
    splits = list(models[ranking[0]].get("splits") or {})
    values = [fold["scores"]["accuracy"] for m in models.values() for fold in m["folds"]]
    scale = {"low": min(values), "high": max(values)}
    rows = []
    for name, model in models.items():
        cells = _list_split_scores(model, splits) if splits else _list_fold_scores(model)
        timing = model["timing"]
        times = (
            format_seconds(timing["fit_seconds"]),
            format_milliseconds(timing["predict_ms_per_face"]),
        )
        marked = name == ranking[0]
        head = model["title"] + (" (best)" if marked and not equals else "")
        strip = None
        if not splits and len(model["folds"]) > 1:
            accuracies = [fold["scores"]["accuracy"] for fold in model["folds"]]
            strip = draw_strip(accuracies, **scale, mean=model["summary"]["accuracy"]["mean"])
        rows.append(Row(head, (*cells, *times), marked=marked, picture=strip))
    has_strips = any(row.picture for row in rows)
    spread = f"Folds, {format_points(scale['low'])} to {format_points(scale['high'])}{chr(160)}%"
    return Table(
        caption=_name_models_table(splits, results["protocol"]),
        columns=_name_columns(models[ranking[0]], splits),
        rows=tuple(rows),
        picture_column=spread if has_strips else "",
        note=_explain_models_table(models[ranking[0]], splits),
    )


def build_comparison_table(results: Mapping[str, Any]) -> Table | None:
    """Build the table of all pairs of models; None without pairs."""
    pairs, models = results["comparisons"], results["models"]
    if not pairs:
        return None
    rows = []
    for pair in pairs:
        better, worse = ("a", "b") if pair["difference"] >= 0 else ("b", "a")
        titles = [models[pair[side]]["title"] for side in (better, worse)]
        cells = (
            format_points(abs(pair["difference"])),
            format_count(pair[f"{better}_only_right"]),
            format_count(pair[f"{worse}_only_right"]),
            format_p_value(pair["p_value"]),
            format_p_value(pair["p_adjusted"]),
            "yes" if pair["significant"] else "no",
        )
        rows.append(Row(" – ".join(titles), cells))
    columns = (
        "First – second",
        "First leads by, points",
        "Only first right",
        "Only second right",
        "p",
        "p, adjusted",
        "Different",
    )
    tests = dict.fromkeys(pair["test"] for pair in pairs)
    note = (
        f"Test: {'; '.join(tests)}. Adjusted after Holm for {count_noun(len(pairs), 'pair')}; "
        "different means an adjusted p of at most 0.05."
    )
    return Table("Pairs of models on the same rows", columns, tuple(rows), note=note)


def _build_class_table(dataset: Mapping[str, Any]) -> Table:
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


def _list_fold_scores(model: Mapping[str, Any]) -> tuple[str, ...]:
    summary = model["summary"]
    spreads = [
        format_spread(**summary[metric])
        if len(model["folds"]) > 1
        else format_points(summary[metric]["mean"])
        for metric in _SPREAD_METRICS
        if metric in summary
    ]
    return (format_points(read_accuracy(model)), *spreads)


def _list_split_scores(model: Mapping[str, Any], splits: list[str]) -> tuple[str, ...]:
    scores = model["splits"]
    accuracies = [format_points(scores[split]["accuracy"]) for split in splits]
    final = scores[model.get("reported_split") or splits[-1]]
    return (
        *accuracies,
        *(format_points(final[m]) for m in _SPREAD_METRICS[1:] if m in final),
    )


def _name_columns(model: Mapping[str, Any], splits: list[str]) -> tuple[str, ...]:
    names = {"accuracy": "Accuracy, %", "balanced_accuracy": "Balanced accuracy, %"}
    names["f1_macro"] = "F1, macro, %"
    times = ("Fit", "Predict a face")
    if splits:
        scores = model["splits"][model.get("reported_split") or splits[-1]]
        heads = [f"{split} accuracy, %" for split in splits]
        return ("Model", *heads, *(names[m] for m in _SPREAD_METRICS[1:] if m in scores), *times)
    spread = " ± spread" if len(model["folds"]) > 1 else ""
    means = [
        names[m].replace(", %", f"{spread}, %") for m in _SPREAD_METRICS if m in model["summary"]
    ]
    return ("Model", "All faces right, %", *means, *times)


def _name_models_table(splits: list[str], protocol: Mapping[str, Any]) -> str:
    if splits:
        return "Models on the splits of the dataset"
    folds = protocol["folds"] * protocol["repeats"]
    return f"Models over {count_noun(folds, 'fold')}"


def _explain_models_table(model: Mapping[str, Any], splits: list[str]) -> str:
    if splits:
        final = model.get("reported_split") or splits[-1]
        return f"Ranked by accuracy on {final}, which the other scores are of, too."
    if len(model["folds"]) == 1:
        return "One fold, so there is no spread."
    return (
        "Ranked by the share of all faces that were right, where each face counts the same. "
        "± is the standard deviation over folds; each fold counts the same, and a fold's averages "
        "run over the classes it holds."
    )
