"""What the benchmarks read: pictures of a dataset, prepared as the first attempt has them."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from mien.pipeline.datasets.registry import read_dataset
from mien.pipeline.detector import ATTEMPTS
from mien.pipeline.faceset import FaceSet
from mien.pipeline.landmarker_bundle import ensure_landmarker_bundle
from mien.pipeline.preparation import prepare_picture
from mien.pipeline.quiet import quiet_native_stderr

WORKERS = 2
Loop = Callable[[Path, list[np.ndarray]], float]


def parse_arguments(text: str, *, rows: int, repeats: int) -> argparse.Namespace:
    """Read the command line that the benchmarks share: source, --rows, --repeats."""
    parser = argparse.ArgumentParser(description=text)
    parser.add_argument("source", help="a dataset that mien extract reads")
    parser.add_argument("--rows", type=int, default=rows)
    parser.add_argument("--repeats", type=int, default=repeats)
    parser.add_argument("--detectors", default="litert", help="litert,mediapipe")
    return parser.parse_args()


def read_sample(source: str, rows: int) -> FaceSet:
    """Read a stratified sample of a dataset."""
    return read_dataset(source, limit=rows)


def run_in_processes(loop: Loop, pictures: list[np.ndarray]) -> float:
    """Run a loop over the pictures in two fresh processes at once; return seconds.

    The slower process counts, from its first detection to its last: starting and loading do not.
    """
    context = get_context("spawn")
    queue = context.Queue()
    processes = [
        context.Process(target=_measure, args=(loop, pictures[i::WORKERS], queue), daemon=True)
        for i in range(WORKERS)
    ]
    for process in processes:
        process.start()
    seconds = max(queue.get(timeout=3600) for _ in processes)
    for process in processes:
        process.join()
    return seconds


def _measure(loop: Loop, pictures: list[np.ndarray], queue: Any) -> None:
    with quiet_native_stderr():
        queue.put(loop(ensure_landmarker_bundle(), pictures))


def prepare(pictures: list[np.ndarray]) -> list[np.ndarray]:
    """Enlarge pictures and give them the border without which many faces are not found."""
    return [prepare_picture(picture, ATTEMPTS[0])[0] for picture in pictures]


def bare_mediapipe(bundle: Path, pictures: list[np.ndarray]) -> float:
    """Time MediaPipe's Face Landmarker, called once a picture as its documentation shows."""
    import cv2

    from mien.pipeline.mediapipe_landmarker import import_mediapipe

    mp = import_mediapipe()
    from mediapipe.tasks.python import vision
    from mediapipe.tasks.python.core.base_options import BaseOptions

    prepared = [cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB) for picture in prepare(pictures)]
    options = vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(bundle)), output_face_blendshapes=True
    )
    with vision.FaceLandmarker.create_from_options(options) as landmarker:
        landmarker.detect(mp.Image(image_format=mp.ImageFormat.SRGB, data=prepared[0]))
        started = perf_counter()
        for picture in prepared:
            landmarker.detect(mp.Image(image_format=mp.ImageFormat.SRGB, data=picture))
        return perf_counter() - started


def direct_networks(bundle: Path, pictures: list[np.ndarray]) -> float:
    """Time the same networks run directly, on the same prepared pictures."""
    import cv2

    from mien.pipeline.face_networks import FaceNetworks

    cv2.setNumThreads(1)
    prepared = prepare(pictures)
    networks = FaceNetworks(bundle)
    networks.find(prepared[0], confidence=0.5)
    started = perf_counter()
    for picture in prepared:
        networks.find(picture, confidence=0.5)
    return perf_counter() - started
