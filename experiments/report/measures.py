"""The table of further scores: agreement beyond chance, and of the probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mien.experiments.report.contents import Row, Table
from mien.experiments.report.numbers import DASH, format_points

_NOTE = {
    "Cohen’s kappa": "kappa: agreement beyond chance, 1 is perfect",
    "Top 2, %": "top 2: the true class is among the two likeliest",
    "Log loss": "log loss and Brier score: of the probabilities, lower is better",
    "Calibration error, points": "calibration error: how far probabilities are off, on average",
}


def build_measures_table(models: Mapping[str, Mapping[str, Any]]) -> Table | None:
    """Build the table of further scores, of those that any model has; None without any.

    Parameters
    ----------
    models : mapping
        Models of the results schema that did not fail, the best first.
    """
    columns = {
        "Cohen’s kappa": [_read_kappa(model) for model in models.values()],
        "Top 2, %": [_format(_read(m, "ranking", "top2"), points=True) for m in models.values()],
        "Log loss": [_format(_read(m, "calibration", "log_loss")) for m in models.values()],
        "Brier score": [_format(_read(m, "calibration", "brier")) for m in models.values()],
        "Calibration error, points": [
            _format(_read(m, "calibration", "expected_error"), points=True) for m in models.values()
        ],
    }
    shown = {head: cells for head, cells in columns.items() if set(cells) - {DASH}}
    if not shown:
        return None
    rows = tuple(
        Row(model["title"], tuple(cells[i] for cells in shown.values()))
        for i, model in enumerate(models.values())
    )
    notes = [text for head, text in _NOTE.items() if head in shown]
    note = f"{'; '.join(notes)}."
    return Table("Further scores", ("Model", *shown), rows, note=note[:1].upper() + note[1:])


def _read_kappa(model: Mapping[str, Any]) -> str:
    split = model.get("reported_split")
    if split is not None:
        return _format(model["splits"][split].get("kappa"))
    return _format(model["summary"].get("kappa", {}).get("mean"))


def _read(model: Mapping[str, Any], part: str, key: str) -> float | None:
    return (model.get(part) or {}).get(key)


def _format(value: float | None, *, points: bool = False) -> str:
    if value is None:
        return DASH
    return format_points(value) if points else f"{value:.3f}"
