"""Commands that make feature stores and look into them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.experiments.options import Cluster, Filter, Json, Landmarker, Seed, Store
from mien.experiments.writable import check_writable

if TYPE_CHECKING:
    from mien.pipeline.extract import ExtractSummary


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
    from mien.experiments.api.arguments import open_data, to_names
    from mien.experiments.console import print_ablation, working
    from mien.experiments.feature_list import list_families, measure_costs

    data = open_data(store, filter_file)
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
