"""What ``mien study`` shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from mien.experiments.console import OUT, escape

_STATES = {"running_or_abandoned": "running or abandoned"}
_FEW_TRIALS = 50


def print_studies(studies: Sequence[Mapping[str, Any]]) -> None:
    """Print a storage's studies, a row each."""
    table = Table("study", "begun", "trials", "best")
    for told in studies:
        counts, best = told["trials"], told["best"]
        table.add_row(
            escape(told["study"]),
            told["started"] or "",
            escape(_tell_counts(counts)),
            "" if best is None else _tell_value(best, told["model"]),
        )
    OUT.print(table if studies else "No studies.")


def print_study(told: Mapping[str, Any], pictures: Sequence[Path]) -> None:
    """Print a study: trials, best, improvements, importances, time, and where pictures are."""
    model = told["model"] or "of another program"
    OUT.print(f"[bold]{escape(told['study'])}[/] ({escape(model)}, {told['direction']})")
    OUT.print(f"Trials: {escape(_tell_counts(told['trials']))}")
    if told["best"]:
        _print_best(told)
        _print_improvements(told)
    else:
        OUT.print("No trial is complete yet, so there is no best one.")
    _print_importances(told)
    _print_cost(told)
    for picture in pictures:
        OUT.print(f"Picture: {escape(str(picture))}")


def _tell_counts(counts: Mapping[str, int]) -> str:
    told = (f"{count:,} {_STATES.get(name, name)}" for name, count in counts.items() if count)
    return ", ".join(told) or "none"


def _tell_value(value: float, model: str | None) -> str:
    return f"{value:.1%}" if model else f"{value:.6g}"


def _tell_parameter(value: Any) -> str:
    return escape(f"{value:.4g}" if isinstance(value, float) else str(value))


def _print_best(told: Mapping[str, Any]) -> None:
    best = told["best"]
    OUT.print(f"Best: {_tell_value(best['value'], told['model'])} in trial {best['trial']}")
    for name, value in best["parameters"].items():
        OUT.print(f"  {escape(name)} = {_tell_parameter(value)}")


def _print_improvements(told: Mapping[str, Any]) -> None:
    """Print the trials that were better than all before, with what each changed."""
    table = Table("trial", "best so far", "changed")
    before: Mapping[str, Any] = {}
    for step in told["improvements"]:
        changed = {k: v for k, v in step["parameters"].items() if before.get(k) != v}
        shown = ", ".join(f"{escape(k)} {_tell_parameter(v)}" for k, v in changed.items())
        table.add_row(str(step["trial"]), _tell_value(step["value"], told["model"]), shown)
        before = step["parameters"]
    OUT.print(table)


def _print_importances(told: Mapping[str, Any]) -> None:
    importances, complete = told["importances"], told["trials"]["complete"]
    if not importances:
        OUT.print("What mattered: not known before two trials of different value are complete.")
        return
    shares = ", ".join(f"{escape(name)} {share:.0%}" for name, share in importances.items())
    rough = f"; rough, from {complete} complete trials" if complete < _FEW_TRIALS else ""
    OUT.print(f"What mattered (PED-ANOVA{rough}): {shares}")


def _print_cost(told: Mapping[str, Any]) -> None:
    time, pruning = told["time"], told["pruning"]
    if time["elapsed_seconds"] is not None:
        OUT.print(
            f"Time: {time['trials_seconds']:,.1f} s in trials, {time['elapsed_seconds']:,.1f} s "
            "from the first start to the last end"
        )
    unit = "epochs" if "all_epochs" in pruning else "folds"
    if pruning[f"all_{unit}"]:
        OUT.print(
            f"Pruning saved {pruning[f'saved_{unit}']:,} of {pruning[f'all_{unit}']:,} {unit} "
            f"({pruning['saved_share']:.0%})"
        )
    for reason, count in told["reasons"].items():
        OUT.print(f"Cut short: {count:,} because {escape(reason)}")
