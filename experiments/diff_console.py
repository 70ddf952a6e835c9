"""What ``mien diff`` shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from mien.experiments.console import OUT, escape

_LONGEST = 60


def print_diff(told: Mapping[str, Any]) -> None:
    """Print what changed, then of each model whether that mattered."""
    if told["changes"]:
        table = Table("changed", "", "before", "after")
        for change in told["changes"]:
            sides = (_cut(change[side]) for side in ("before", "after"))
            table.add_row(escape(change["part"]), escape(change["name"]), *sides)
        OUT.print(table)
    else:
        OUT.print("Same dataset, protocol, folds, parameters and versions.")
    for model in told["models"]:
        OUT.print(escape(model["sentence"]))
    for key, when in (("only_before", "before"), ("only_after", "now")):
        if told[key]:
            OUT.print(f"Only {when}: {escape(', '.join(told[key]))}")


def _cut(text: str | None) -> str:
    if text is None:
        return "–"
    return escape(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…")
