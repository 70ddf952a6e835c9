"""What a report says of a network's trainings: how they went, and attempts with other seeds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from mien.experiments.report.contents import Pairs, Row, Table
from mien.experiments.report.marks import draw_strip
from mien.experiments.report.numbers import (
    DASH,
    count_noun,
    format_count,
    format_percent,
    format_points,
    format_range,
    format_seconds,
    format_spread,
)
from mien.experiments.training_summary import spread_attempts

_NOTE = (
    "Attempts differ by their seed: first weights, order of the pictures, dropout, validation "
    "part. Every other figure is of the first, which no score has chosen. ± is the standard "
    "deviation over attempts."
)
_ENDS = {
    "epochs": "all epochs done",
    "patience": "patience used up",
    "time budget": "time budget used up",
    "diverged": "diverged",
}
_COUNTS = {
    "epochs": "Epochs trained",
    "best_epoch": "Best epoch",
    "pictures": "Pictures seen in all",
    "parameters": "Parameters of the network",
}


def list_training(folds: Sequence[Mapping[str, Any]]) -> Pairs:
    """Say how the trainings of all folds went; nothing for a model that tells nothing of it.

    Parameters
    ----------
    folds : sequence of mapping
        Folds as in the results schema.

    Returns
    -------
    tuple of (str, str)
        Where folds differ, values from the lowest to the highest.
    """
    told = [fold["training"] for fold in folds if (fold.get("training") or {}).get("epochs")]
    pairs = [
        (term, format_range([training[key] for training in told]))
        for key, term in _COUNTS.items()
        if told and all(training.get(key) is not None for training in told)
    ]
    if precisions := _count([training.get("precision") for training in told]):
        pairs.append(("Precision", precisions))
    if ends := _count(
        [_ENDS.get(end, end) for training in told if (end := training.get("stopped"))]
    ):
        pairs.append(("Ended", ends))
    budgets = [training["time_budget"] for training in told if training.get("time_budget")]
    if budgets:
        pairs.append(("Time budget of each fit", format_seconds(max(budgets))))
    return tuple(pairs)


def build_attempts_table(models: Mapping[str, Mapping[str, Any]]) -> Table | None:
    """Build the table of the accuracies of all networks that were fitted more than once."""
    tried = [model for model in models.values() if model.get("attempts")]
    if not tried:
        return None
    spreads = [spread_attempts(model["attempts"], "accuracy") for model in tried]
    low, high = min(s["lowest"] for s in spreads), max(s["highest"] for s in spreads)
    rows = [
        Row(
            model["title"],
            (
                format_count(len(model["attempts"])),
                format_spread(spread["mean"], spread["std"]),
                format_points(spread["lowest"]),
                format_points(spread["highest"]),
            ),
            picture=draw_strip(
                [attempt["accuracy"] for attempt in model["attempts"]],
                low=low, high=high, mean=spread["mean"],
            ),
        )
        for model, spread in zip(tried, spreads, strict=True)
    ]  # fmt: skip
    split = tried[0].get("reported_split")
    return Table(
        f"Accuracy{f' on {split}' if split else ''} over attempts with other seeds",
        ("Model", "Attempts", "Mean ± spread, %", "Lowest, %", "Highest, %"),
        tuple(rows),
        picture_column=f"Attempts, {format_points(low)} to {format_percent(high)}",
        note=_NOTE,
    )


def build_attempts(model: Mapping[str, Any]) -> Table | None:
    """Build the table of a network's attempts; None if there is but one.

    A row an attempt, in the order of their seeds, then their mean with its spread, the lowest and
    the highest.
    """
    attempts = model.get("attempts")
    if not attempts:
        return None
    columns = _list_scores(attempts, model.get("reported_split"))
    rows = [
        Row(
            f"Seed {attempt['seed']}",
            (
                *(format_points(scores[i]) for scores in columns.values()),
                format_range([epochs for epochs in attempt["epochs"] if epochs is not None]),
                _count([_ENDS.get(end, end) for end in attempt["stopped"] if end]) or DASH,
            ),
            marked=i == 0,
        )
        for i, attempt in enumerate(attempts)
    ]
    spreads = [
        spread_attempts([{"score": score} for score in scores], "score")
        for scores in columns.values()
    ]
    sums = {
        "Mean ± spread": [format_spread(s["mean"], s["std"]) for s in spreads],
        "Lowest": [format_points(s["lowest"]) for s in spreads],
        "Highest": [format_points(s["highest"]) for s in spreads],
    }
    rows += [Row(head, (*cells, "", ""), foot=True) for head, cells in sums.items()]
    return Table(
        f"All {count_noun(len(attempts), 'attempt')}",
        ("Attempt", *columns, "Epochs", "Ended"),
        tuple(rows),
    )


def _list_scores(
    attempts: Sequence[Mapping[str, Any]], reported: str | None
) -> dict[str, list[float]]:
    """Scores of all attempts by the head of their column."""
    splits = list(attempts[0]["splits"])
    columns = {
        f"{split} accuracy, %": [attempt["splits"][split]["accuracy"] for attempt in attempts]
        for split in splits
    } or {"Accuracy, %": [attempt["accuracy"] for attempt in attempts]}
    of = f"{reported} " if reported else ""
    columns[f"{of}F1, macro, %"] = [attempt["f1_macro"] for attempt in attempts]
    return columns


def _count(values: Sequence[str | None]) -> str:
    """Name the values, with how many folds have each where they differ."""
    counts = Counter(value for value in values if value)
    if len(counts) < 2:
        return "".join(counts)
    return ", ".join(f"{value} ({count_noun(n, 'fold')})" for value, n in counts.most_common())
