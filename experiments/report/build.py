"""From results to all that a report says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from mien.experiments.report.abstention import build_coverage_table, draw_coverage
from mien.experiments.report.colours import build_colour_css
from mien.experiments.report.contents import Pairs, Picture, ReportData
from mien.experiments.report.dataset_card import build_dataset_card, build_protocol_facts
from mien.experiments.report.faces import collect_faces
from mien.experiments.report.headline import (
    build_headline,
    build_warnings,
    rank_models,
    read_accuracy,
)
from mien.experiments.report.intervals import Estimate, draw_forest, name_interval, read_interval
from mien.experiments.report.leak_audit import build_leak_audit
from mien.experiments.report.measures import build_measures_table
from mien.experiments.report.numbers import count_noun, format_created, format_value
from mien.experiments.report.schema import check_results, to_plain
from mien.experiments.report.sections import build_section
from mien.experiments.report.tables import build_comparison_table, build_models_table
from mien.experiments.report.training import build_attempts_table


def build_report(results: Mapping[str, Any]) -> ReportData:
    """Build the contents of a report.

    Parameters
    ----------
    results : mapping
        Results as ``results.schema.json`` describes them; numpy values are welcome.

    Returns
    -------
    ReportData
        Text, tables and pictures, nothing of it escaped for a format except the pictures.

    Raises
    ------
    MienError
        If the results do not follow the schema.
    """
    results = to_plain(results)
    check_results(results)
    models, classes = results["models"], results["dataset"]["classes"]
    ranked = {name: models[name] for name in rank_models(models)}
    faces = results.get("faces") or {}
    sections = tuple(
        build_section(model, classes, faces=faces, anchor=f"model-{i + 1}", best=i == 0)
        for i, model in enumerate(ranked.values())
    )
    compared = count_noun(len(models), "model")
    return ReportData(
        title=f"{results['dataset']['name']}: {compared} compared",
        subtitle=_write_subtitle(results),
        warnings=build_warnings(results),
        headline=build_headline(results),
        statement=results["protocol"]["statement"],
        protocol=build_protocol_facts(results["protocol"]),
        leaks=build_leak_audit(results["protocol"]),
        dataset=build_dataset_card(results["dataset"]),
        models=build_models_table(results),
        measures=build_measures_table(ranked),
        overview=_draw_overview(ranked, results["protocol"]),
        coverage=build_coverage_table(ranked),
        attempts=build_attempts_table(models),
        failures=tuple(
            (model["title"], model["error"])
            for model in models.values()
            if model["status"] == "failed"
        ),
        comparisons=build_comparison_table(results),
        sentences=tuple(pair["sentence"] for pair in results["comparisons"]),
        sections=sections,
        faces=collect_faces(sections, faces),
        environment=_list_manifest(results) + _list_environment(results["environment"]),
        command=results["command"],
        style=Markup(build_colour_css()),
    )


def _write_subtitle(results: Mapping[str, Any]) -> str:
    rows = count_noun(results["dataset"]["rows"], "picture")
    classes = count_noun(len(results["dataset"]["classes"]), "class", "classes")
    return f"{rows}, {classes}. {format_created(results['created'])}."


def _draw_overview(
    ranked: Mapping[str, Mapping[str, Any]], protocol: Mapping[str, Any]
) -> tuple[Picture, ...]:
    """Draw all models in one picture each: accuracies with intervals, accuracy by coverage."""
    estimates = []
    for model in ranked.values():
        interval = read_interval(model) or {}
        estimates.append(
            Estimate(
                model["title"], read_accuracy(model), interval.get("low"), interval.get("high")
            )
        )
    known = any(estimate.low is not None for estimate in estimates)
    forest = draw_forest(estimates, name_interval(protocol)) if known else None
    return tuple(picture for picture in (forest, draw_coverage(ranked)) if picture)


def _list_manifest(results: Mapping[str, Any]) -> Pairs:
    """List what a repetition must find the same."""
    protocol = results["protocol"]
    pairs = [("Hash of the dataset", results["dataset"]["hash"])]
    if protocol.get("folds_digest"):
        pairs.append(("Hash of the folds", protocol["folds_digest"]))
    pairs.append(("Seed", str(protocol["seed"])))
    return tuple(pairs)


def _list_environment(environment: Mapping[str, Any]) -> Pairs:
    """One pair a value; nested mappings become ``"versions, numpy"``."""
    pairs: list[tuple[str, str]] = []
    for name, value in environment.items():
        if isinstance(value, Mapping):
            pairs += [(f"{name}, {inner}", format_value(item)) for inner, item in value.items()]
        else:
            pairs.append((str(name), format_value(value)))
    return tuple(pairs)
