"""Tables over all models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from mien.experiments.report.contents import Row, Table
from mien.experiments.report.headline import (
    find_equals,
    orient_interval,
    rank_models,
    read_accuracy,
)
from mien.experiments.report.intervals import (
    explain_intervals,
    format_interval,
    name_interval,
    read_interval,
)
from mien.experiments.report.marks import draw_strip
from mien.experiments.report.numbers import (
    DASH,
    count_noun,
    format_count,
    format_milliseconds,
    format_p_value,
    format_percent,
    format_points,
    format_seconds,
    format_spread,
)

Models = Mapping[str, Mapping[str, Any]]

_METRICS = {
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "f1_macro": "F1, macro",
}
_STRIP = 116
_POOLED = "All faces right, %"
_MEANS = (
    "± is the standard deviation over folds. Each fold counts the same, and its averages run over "
    "the classes it holds."
)


def build_models_table(results: Mapping[str, Any]) -> Table | None:
    """Build the table of all models, the best first; None if all of them failed.

    Scores are means over folds with their spread; where the dataset brings its own splits, the
    accuracy of each split instead.
    """
    ranking = rank_models(results["models"])
    if not ranking:
        return None
    models = {name: results["models"][name] for name in ranking}
    splits = list(models[ranking[0]].get("splits") or {})
    scores, note = _list_split_scores(models, splits) if splits else _list_fold_scores(models)
    scores = _insert_intervals(scores, models, results["protocol"])
    strips, scale = ({}, "") if splits else _draw_strips(models)
    clear = len(ranking) > 1 and not find_equals(results, ranking[0])
    rows = [
        Row(
            model["title"] + (" (best)" if clear and name == ranking[0] else ""),
            (
                *(column[i] for column in scores.values()),
                format_seconds(model["timing"]["fit_seconds"]),
                format_milliseconds(model["timing"]["predict_ms_per_face"]),
            ),
            marked=name == ranking[0],
            picture=strips.get(name),
        )
        for i, (name, model) in enumerate(models.items())
    ]
    protocol = results["protocol"]
    if any(map(read_interval, models.values())):
        note = f"{note} {explain_intervals(protocol)}".strip()
    folds = count_noun(protocol["folds"] * protocol["repeats"], "fold")
    caption = "Models on the splits of the dataset" if splits else f"Models over {folds}"
    columns = ("Model", *scores, "Fit", "Predict a face")
    return Table(caption, columns, tuple(rows), picture_column=scale, note=note)


def build_comparison_table(results: Mapping[str, Any]) -> Table | None:
    """Build the table of all pairs of models; None without pairs."""
    pairs, models = results["comparisons"], results["models"]
    if not pairs:
        return None
    ranged = any(pair.get("interval") for pair in pairs)
    resampled = any(pair.get("resampled") for pair in pairs)
    rows = []
    for pair in pairs:
        better, worse = ("a", "b") if pair["difference"] >= 0 else ("b", "a")
        titles = [models[pair[side]]["title"] for side in (better, worse)]
        cells = (
            format_points(abs(pair["difference"])),
            *([_tell_interval(pair, pair[better])] if ranged else []),
            format_count(pair[f"{better}_only_right"]),
            format_count(pair[f"{worse}_only_right"]),
            format_p_value(pair["p_value"]),
            *([_tell_resampled(pair)] if resampled else []),
            format_p_value(pair["p_adjusted"]),
            "yes" if pair["significant"] else "no",
        )
        rows.append(Row(" – ".join(titles), cells))
    columns = (
        "First – second",
        "First leads by, points",
        *([f"{name_interval(results['protocol'])}, points"] if ranged else []),
        "Only first right",
        "Only second right",
        "p",
        *(["p, resampled t"] if resampled else []),
        "p, adjusted",
        "Different",
    )
    tests = dict.fromkeys(pair["test"] for pair in pairs)
    note = (
        f"Test: {'; '.join(tests)}. Adjusted after Holm for {count_noun(len(pairs), 'pair')}; "
        "different means an adjusted p of at most 0.05."
    )
    if resampled:
        note += (
            " Resampled t: the t-test over folds and repeats, corrected for the pictures that "
            "their training parts share (Nadeau and Bengio)."
        )
    split = models[pairs[0]["a"]].get("reported_split")
    caption = f"Pairs of models on the same rows{f' of {split}' if split else ''}"
    return Table(caption, columns, tuple(rows), note=note)


def _tell_interval(pair: Mapping[str, Any], first: str) -> str:
    return format_interval(orient_interval(pair, first)) or DASH


def _tell_resampled(pair: Mapping[str, Any]) -> str:
    found = pair.get("resampled")
    return format_p_value(found["p_value"]) if found else DASH


def _insert_intervals(
    scores: dict[str, list[str]], models: Models, protocol: Mapping[str, Any]
) -> dict[str, list[str]]:
    """Put the accuracies' intervals behind the column that they are of."""
    intervals = [format_interval(read_interval(model)) or DASH for model in models.values()]
    if set(intervals) == {DASH}:
        return scores
    split = next(iter(models.values())).get("reported_split")
    of = f"{split} accuracy, %" if split else next(iter(scores))
    columns = {}
    for head, cells in scores.items():
        columns[head] = cells
        if head == of:
            columns[f"{name_interval(protocol)}, %"] = intervals
    return columns


def _list_split_scores(models: Models, splits: list[str]) -> tuple[dict[str, list[str]], str]:
    """Columns of scores by head, and what to say below them."""
    first = next(iter(models.values()))
    final = first.get("reported_split") or splits[-1]
    columns = {
        f"{split} accuracy, %": [
            format_points(model["splits"][split]["accuracy"]) for model in models.values()
        ]
        for split in splits
    }
    for metric, title in _METRICS.items():
        if metric != "accuracy" and metric in first["splits"][final]:
            columns[f"{title}, %"] = [
                format_points(model["splits"][final][metric]) for model in models.values()
            ]
    return columns, f"Ranked by accuracy on {final}, which the other scores are of, too."


def _list_fold_scores(models: Models) -> tuple[dict[str, list[str]], str]:
    """Columns of scores by head, and what to say below them.

    The share of all faces that were right stands in a column of its own where it is not the mean
    over folds: with folds of different sizes.
    """
    first = next(iter(models.values()))
    single = len(first["folds"]) == 1
    columns = {
        f"{title}, %" if single else f"{title} ± spread, %": [
            format_points(model["summary"][metric]["mean"])
            if single
            else format_spread(**model["summary"][metric])
            for model in models.values()
        ]
        for metric, title in _METRICS.items()
        if metric in first["summary"]
    }
    if single:
        return columns, "One fold, so there is no spread."
    pooled = [format_points(read_accuracy(model)) for model in models.values()]
    means = [format_points(model["summary"]["accuracy"]["mean"]) for model in models.values()]
    if pooled == means:
        return columns, f"Ranked by accuracy. {_MEANS}"
    note = f"Ranked by the share of all faces that were right, each counting the same. {_MEANS}"
    return {_POOLED: pooled, **columns}, note


def _draw_strips(models: Models) -> tuple[dict[str, Markup], str]:
    """Draw the folds' accuracies of each model on one scale, and name the scale."""
    values = {
        name: [fold["scores"]["accuracy"] for fold in model["folds"]]
        for name, model in models.items()
    }
    if max(len(scores) for scores in values.values()) < 2:
        return {}, ""
    low, high = min(map(min, values.values())), max(map(max, values.values()))
    strips = {
        name: draw_strip(
            scores,
            low=low,
            high=high,
            mean=models[name]["summary"]["accuracy"]["mean"],
            width=_STRIP,
        )
        for name, scores in values.items()
    }
    return strips, f"Folds, {format_points(low)} to {format_percent(high)}"
