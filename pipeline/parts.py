"""One part of an extraction: a run of rows, detected and described in one worker."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mien.errors import MienError
from mien.features.registry import get_family
from mien.features.scheme import MESH_POINTS
from mien.files import atomic_path
from mien.pipeline.detector import FaceDetector, to_grey
from mien.pipeline.face_crop import CNN_SIDE, compute_crop_box, cut_square
from mien.pipeline.faceset import PictureSource
from mien.pipeline.landmarks import Landmarks, make_face_batch
from mien.pipeline.quiet import quiet_native_stderr
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

_BATCH_PIXELS = 32 * 1024 * 1024
"""Pixels of pictures after which their features are computed and the pictures let go."""


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


@dataclass(frozen=True)
class _Face:
    row: int
    grey: np.ndarray
    landmarks: Landmarks


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

    Raises
    ------
    MienError
        If the part cannot be written.
    """
    arrays = _make_arrays(task)
    with quiet_native_stderr():
        for faces in _detect_in_batches(task, arrays):
            _describe_faces(task.families, arrays, faces)
    try:
        with atomic_path(task.target) as path, path.open("wb") as file:
            np.savez(file, **arrays)
    except OSError as error:
        raise MienError(
            f"{task.target} cannot be written ({error.strerror or error}).",
            "Make room or choose another folder with --out. The same command again goes on where "
            "it was.",
        ) from error
    return PartDone(len(task.skip), peak_memory_mb())


def _make_arrays(task: PartTask) -> dict[str, Any]:
    n = len(task.skip)
    arrays: dict[str, Any] = {name: np.zeros(n, dtype=kind) for name, kind in PART_COLUMNS.items()}
    for name in ("yaw", "pitch", "roll"):
        arrays[name][:] = np.nan
    arrays["pixels"] = np.zeros((n, CNN_SIDE, CNN_SIDE), dtype=np.uint8)
    arrays["mesh"] = np.full((n, MESH_POINTS, 3), np.nan, dtype=np.float32)
    for name in task.families:
        arrays[f"family:{name}"] = np.full((n, get_family(name).width), np.nan, dtype=np.float32)
    return arrays


def _detect_in_batches(task: PartTask, arrays: dict[str, Any]) -> Iterator[list[_Face]]:
    """Fill the columns row by row, and yield faces by the batch: few pictures stay in memory."""
    detector = _detector(task.bundle)
    faces: list[_Face] = []
    size = 0
    for row, skipped in enumerate(task.skip):
        if skipped:
            continue
        try:
            picture = task.pictures.read(row)
        except PictureError as error:
            arrays["reason"][row], arrays["detail"][row] = error.reason, error.detail
            continue
        landmarks = detector.detect(picture)
        grey = to_grey(picture)
        _describe_row(arrays, row, picture, grey, landmarks)
        if landmarks is not None:
            faces.append(_Face(row, grey, landmarks))
            size += grey.size
        if size > _BATCH_PIXELS:
            yield faces
            faces, size = [], 0
    if faces:
        yield faces


def _describe_row(
    arrays: dict[str, Any],
    row: int,
    picture: np.ndarray,
    grey: np.ndarray,
    landmarks: Landmarks | None,
) -> None:
    arrays["height"][row], arrays["width"][row] = picture.shape[:2]
    arrays["pixels_hash"][row] = hash_pixels(picture)
    box = compute_crop_box(picture.shape, None if landmarks is None else landmarks.mesh)
    arrays["crop_x"][row], arrays["crop_y"][row], arrays["crop_side"][row] = box.x, box.y, box.side
    arrays["pixels"][row] = cut_square(grey, box, CNN_SIDE)
    if landmarks is None:
        arrays["reason"][row] = Reason.NO_FACE
        return
    arrays["attempt"][row] = landmarks.attempt
    arrays["yaw"][row], arrays["pitch"][row], arrays["roll"][row] = landmarks.pose


def hash_pixels(picture: np.ndarray) -> str:
    """Return a 128-bit hash of a picture's size and pixels, in hexadecimal."""
    digest = hashlib.blake2b(str(picture.shape).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(picture).data)
    return digest.hexdigest()


def _describe_faces(families: tuple[str, ...], arrays: dict[str, Any], faces: list[_Face]) -> None:
    rows = [face.row for face in faces]
    batch = make_face_batch([face.grey for face in faces], [face.landmarks for face in faces])
    arrays["mesh"][rows] = batch.mesh
    for name in families:
        arrays[f"family:{name}"][rows] = get_family(name).compute(batch)


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
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)
