"""What ``mien rerun`` shows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mien.experiments.console import OUT, escape


def print_repetition(checked: Mapping[str, Any], out: Path) -> None:
    """Print whether each model predicted the same again, and else by how much it differs."""
    if checked["same_folds"] is False:
        OUT.print("[bold yellow]Note:[/] the folds differ: other rows were held out.")
    for model in checked["models"].values():
        OUT.print(f"{escape(model['title'])}: {_tell(model)}")
    OUT.print(
        "The comparison was repeated: every prediction is the same."
        if checked["same"]
        else "The comparison was not repeated: see above, and mien diff for what changed."
    )
    OUT.print(f"Report: {escape(str(out / 'report.html'))}")


def _tell(model: Mapping[str, Any]) -> str:
    before, after = model["accuracy_before"], model["accuracy_after"]
    if before is None or after is None:
        return "failed, as before" if model["same"] else _tell_failure(before, after)
    if model["same"]:
        return f"the same {model['rows']:,} predictions, {after:.1%} right"
    if not model["rows"]:
        return f"no row was predicted in the same fold; {before:.2%} right before, {after:.2%} now"
    return (
        f"{model['different']:,} of {model['rows']:,} predictions differ; {before:.2%} right "
        f"before, {after:.2%} now"
    )


def _tell_failure(before: float | None, after: float | None) -> str:
    if after is None:
        return f"failed now; {before:.1%} right before"
    return f"failed before; {after:.1%} right now"
