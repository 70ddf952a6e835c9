"""The answers of the first screen, as sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mien.experiments.report.contents import Fact, Headline
from mien.experiments.report.intervals import add_interval, explain_intervals, read_interval
from mien.experiments.report.numbers import (
    count_noun,
    format_milliseconds,
    format_p_value,
    format_percent,
    format_points,
    format_seconds,
    format_spread,
    join_names,
)
from mien.experiments.summary import pool_folds
from mien.experiments.training_summary import tell_divergence

Model = Mapping[str, Any]


def rank_models(models: Mapping[str, Model]) -> list[str]:
    """Order the models that did not fail, the best first.

    Parameters
    ----------
    models : mapping of str to mapping
        The ``models`` of the results schema.

    Returns
    -------
    list of str
        Names by pooled accuracy (of the split that decides, if there are splits); of equals, the
        one that fits faster comes first.
    """
    usable = [name for name, model in models.items() if model["status"] == "ok"]
    return sorted(
        usable, key=lambda n: (-read_accuracy(models[n]), models[n]["timing"]["fit_seconds"])
    )


def read_accuracy(model: Model) -> float:
    """Pooled accuracy of a model: every predicted row counts the same."""
    return float(model["classification_report"]["accuracy"])


def build_warnings(results: Mapping[str, Any]) -> tuple[str, ...]:
    """Collect what must be read before any figure: warnings, failures, diverged trainings."""
    protocol = results["protocol"]
    warnings = list(protocol["warnings"])
    if not protocol["honest"] and not warnings:
        warnings.append(
            "Alike rows lie on both sides of the folds: these figures do not say how well the "
            "models do on new people."
        )
    for model in results["models"].values():
        if model["status"] == "failed":
            warnings.append(f"{model['title']} failed and is not among the figures.")
        elif diverged := tell_divergence(model):
            warnings.append(diverged)
    return tuple(warnings)


def build_headline(results: Mapping[str, Any]) -> Headline:
    """Answer which model is best, by how much, how sure, and at what cost.

    Parameters
    ----------
    results : mapping
        Results as in the schema.

    Returns
    -------
    Headline
        A sentence and its facts; without facts if every model failed.
    """
    models, ranking = results["models"], rank_models(results["models"])
    if not ranking:
        return Headline("No model could be evaluated: each of them failed.")
    best = models[ranking[0]]
    facts = [_tell_accuracy(best, results["protocol"])]
    if len(ranking) > 1:
        pair = find_pair(results["comparisons"], ranking[0], ranking[1])
        facts.append(_tell_lead(best, models[ranking[1]], orient_interval(pair, ranking[0])))
        facts.append(_tell_certainty(pair))
    facts.append(_tell_cost(best, [models[name] for name in ranking[1:]]))
    facts.append(_tell_protocol(results["protocol"]))
    return Headline(_tell_best(results, ranking), tuple(facts))


def find_pair(
    comparisons: list[dict[str, Any]], first: str, second: str
) -> Mapping[str, Any] | None:
    """Find the comparison of two models, in either order."""
    return next((pair for pair in comparisons if {pair["a"], pair["b"]} == {first, second}), None)


def orient_interval(pair: Mapping[str, Any] | None, first: str) -> Mapping[str, float] | None:
    """Return the interval of a pair's difference as first less second; None if there is none."""
    interval = (pair or {}).get("interval")
    if not pair or not interval or pair["a"] == first:
        return interval
    return {"low": -interval["high"], "high": -interval["low"]}


def find_equals(results: Mapping[str, Any], best: str) -> list[str]:
    """Name the models that cannot be told apart from the best one."""
    return [
        pair["b"] if pair["a"] == best else pair["a"]
        for pair in results["comparisons"]
        if best in (pair["a"], pair["b"]) and not pair["significant"]
    ]


def describe_baseline(model: Model) -> str:
    """Say what always answering the most frequent class would score on the same rows."""
    true, _ = pool_folds(model["folds"], split=model.get("reported_split"))
    counts = np.bincount(true)
    return format_percent(counts.max() / counts.sum())


def _tell_best(results: Mapping[str, Any], ranking: list[str]) -> str:
    models = results["models"]
    title = models[ranking[0]]["title"]
    if len(ranking) == 1:
        best = models[ranking[0]]
        share = add_interval(format_percent(read_accuracy(best)), read_interval(best))
        return f"{title} is right on {share} of faces."
    equals = find_equals(results, ranking[0])
    if not equals:
        return f"{title} is the best of {len(ranking)} models."
    names = join_names([models[name]["title"] for name in ranking if name in equals])
    return f"{title} scores highest, but cannot be told apart from {names}."


def _tell_accuracy(best: Model, protocol: Mapping[str, Any]) -> Fact:
    split = best.get("reported_split")
    summary, folds = best["summary"]["accuracy"], len(best["folds"])
    ground = f"on {split}" if split else "in one fold"
    if not split and folds > 1:
        ground = f"folds: {format_spread(**summary)}"
    detail = f"{ground}; always the most frequent class: {describe_baseline(best)}"
    interval = read_interval(best)
    if interval and (drawn := explain_intervals(protocol)):
        detail = f"{detail}. {drawn}"
    return Fact("Accuracy", add_interval(format_percent(read_accuracy(best)), interval), detail)


def _tell_lead(best: Model, second: Model, interval: Mapping[str, float] | None) -> Fact:
    lead = format_points(read_accuracy(best) - read_accuracy(second))
    return Fact(
        "Lead", add_interval(f"{lead} points", interval), f"over {second['title']}, the next best"
    )


def _tell_certainty(pair: Mapping[str, Any] | None) -> Fact:
    if pair is None:
        return Fact("How sure", "not tested", "the two best were not compared")
    sure = "sure" if pair["significant"] else "not sure"
    value = f"{sure}, p {_relate(format_p_value(pair['p_adjusted']))}"
    return Fact("How sure", value, pair["sentence"])


def _relate(p_value: str) -> str:
    return p_value if p_value.startswith("<") else f"= {p_value}"


def _tell_cost(best: Model, others: list[Model]) -> Fact:
    timing = best["timing"]
    value = f"{format_milliseconds(timing['predict_ms_per_face'])} a face"
    detail = f"{format_seconds(timing['fit_seconds'])} to fit"
    if others:
        quickest = min(others, key=lambda model: model["timing"]["predict_ms_per_face"])
        speed = format_milliseconds(quickest["timing"]["predict_ms_per_face"])
        detail += f"; quickest of the others: {quickest['title']}, {speed} a face"
    return Fact("Cost", value, detail)


def _tell_protocol(protocol: Mapping[str, Any]) -> Fact:
    value = "honest" if protocol["honest"] else "leaks, see above"
    folds = count_noun(protocol["folds"], "fold")
    if protocol["repeats"] > 1:
        folds = f"{folds}, {protocol['repeats']} times"
    told = f"{protocol['statement']} {folds.capitalize()}, {protocol['scheme']}."
    leaks = protocol.get("leaks")
    if leaks is not None and not any(leak["rows"] for leak in leaks):
        told += " An audit found nothing alike on both sides."
    return Fact("Protocol", value, told)
