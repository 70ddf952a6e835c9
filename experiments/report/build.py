"""From results to all that a report says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from mien.experiments.report.colours import build_colour_css
from mien.experiments.report.contents import Pairs, ReportData
from mien.experiments.report.dataset_card import build_dataset_card, build_protocol_facts
from mien.experiments.report.headline import build_headline, build_warnings, rank_models
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
    sections = tuple(
        build_section(models[name], classes, anchor=f"model-{i + 1}", best=i == 0)
        for i, name in enumerate(rank_models(models))
    )
    compared = count_noun(len(models), "model")
    return ReportData(
        title=f"{results['dataset']['name']}: {compared} compared",
        subtitle=_write_subtitle(results),
        warnings=build_warnings(results),
        headline=build_headline(results),
        statement=results["protocol"]["statement"],
        protocol=build_protocol_facts(results["protocol"]),
        dataset=build_dataset_card(results["dataset"]),
        models=build_models_table(results),
        attempts=build_attempts_table(models),
        failures=tuple(
            (model["title"], model["error"])
            for model in models.values()
            if model["status"] == "failed"
        ),
        comparisons=build_comparison_table(results),
        sentences=tuple(pair["sentence"] for pair in results["comparisons"]),
        sections=sections,
        environment=_list_environment(results["environment"]),
        command=results["command"],
        style=Markup(build_colour_css()),
    )


def _write_subtitle(results: Mapping[str, Any]) -> str:
    rows = count_noun(results["dataset"]["rows"], "picture")
    classes = count_noun(len(results["dataset"]["classes"]), "class", "classes")
    return f"{rows}, {classes}. {format_created(results['created'])}."


def _list_environment(environment: Mapping[str, Any]) -> Pairs:
    """One pair a value; nested mappings become ``"versions, numpy"``."""
    pairs: list[tuple[str, str]] = []
    for name, value in environment.items():
        if isinstance(value, Mapping):
            pairs += [(f"{name}, {inner}", format_value(item)) for inner, item in value.items()]
        else:
            pairs.append((str(name), format_value(value)))
    return tuple(pairs)
