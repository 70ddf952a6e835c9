"""Commands on the results of a comparison: show them again, diff two, repeat one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from mien.errors import MienError
from mien.experiments.options import Json

ResultsFile = Annotated[Path, typer.Argument(help="A results.json of mien compare.")]


def report(
    results: ResultsFile,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the pages; that of the results by default.")
    ] = None,
) -> None:
    """Write report.html and report.md of finished results again."""
    from mien.experiments.report import read_results, write_pages

    target = results.parent if out is None else out
    write_pages(read_results(results), target)
    typer.echo(f"Report: {target / 'report.html'}")


def diff(
    before: ResultsFile,
    after: ResultsFile,
    as_json: Json = False,
    fail_on_worse: Annotated[
        bool,
        typer.Option("--fail-on-worse", help="End with code 1 if a model is surely worse."),
    ] = False,
) -> None:
    """Say what changed between two comparisons, and whether it matters."""
    from mien.experiments.diff_console import print_diff
    from mien.experiments.diff_runs import diff_results
    from mien.experiments.report import read_results

    first, second = read_results(before), read_results(after)
    told = diff_results(first, second, persons=_find_persons(first) or _find_persons(second))
    if as_json:
        typer.echo(json.dumps(told, indent=1, ensure_ascii=False))
    else:
        print_diff(told)
    if fail_on_worse and any(model["worse"] for model in told["models"]):
        raise typer.Exit(1)


def rerun(
    results: ResultsFile,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the repetition; rerun beside the results.")
    ] = None,
    store: Annotated[
        Path | None, typer.Option(help="The feature store, if it is elsewhere by now.")
    ] = None,
) -> None:
    """Repeat a comparison from its results, and check that it predicts the same."""
    from mien.experiments.console import CompareProgress
    from mien.experiments.report import read_results
    from mien.experiments.rerun import check_repetition
    from mien.experiments.rerun import rerun as repeat
    from mien.experiments.rerun_console import print_repetition

    target = results.parent / "rerun" if out is None else out
    if target.resolve() == results.parent.resolve():
        raise MienError(
            f"{target} holds the finished fits of these results: nothing would be repeated.",
            "Name another folder with --out.",
        )
    before = read_results(results)
    with CompareProgress() as progress:
        after = repeat(before, target, store=store, on_progress=progress.update)
    checked = check_repetition(before, after)
    print_repetition(checked, target)
    raise typer.Exit(0 if checked["same"] else 1)


def _find_persons(results: Mapping[str, Any]) -> list[str] | None:
    """Return the person of each row, where the feature store is still there and the same."""
    from mien.pipeline.store import FeatureStore

    place = results["dataset"].get("store")
    try:
        store = FeatureStore.open(Path(place)) if place else None
    except MienError:
        return None
    if store is None or store.manifest["dataset_hash"] != results["dataset"]["hash"]:
        return None
    persons: list[str] = store.rows["subject"].tolist()
    return persons if any(persons) else None
