"""Commands that fit models: search their parameters, compare them, export one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.experiments.options import Filter, Memory, OnLeak, Preset, Seed, Store, TimeBudget
from mien.experiments.typed_command import read_typed_command

if TYPE_CHECKING:
    from mien.models.bundle import Bundle
    from mien.models.checked_file import Agreement


def tune(
    store: Store,
    model: Annotated[
        str,
        typer.Option(help="svm-linear, svm-poly, svm-rbf, cnn, cnn-modern or cnn-compact."),
    ] = "svm-rbf",
    trials: Annotated[
        int, typer.Option(min=1, help="Finished trials that the study shall have.")
    ] = 50,
    cv: Annotated[
        str | None,
        typer.Option(
            help="Cross-validation scheme: five folds for an SVM, holdout:0.2 for a network; by "
            "person where known."
        ),
    ] = None,
    sampler: Annotated[str, typer.Option(help="tpe, random or grid.")] = "tpe",
    storage: Annotated[
        str | None, typer.Option(help="Optuna storage URL; a SQLite file beside --out by default.")
    ] = None,
    out: Annotated[Path, typer.Option(help="File for the best parameters.")] = Path("tuned.json"),
    families: Annotated[
        str | None, typer.Option(help="Choose only from these families (SVMs).")
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", help="Fix one parameter: mirror=average; may be repeated."),
    ] = None,
    row_filter: Filter = None,
    limit: Annotated[
        int | None,
        typer.Option(
            min=10,
            help="Judge on so many rows, stratified; 8,000 for a network when left out.",
        ),
    ] = None,
    memory: Memory = None,
    seed: Seed = 0,
) -> None:
    """Search a model's parameters in an Optuna study; run it again to go on."""
    from mien.experiments.api import tune as api
    from mien.experiments.console import TuneProgress, print_tuned
    from mien.pipeline.store import FeatureStore

    opened = FeatureStore.open(store)
    with TuneProgress(model) as progress:
        result = api.tune(
            opened,
            model,
            trials=trials,
            cv=cv,
            sampler=sampler,
            storage=storage,
            out=out,
            families=families,
            parameters=_assigned(assignments, model),
            row_filter=row_filter,
            limit=limit,
            memory=memory,
            seed=seed,
            on_trial=progress.update,
            on_epoch=progress.epoch,
        )
    print_tuned(result)


def compare(
    store: Store,
    out: Annotated[Path, typer.Option(help="Folder for the report and results.json.")],
    models: Annotated[
        str | None,
        typer.Option(
            help="svm-linear,svm-poly,svm-rbf,cnn: all by default, or the preset's. Others: "
            "cnn-modern, cnn-compact, fusion."
        ),
    ] = None,
    preset: Preset = None,
    cv: Annotated[
        str | None,
        typer.Option(
            help="subject:10, leave-one-subject-out, official, stratified:5, random:5, "
            "holdout:0.2, random-holdout:0.25."
        ),
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Split anew so often.")] = 1,
    params: Annotated[
        list[Path] | None, typer.Option(help="Parameters from mien tune; may be repeated.")
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", help="One parameter: cnn.epochs=5; may be repeated."),
    ] = None,
    nested: Annotated[
        bool, typer.Option("--nested", help="Tune the SVMs anew inside each fold.")
    ] = False,
    trials: Annotated[int, typer.Option(min=1, help="Trials of each study with --nested.")] = 20,
    row_filter: Filter = None,
    limit: Annotated[
        int | None, typer.Option(min=10, help="Compare on so many rows, stratified.")
    ] = None,
    memory: Memory = None,
    time_budget: TimeBudget = None,
    attempts: Annotated[
        int,
        typer.Option(
            min=1, help="Fit every network so often, with other seeds; the report shows them all."
        ),
    ] = 1,
    calibrate: Annotated[
        bool,
        typer.Option(
            "--calibrate/--no-calibrate",
            help="Give the SVMs' probabilities, too: one more fit a fold.",
        ),
    ] = True,
    on_leak: OnLeak = "group",
    seed: Seed = 0,
) -> None:
    """Compare models by cross-validation on the same folds, and write the report."""
    from mien.experiments.api import compare as api
    from mien.experiments.assignments import parse_assignments
    from mien.experiments.console import CompareProgress, print_comparison
    from mien.pipeline.store import FeatureStore

    opened = FeatureStore.open(store)
    with CompareProgress() as progress:
        compared = api.compare(
            opened,
            models,
            out=out,
            preset=preset,
            tuned=params or (),
            parameters=parse_assignments(assignments or []),
            cv=cv,
            repeats=repeats,
            nested=nested,
            trials=trials,
            row_filter=row_filter,
            limit=limit,
            memory=memory,
            time_budget=time_budget,
            attempts=attempts,
            calibrate=calibrate,
            on_leak=on_leak,
            seed=seed,
            command=read_typed_command(),
            on_progress=progress.update,
        )
    print_comparison(compared.results, out)


def export(
    store: Store,
    model: Annotated[
        str,
        typer.Option(help="svm-linear, svm-poly, svm-rbf, cnn, cnn-modern, cnn-compact or fusion."),
    ] = "svm-rbf",
    preset: Preset = None,
    params: Annotated[Path | None, typer.Option(help="Parameters from mien tune.")] = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", help="One parameter: C=10; may be repeated.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="Fit only on this split: Training.")] = None,
    row_filter: Filter = None,
    memory: Memory = None,
    max_size: Annotated[
        str | None, typer.Option(help="Largest size of the file: 50MB; a larger SVM is reduced.")
    ] = None,
    results: Annotated[
        Path | None,
        typer.Option(
            help="A results.json of mien compare whose figures the model shall carry; by default "
            "they are of held-out training rows."
        ),
    ] = None,
    abstain_below: Annotated[
        float | None,
        typer.Option(help="Let the model abstain where its highest probability is lower: 0.5."),
    ] = None,
    target_accuracy: Annotated[
        float | None,
        typer.Option(help="Let it abstain so often that this share of its answers is right: 0.9."),
    ] = None,
    licence: Annotated[
        str, typer.Option(help="What must be known before the model is used or passed on.")
    ] = "",
    card: Annotated[
        Path | None, typer.Option(help="Write the model card, too: a file .md or .html.")
    ] = None,
    time_budget: TimeBudget = None,
    out: Annotated[
        Path | None, typer.Option(help="File for the model; model.joblib when left out.")
    ] = None,
    file_format: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="joblib, skops (runs no code when it is read) or onnx (works without Mien); what "
            "the suffix of --out says when left out.",
        ),
    ] = None,
    seed: Seed = 0,
) -> None:
    """Fit on all rows and write a model that works elsewhere."""
    from mien.experiments.api import export as api
    from mien.experiments.console import print_agreement, print_exported, working

    written: list[tuple[Bundle, Agreement | None]] = []
    with working(f"fitting {model}") as told:
        target = api.export(
            store,
            model,
            out=out,
            preset=preset,
            tuned=params,
            parameters=_assigned(assignments, model),
            split=split,
            row_filter=row_filter,
            memory=memory,
            max_size=max_size,
            time_budget=time_budget,
            seed=seed,
            results=results,
            abstain_below=abstain_below,
            target_accuracy=target_accuracy,
            licence=licence,
            card=card,
            file_format=file_format,
            on_note=told.step,
            on_written=lambda *own: written.append(own),
        )
    ((bundle, agreement),) = written
    print_exported(bundle, target, card)
    if agreement is not None:
        print_agreement(agreement)


def _assigned(assignments: list[str] | None, model: str) -> dict[str, dict[str, Any]]:
    """Read --set of a command that has one model, whose name may be left out; with its parts'."""
    from mien.experiments.assignments import parse_assignments

    named = [text if "." in text.split("=")[0] else f"{model}.{text}" for text in assignments or []]
    return parse_assignments(named)
