"""The command line. Heavy modules are imported by the command that needs them."""

from __future__ import annotations

import errno
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from mien.errors import MienError
from mien.experiments.model_commands import inspect
from mien.experiments.options import (
    Cluster,
    Filter,
    Json,
    Landmarker,
    Memory,
    OnLeak,
    Preset,
    Seed,
    Store,
    TimeBudget,
)
from mien.experiments.predict_command import predict
from mien.experiments.reproduce.command import reproduce
from mien.experiments.results_commands import diff, report, rerun
from mien.experiments.serve.command import serve
from mien.experiments.study_commands import study_commands
from mien.experiments.writable import check_writable

if TYPE_CHECKING:
    from mien.models.bundle import Bundle
    from mien.models.checked_file import Agreement
    from mien.pipeline.extract import ExtractSummary
    from mien.pipeline.row_filter import RowFilter

_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)
_RESUMED = ("demo", "extract", "tune", "compare", "rerun", "reproduce")


class Commands(TyperGroup):
    """The commands; Ctrl-C ends each of them with a message instead of a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was named."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            from mien.experiments.console import print_interrupted

            print_interrupted(goes_on=ctx.invoked_subcommand in _RESUMED)
            raise typer.Exit(130) from None


app = typer.Typer(
    name="mien",
    cls=Commands,
    help="Facial expression recognition: landmarks and tuned SVMs, and a CNN to compare against.",
    epilog="Start with: mien demo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.add_typer(study_commands, name="study")


def main() -> None:
    """Run the command line; a user's error is one message, never a traceback."""
    try:
        app()
    except MienError as error:
        from mien.experiments.console import print_error

        print_error(error)
        sys.exit(2)
    except OSError as error:
        if error.errno not in _DISK_ERRORS:
            raise
        from mien.experiments.console import print_error

        print_error(
            MienError(
                f"A file cannot be written ({error}).",
                "Make room, or name another folder, also in TMPDIR; then run the command again.",
            )
        )
        sys.exit(2)


def command_line() -> str:
    """Return the command as it was typed."""
    import shlex

    from mien.pipeline.datasets.layout import to_text

    return to_text(shlex.join(["mien", *sys.argv[1:]]))


@app.callback(invoke_without_command=True)
def version(
    show: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    plugins: Annotated[
        list[str] | None,
        typer.Option(
            "--plugin", help="Python file or module with feature families; may be repeated."
        ),
    ] = None,
) -> None:
    """Facial expression recognition: landmarks and tuned SVMs, and a CNN to compare against."""
    if plugins:
        _add_plugins(plugins)
    if show:
        import mien

        typer.echo(mien.__version__)
        raise typer.Exit


@app.command()
def doctor(
    as_json: Json = False,
    fetch: Annotated[bool, typer.Option("--fetch", help="Fetch the landmarker bundle.")] = False,
) -> None:
    """Find what is missing on this machine, and print the line that mends it."""
    from mien.experiments.doctor import exit_code, render_plain, run_checks, to_json

    if fetch:
        from mien.pipeline.landmarker_bundle import ensure_landmarker_bundle

        ensure_landmarker_bundle()
    checks = run_checks()
    typer.echo(json.dumps(to_json(checks), indent=1) if as_json else render_plain(checks))
    raise typer.Exit(exit_code(checks))


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for everything the demo makes.")] = Path(
        "mien-demo"
    ),
) -> None:
    """Run all four jobs on rendered faces, in under three minutes."""
    from mien.experiments.demo import run_demo

    run_demo(out)


@app.command()
def render(
    out: Annotated[Path, typer.Option(help="Folder to write to.")],
    people: Annotated[
        int | None,
        typer.Option(min=1, help="Number of people: 40, or the 118 of CK+ in its layouts."),
    ] = None,
    layout: Annotated[
        str,
        typer.Option(
            help="folders (a folder per class), ck48 (CK+48's peak frames) or ckplus (sequences "
            "with emotions and landmarks, as CK+ was released)."
        ),
    ] = "folders",
    seed: Seed = 0,
) -> None:
    """Write the rendered faces as pictures."""
    from mien.pipeline.landmarker_bundle import ensure_landmarker_bundle
    from mien.pipeline.rendered.layouts import write_layout

    typer.echo(write_layout(layout, people, ensure_landmarker_bundle, out, seed=seed))


@app.command()
def extract(
    source: Annotated[
        str, typer.Argument(help="A CSV, folder or zip, or rendered:people=40,seed=0.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the feature store.")],
    layout: Annotated[
        str | None,
        typer.Option(
            help="If it is not recognised: fer2013-csv, fer2013-folders, ck-original, ck48, "
            "ckextended-csv, class-folders."
        ),
    ] = None,
    classes: Annotated[str | None, typer.Option(help="Only these classes: angry,happy.")] = None,
    split: Annotated[str | None, typer.Option(help="Only rows of this split: Training.")] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="At most so many rows, stratified.")
    ] = None,
    subjects: Annotated[
        Path | None, typer.Option(help="CSV that tells the person of each picture.")
    ] = None,
    subject_pattern: Annotated[
        str | None, typer.Option(help="Regular expression that finds the person in a file name.")
    ] = None,
    peak_frames: Annotated[
        int, typer.Option(min=1, help="CK+ original: labelled frames a sequence.")
    ] = 3,
    neutral_first: Annotated[
        bool, typer.Option("--neutral-first", help="CK+ original: first frames are neutral.")
    ] = False,
    families: Annotated[
        str | None, typer.Option(help="Feature families: patch_hog,geometry.")
    ] = None,
    detector: Annotated[
        str,
        typer.Option(help="What runs the landmarker's networks: litert, or mediapipe's own graph."),
    ] = "litert",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; one a processor by default.")
    ] = None,
    cluster: Cluster = None,
    max_failures: Annotated[
        str, typer.Option(help="Rows without a found face that are allowed: 100 or 5%.")
    ] = "50%",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a store of something else.")
    ] = False,
    row_filter: Filter = None,
    landmarker: Landmarker = None,
    seed: Seed = 0,
) -> None:
    """Pictures to a feature store: faces, landmarks, features."""
    from mien.experiments.api import extract as api
    from mien.experiments.console import ExtractProgress, print_extract_summary

    with ExtractProgress() as progress:

        def tell(name: str, summary: ExtractSummary) -> None:
            progress.stop()
            print_extract_summary(name, out, summary)

        api.extract(
            source,
            out,
            layout=layout,
            classes=classes,
            split=split,
            limit=limit,
            subjects=subjects,
            subject_pattern=subject_pattern,
            peak_frames=peak_frames,
            neutral_first=neutral_first,
            families=families,
            detector=detector,
            workers=workers,
            cluster=cluster,
            max_failures=max_failures,
            overwrite=overwrite,
            row_filter=row_filter,
            landmarker=landmarker,
            seed=seed,
            on_progress=progress.update,
            on_summary=tell,
        )


@app.command()
def info(
    store: Store,
    as_json: Json = False,
    check: Annotated[
        bool, typer.Option("--check", help="Compare every file of the store with its checksum.")
    ] = False,
) -> None:
    """Say what a feature store holds."""
    from mien.experiments.console import print_info
    from mien.experiments.store_check import check_store
    from mien.pipeline.store import FeatureStore

    if check:
        raise typer.Exit(0 if check_store(store, as_json=as_json) else 1)
    opened = FeatureStore.open(store)
    if as_json:
        content = {k: v for k, v in opened.manifest.items() if k not in ("plan", "checksum")}
        typer.echo(json.dumps(content, indent=1, ensure_ascii=False))
    else:
        print_info(opened)


@app.command()
def features(
    names: Annotated[
        list[str] | None, typer.Argument(help="Families, perhaps with options: patch_hog@crop=48.")
    ] = None,
    as_json: Json = False,
    cost: Annotated[
        bool, typer.Option("--cost/--no-cost", help="Measure the time a face, on rendered faces.")
    ] = True,
    check: Annotated[
        bool, typer.Option("--check", help="Check that they do what every family must.")
    ] = False,
    landmarks: Annotated[
        Path | None, typer.Option(help="Draw the 64 named landmarks to this PNG instead.")
    ] = None,
    pictures: Annotated[
        Path | None,
        typer.Option(help="Draw what each family sees of a rendered face to this folder instead."),
    ] = None,
    landmarker: Landmarker = None,
) -> None:
    """List the feature families: columns, options, cost."""
    from mien.experiments import feature_list
    from mien.pipeline.landmarker_bundle import ensure_landmarker_bundle

    if landmarks:
        from mien.experiments.landmark_chart import write_chart

        check_writable(landmarks)
        write_chart(landmarks, ensure_landmarker_bundle(landmarker))
        typer.echo(f"Landmarks: {landmarks}")
        return
    if pictures:
        from mien.experiments.family_pictures import write_pictures

        written = write_pictures(pictures, ensure_landmarker_bundle(landmarker))
        typer.echo(f"{len(written)} pictures: {pictures}")
        return
    families = feature_list.list_families(names or ())
    if check:
        faces = feature_list.render_faces(ensure_landmarker_bundle(landmarker))
        raise typer.Exit(0 if feature_list.print_checks(families, faces) else 1)
    costs = feature_list.measure_costs(families, landmarker) if cost else [None] * len(families)
    described = list(map(feature_list.describe_family, families, costs))
    if as_json:
        typer.echo(json.dumps(described, indent=1, ensure_ascii=False))
    elif len(families) == 1:
        feature_list.print_family(families[0], described[0])
    else:
        feature_list.print_families(described)


@app.command()
def audit(
    store: Store,
    out: Annotated[Path, typer.Option(help="Folder for the table and the contact sheets.")],
    filter_file: Annotated[
        Path | None,
        typer.Option("--write-filter", help="Write which rows to keep, for --filter of others."),
    ] = None,
    exclude: Annotated[
        str | None,
        typer.Option(
            help="Reasons that the filter leaves out; by default not_a_face,occluded,low_contrast,"
            "exact_twin,near_twin,label_conflict."
        ),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", help="One threshold: contrast=0.2; may be repeated."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Find faces that are covered, faint or not real, twins, conflicting labels, imbalance."""
    from mien.experiments.audit import audit_store
    from mien.experiments.audit_files import write_audit, write_audit_filter
    from mien.experiments.audit_reasons import DEFAULT_EXCLUDED, parse_reasons, parse_thresholds
    from mien.experiments.audit_summary import summarise_audit
    from mien.experiments.console import print_audit, working
    from mien.pipeline.store import FeatureStore

    excluded = DEFAULT_EXCLUDED if exclude is None else parse_reasons(exclude)
    thresholds = parse_thresholds(assignments or [])
    opened = FeatureStore.open(store)
    if filter_file:
        check_writable(filter_file)
    with working("auditing") as told:
        found = audit_store(opened, thresholds=thresholds, on_step=told.step)
        summary = summarise_audit(found, opened, excluded=excluded)
        write_audit(found, summary, opened, out)
    if filter_file:
        write_audit_filter(found, excluded, filter_file)
    if as_json:
        typer.echo(json.dumps(summary, indent=1, ensure_ascii=False))
    else:
        print_audit(summary, out, filter_file)


@app.command()
def ablate(
    store: Store,
    out: Annotated[Path, typer.Option(help="Folder for the table and the picture.")],
    families: Annotated[
        str | None, typer.Option(help="Only these families; all of the store by default.")
    ] = None,
    model: Annotated[str, typer.Option(help="svm-linear, svm-poly or svm-rbf.")] = "svm-rbf",
    cv: Annotated[
        str | None,
        typer.Option(help="Cross-validation scheme; the dataset's split, without PrivateTest."),
    ] = None,
    limit: Annotated[int, typer.Option(min=10, help="Use so many rows, stratified.")] = 8000,
    filter_file: Filter = None,
    landmarker: Landmarker = None,
    seed: Seed = 0,
) -> None:
    """Score each feature family alone and added to the best set, with its cost."""
    from mien.experiments.ablate import ablate as run_ablation
    from mien.experiments.ablation_files import describe_ablation, write_ablation
    from mien.experiments.api.arguments import to_names
    from mien.experiments.console import print_ablation, working
    from mien.experiments.feature_list import list_families, measure_costs
    from mien.experiments.row_data import RowData
    from mien.pipeline.store import FeatureStore

    data = RowData(FeatureStore.open(store), _read_filter(filter_file))
    with working("scoring") as told:
        found = run_ablation(
            data,
            to_names(families),
            model=model,
            scheme=cv,
            limit=limit,
            seed=seed,
            on_score=lambda score, count: told.step(
                f"set {count}: {' + '.join(score.families)}, {score.accuracy:.1%}"
            ),
        )
    names = [score.families[0] for score in found.alone]
    costs = measure_costs(list_families(names), landmarker)
    described = describe_ablation(found, dict(zip(names, costs, strict=True)))
    write_ablation(described, out)
    print_ablation(described, out)


@app.command()
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


@app.command()
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
            command=command_line(),
            on_progress=progress.update,
        )
    print_comparison(compared.results, out)


for _command in (report, diff, rerun, reproduce, serve):
    app.command()(_command)


@app.command()
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


app.command()(predict)


app.command()(inspect)


def _read_filter(source: Path | None) -> RowFilter | None:
    """Read the filter that --filter names, if it names one."""
    if source is None:
        return None
    from mien.pipeline.row_filter import read_filter

    return read_filter(source)


def _assigned(assignments: list[str] | None, model: str) -> dict[str, dict[str, Any]]:
    """Read --set of a command that has one model, whose name may be left out; with its parts'."""
    from mien.experiments.assignments import parse_assignments

    named = [text if "." in text.split("=")[0] else f"{model}.{text}" for text in assignments or []]
    return parse_assignments(named)


def _add_plugins(plugins: list[str]) -> None:
    """Let this process, and those it starts, load families from files or modules."""
    import os

    from mien.features.registry import PLUGINS

    known = [part for part in os.environ.get(PLUGINS, "").split(os.pathsep) if part]
    added = [str(Path(name).absolute()) if name.endswith(".py") else name for name in plugins]
    os.environ[PLUGINS] = os.pathsep.join(dict.fromkeys([*known, *added]))
