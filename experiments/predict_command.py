"""The command that predicts: pictures, folders of them, a clip, a webcam."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.errors import MienError
from mien.experiments.options import Json, Landmarker
from mien.experiments.writable import check_writable

if TYPE_CHECKING:
    from mien.models.bundle import Bundle
    from mien.pipeline.predict import Prediction

_CLIP_ONLY = "for a clip or webcam"


def predict(
    model: Annotated[Path, typer.Argument(help="A model from mien export.")],
    paths: Annotated[
        list[Path], typer.Argument(help="Pictures, folders of them, or one clip or webcam:0.")
    ],
    as_json: Json = False,
    csv: Annotated[Path | None, typer.Option(help="Write a CSV, too.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Of a clip: write it with labels to this MP4 or WebM.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Of a clip: draw the emotions over time to this PNG or SVG.")
    ] = None,
    smooth: Annotated[
        float | None, typer.Option(min=0, help="Of a clip: seconds to smooth probabilities over.")
    ] = None,
    faces: Annotated[
        int | None, typer.Option(min=1, max=32, help="Of a clip: most faces at once; 4 if unset.")
    ] = None,
    abstain_below: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Give no label where the highest probability is lower; by default as exported.",
        ),
    ] = None,
    landmarker: Landmarker = None,
) -> None:
    """Say the expression of each picture, or of each face in each frame of a clip."""
    from mien.experiments.console import print_note
    from mien.models.bundle import load_bundle
    from mien.pipeline.video.clip_names import is_clip

    clips = [path for path in paths if is_clip(path)]
    if clips and len(paths) > 1:
        raise MienError(
            f"{clips[0]} is a clip, and there are {len(paths)} paths.",
            "Predict one clip at a time, and pictures by themselves.",
        )
    given = {"--out": out, "--plot": plot, "--smooth": smooth, "--faces": faces}
    if not clips and (stray := [name for name, value in given.items() if value is not None]):
        raise MienError(f"{paths[0]} is no clip: {stray[0]} is {_CLIP_ONLY}.", "Leave it out.")
    if smooth is not None and not math.isfinite(smooth):
        raise MienError(f"--smooth is {smooth}, not a time.", "Give seconds, such as 0.5.")
    bundle = load_bundle(model, on_note=print_note)
    if abstain_below is not None:
        bundle = replace(bundle, threshold=abstain_below)
    for target in (csv, out, plot):
        if target:
            check_writable(target)
    if clips:
        _predict_clip(bundle, clips[0], csv, out, plot, smooth, faces, landmarker, as_json)
    else:
        _predict_pictures(bundle, paths, csv, landmarker, as_json)


def _predict_pictures(
    bundle: Bundle, paths: list[Path], csv: Path | None, landmarker: Path | None, as_json: bool
) -> None:
    from mien.experiments.console import PredictionPrinter, write_predictions
    from mien.pipeline.landmarker_bundle import ensure_landmarker_bundle
    from mien.pipeline.predict import find_pictures, predict_pictures

    pictures = find_pictures(paths)
    found: list[Prediction] = []
    with PredictionPrinter(as_json=as_json) as printer:
        for prediction in predict_pictures(
            bundle, pictures, landmarker=ensure_landmarker_bundle(landmarker)
        ):
            printer.show(prediction)
            if csv:
                found.append(replace(prediction, landmarks=None))
    if csv:
        write_predictions(csv, bundle.classes, found)


def _predict_clip(
    bundle: Bundle,
    source: Path,
    csv: Path | None,
    out: Path | None,
    plot: Path | None,
    smooth: float | None,
    faces: int | None,
    landmarker: Path | None,
    as_json: bool,
) -> None:
    from mien.experiments.console import ClipProgress
    from mien.experiments.video.clip_console import print_clip
    from mien.experiments.video.clip_job import ClipFiles, predict_to_files
    from mien.experiments.video.frame_table import list_rows
    from mien.pipeline.landmarker_bundle import ensure_landmarker_bundle
    from mien.pipeline.video.frame_predictions import FACES

    files = ClipFiles(table=csv, clip=out, plot=plot)
    rows: list[dict[str, Any]] = []
    with ClipProgress() as progress:

        def show(prediction: Any, declared: int) -> None:
            progress.update(prediction, declared)
            if as_json:
                rows.extend(list_rows(prediction, bundle.classes))

        result = predict_to_files(
            bundle,
            source,
            files,
            landmarker=ensure_landmarker_bundle(landmarker),
            faces=FACES if faces is None else faces,
            smoothing=smooth or 0.0,
            on_frame=show,
        )
    if as_json:
        print(json.dumps(rows, indent=1, ensure_ascii=False))
    else:
        print_clip(str(source), result, files)
    if result.interrupted:
        raise KeyboardInterrupt
