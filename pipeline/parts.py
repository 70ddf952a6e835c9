"""One part of an extraction: a run of rows, detected and described in one worker."""

from __future__ import annotations

import hashlib
import resource
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mien.features.base import BLENDSHAPES, FaceBatch, get_family
from mien.features.scheme import MESH_POINTS
from mien.pipeline.detector import FaceDetector, to_grey
from mien.pipeline.face_crop import CNN_SIDE, compute_crop_box, cut_square
from mien.pipeline.faceset import PictureSource
from mien.files import atomic_path
from mien.pipeline.landmarks import Landmarks
from mien.pipeline.reasons import PictureError, Reason

PART_COLUMNS: dict[str, str] = {
    "reason": "U32",
    "detail": "U160",
    "attempt": "U24",
    "yaw": "f4",
    "pitch": "f4",
    "roll": "f4",
    "width": "i4",
    "height": "i4",
    "crop_x": "f4",
    "crop_y": "f4",
    "crop_side": "f4",
    "pixels_hash": "U32",
}
"""Columns that extraction adds to the dataset's, with their NumPy types."""


@dataclass(frozen=True)
class PartTask:
    """What a worker needs for one part.

    Attributes
    ----------
    target : Path
        The ``.npz`` to write.
    pictures : PictureSource
        The part's pictures.
    skip : tuple of bool
        Rows that are known to be unusable and are not read.
    families : tuple of str
        Families to compute.
    bundle : Path
        The landmarker's verified bundle.
    """

    target: Path
    pictures: PictureSource
    skip: tuple[bool, ...]
    families: tuple[str, ...]
    bundle: Path


@dataclass(frozen=True)
class PartDone:
    """What a worker tells of a finished part: rows, and its process's peak memory in MB."""

    rows: int
    peak_memory_mb: float


@lru_cache(maxsize=1)
def _detector(bundle: Path) -> FaceDetector:
    cv2.setNumThreads(1)
    return FaceDetector(bundle)


def extract_part(task: PartTask) -> PartDone:
    """Read, detect and describe the pictures of one part, and write them atomically.

    Parameters
    ----------
    task : PartTask

    Returns
    -------
    PartDone
    """
    detector = _detector(task.bundle)
    n = len(task.skip)
    columns = {name: np.zeros(n, dtype=kind) for name, kind in PART_COLUMNS.items()}
    for name in ("yaw", "pitch", "roll"):
        columns[name][:] = np.nan
    pixels = np.zeros((n, CNN_SIDE, CNN_SIDE), dtype=np.uint8)
    greys: dict[int, np.ndarray] = {}
    found: dict[int, Landmarks] = {}
    for i in range(n):
        if task.skip[i]:
            continue
        try:
            picture = task.pictures.read(i)
        except PictureError as error:
            columns["reason"][i] = error.reason
            columns["detail"][i] = error.detail
            continue
        landmarks = detector.detect(picture)
        greys[i] = to_grey(picture)
        _describe_row(columns, pixels, i, picture, greys[i], landmarks)
        if landmarks is not None:
            found[i] = landmarks
    arrays = _describe_faces(task.families, n, greys, found)
    _write(task.target, columns | {"pixels": pixels} | arrays)
    return PartDone(n, peak_memory_mb())


def _describe_row(
    columns: dict[str, np.ndarray],
    pixels: np.ndarray,
    i: int,
    picture: np.ndarray,
    grey: np.ndarray,
    landmarks: Landmarks | None,
) -> None:
    columns["height"][i], columns["width"][i] = picture.shape[:2]
    columns["pixels_hash"][i] = hash_pixels(picture)
    box = compute_crop_box(picture.shape, None if landmarks is None else landmarks.mesh)
    columns["crop_x"][i], columns["crop_y"][i], columns["crop_side"][i] = box.x, box.y, box.side
    pixels[i] = cut_square(grey, box, CNN_SIDE)
    if landmarks is None:
        columns["reason"][i] = Reason.NO_FACE
        return
    columns["attempt"][i] = landmarks.attempt
    columns["yaw"][i], columns["pitch"][i], columns["roll"][i] = landmarks.pose


def hash_pixels(picture: np.ndarray) -> str:
    """Return a 128-bit hash of a picture's size and pixels, in hexadecimal."""
    digest = hashlib.blake2b(str(picture.shape).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(picture))
    return digest.hexdigest()


def _describe_faces(
    families: tuple[str, ...], n: int, greys: dict[int, np.ndarray], found: dict[int, Landmarks]
) -> dict[str, np.ndarray]:
    at = list(found)
    batch = FaceBatch(
        pictures=[greys[i] for i in at],
        mesh=np.array([found[i].mesh for i in at], np.float32).reshape(-1, MESH_POINTS, 3),
        blendshapes=np.array([found[i].blendshapes for i in at], np.float32).reshape(
            -1, BLENDSHAPES
        ),
    )
    arrays = {"mesh": _spread(batch.mesh, at, n)}
    for name in families:
        values = get_family(name).compute(batch) if at else None
        width = get_family(name).width
        arrays[f"family:{name}"] = (
            np.full((n, width), np.nan, np.float32) if values is None else _spread(values, at, n)
        )
    return arrays


def _spread(values: np.ndarray, at: list[int], n: int) -> np.ndarray:
    full = np.full((n, *values.shape[1:]), np.nan, dtype=np.float32)
    full[at] = values
    return full


def _write(target: Path, arrays: dict[str, Any]) -> None:
    with atomic_path(target) as path, path.open("wb") as file:
        np.savez(file, **arrays)


def peak_memory_mb() -> float:
    """Return this process's peak resident memory in megabytes.

    Notes
    -----
    On Linux ``VmHWM`` is read: ``ru_maxrss`` of a started process still holds its parent's peak.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)
