"""Prediction of a clip against a bare MediaPipe loop on the same clip, in turn in one process.

Ours is the work of ``mien predict``: decoding, detecting, following, features, the model, and the
CSV; then the same with the labelled clip written, too. The baseline decodes the clip with OpenCV
and calls MediaPipe's Face Landmarker in VIDEO mode, with blendshapes, for one face; it keeps
nothing.
Each includes making its networks; importing and loading the model do not count.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import cv2

from mien.experiments.video.clip_job import ClipFiles, predict_to_files
from mien.models.bundle import Bundle, load_bundle
from mien.pipeline.landmarker_bundle import ensure_landmarker_bundle
from mien.pipeline.mediapipe_landmarker import import_mediapipe
from mien.pipeline.quiet import quiet_native_stderr
from mien.pipeline.video.clip_reader import ClipReader


def main() -> None:
    """Print frames a second and the ratios of each round, then the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--faces", type=int, default=4)
    arguments = parser.parse_args()
    bundle, clip = load_bundle(arguments.model), arguments.clip
    ways: dict[str, Callable[[], int]] = {
        "bare MediaPipe": lambda: run_bare(clip),
        "mien predict --csv": lambda: run_ours(bundle, clip, arguments.faces),
        "mien predict --csv --out": lambda: run_ours(bundle, clip, arguments.faces, labelled=True),
    }
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(arguments.rounds + 1):
        for name, run in ways.items():
            started = perf_counter()
            frames = run()
            rate = frames / (perf_counter() - started)
            if turn:
                rates[name].append(rate)
                print(f"{name}: {rate:6.1f} frames a second", flush=True)
    bare = rates.pop("bare MediaPipe")
    print(f"bare MediaPipe: {median(bare):.1f} frames a second (median of {len(bare)})")
    for name, own in rates.items():
        ratios = [ours / theirs for ours, theirs in zip(own, bare, strict=True)]
        told = ", ".join(f"{ratio:.2f}" for ratio in sorted(ratios))
        print(f"{name}: {median(own):.1f}, ratio {median(ratios):.2f} (rounds: {told})")


def run_ours(bundle: Bundle, clip: Path, faces: int, *, labelled: bool = False) -> int:
    """Predict a clip to files that are thrown away; return its frames."""
    with tempfile.TemporaryDirectory() as folder:
        files = ClipFiles(
            table=Path(folder) / "frames.csv",
            clip=Path(folder) / "labelled.mp4" if labelled else None,
        )
        result = predict_to_files(
            bundle, clip, files, landmarker=ensure_landmarker_bundle(), faces=faces, smoothing=0.0
        )
    return result.history.frames


def run_bare(clip: Path) -> int:
    """Run MediaPipe over a clip as its documentation shows; return the clip's frames."""
    mp = import_mediapipe()
    from mediapipe.tasks.python import vision
    from mediapipe.tasks.python.core.base_options import BaseOptions

    options = vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(ensure_landmarker_bundle())),
        running_mode=vision.RunningMode.VIDEO,
        output_face_blendshapes=True,
    )
    with (
        quiet_native_stderr(),
        ClipReader(clip) as reader,
        vision.FaceLandmarker.create_from_options(options) as landmarker,
    ):
        for frame in reader.frames():
            rgb = cv2.cvtColor(frame.picture, cv2.COLOR_BGR2RGB)
            image = mp.Image(image_format=mp.ImageFormat.SRGB, data=rgb)
            landmarker.detect_for_video(image, round(frame.seconds * 1000))
        return reader.read


if __name__ == "__main__":
    main()
