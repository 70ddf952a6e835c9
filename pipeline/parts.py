"""One part of an extraction: a run of rows, detected and described in one worker."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mien.errors import MienError
from mien.features.faces import BLENDSHAPES, FaceBatch
from mien.features.pose import compute_head_rotation, compute_pose_angles
from mien.features.registry import get_family
from mien.features.scheme import MESH_POINTS
from mien.files import atomic_path
from mien.pipeline.cropped_faces import CroppedFaces
from mien.pipeline.detector import FaceDetector
from mien.pipeline.face_crop import CNN_SIDE, compute_crop_box, cut_square
from mien.pipeline.faceset import PictureSource
from mien.pipeline.landmarks import Landmarks
from mien.pipeline.preparation import to_grey
from mien.pipeline.quality import QUALITY_COLUMNS, compute_quality
from mien.pipeline.quiet import quiet_native_stderr
from mien.pipeline.reasons import PictureError, Reason

PART_COLUMNS: dict[str, str] = {
    "reason": "U32",
    "detail": "U160",
    "attempt": "U24",
    "presence": "f4",
    "yaw": "f4",
    "pitch": "f4",
    "roll": "f4",
    "width": "i4",
    "height": "i4",
    "crop_x": "f4",
    "crop_y": "f4",
    "crop_side": "f4",
    "pixels_hash": "U32",
    **dict.fromkeys(QUALITY_COLUMNS, "f4"),
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
    detector : str
        What runs the bundle's networks; see :class:`~mien.pipeline.detector.FaceDetector`.
    """

    target: Path
    pictures: PictureSource
    skip: tuple[bool, ...]
    families: tuple[str, ...]
    bundle: Path
    detector: str


@dataclass(frozen=True)
class FamilyTask:
    """What a worker needs to describe rows whose faces are known by further families.

    Attributes
    ----------
    target : Path
        The ``.npz`` to write.
    pictures : PictureSource
        The part's pictures.
    families : tuple of str
        Families to compute.
    mesh : ndarray of float32, shape (n, 478, 3)
        NaN in rows without landmarks, which are not read.
    blendshapes : ndarray of float32, shape (n, 52)
    """

    target: Path
    pictures: PictureSource
    families: tuple[str, ...]
    mesh: np.ndarray
    blendshapes: np.ndarray


@dataclass(frozen=True)
class PartDone:
    """What a worker tells of a finished part: rows, and its process's peak memory in MB."""

    rows: int
    peak_memory_mb: float


@dataclass(frozen=True)
class _Face:
    row: int
    grey: np.ndarray
    mesh: np.ndarray
    blendshapes: np.ndarray


@lru_cache(maxsize=1)
def _detector(bundle: Path, name: str) -> FaceDetector:
    cv2.setNumThreads(1)
    return FaceDetector(bundle, name)


def compute_part(task: PartTask | FamilyTask) -> PartDone:
    """Compute a part of either kind, in a worker."""
    return extract_part(task) if isinstance(task, PartTask) else extend_part(task)


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
    n = len(task.skip)
    arrays = _make_columns(n) | _make_families(task.families, n)
    with quiet_native_stderr():
        for faces in _in_batches(_detect(task, arrays)):
            _describe_faces(task.families, arrays, faces)
    _measure_pose(arrays)
    _measure_quality(arrays)
    _write(task.target, arrays)
    return PartDone(n, peak_memory_mb())


def extend_part(task: FamilyTask) -> PartDone:
    """Describe the known faces of one part by further families, and write them atomically.

    Raises
    ------
    MienError
        If the part cannot be written, or a picture that was read before cannot be read any more.
    """
    cv2.setNumThreads(1)
    n = len(task.mesh)
    arrays = _make_families(task.families, n)
    with quiet_native_stderr():
        for faces in _in_batches(_read_known(task)):
            _describe_faces(task.families, arrays, faces)
    _write(task.target, arrays)
    return PartDone(n, peak_memory_mb())


def _write(target: Path, arrays: dict[str, Any]) -> None:
    try:
        with atomic_path(target) as path, path.open("wb") as file:
            np.savez(file, **arrays)
    except OSError as error:
        raise MienError(
            f"{target} cannot be written ({error.strerror or error}).",
            "Make room or choose another folder with --out. The same command again goes on where "
            "it was.",
        ) from error


def _make_columns(n: int) -> dict[str, Any]:
    arrays: dict[str, Any] = {name: np.zeros(n, dtype=kind) for name, kind in PART_COLUMNS.items()}
    for name in ("yaw", "pitch", "roll", "presence", *QUALITY_COLUMNS):
        arrays[name][:] = np.nan
    arrays["pixels"] = np.zeros((n, CNN_SIDE, CNN_SIDE), dtype=np.uint8)
    arrays["mesh"] = np.full((n, MESH_POINTS, 3), np.nan, dtype=np.float32)
    arrays["blendshapes"] = np.full((n, BLENDSHAPES), np.nan, dtype=np.float32)
    return arrays


def _make_families(families: tuple[str, ...], n: int) -> dict[str, Any]:
    return {
        f"family:{name}": np.full((n, get_family(name).width), np.nan, dtype=np.float32)
        for name in families
    }


def _in_batches(faces: Iterable[_Face]) -> Iterator[list[_Face]]:
    """Yield faces by the batch: few pictures stay in memory."""
    batch: list[_Face] = []
    size = 0
    for face in faces:
        batch.append(face)
        size += face.grey.size
        if size > _BATCH_PIXELS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _detect(task: PartTask, arrays: dict[str, Any]) -> Iterator[_Face]:
    """Fill the columns row by row, and yield the faces, measured or placed."""
    detector = _detector(task.bundle, task.detector)
    for row, skipped in enumerate(task.skip):
        if skipped:
            continue
        try:
            picture = task.pictures.read(row)
        except PictureError as error:
            arrays["reason"][row], arrays["detail"][row] = error.reason, error.detail
            continue
        landmarks = detector.detect(picture) or detector.place(picture)
        grey = to_grey(picture)
        _describe_row(arrays, row, picture, grey, landmarks)
        yield _Face(row, grey, landmarks.mesh, landmarks.blendshapes)


def _read_known(task: FamilyTask) -> Iterator[_Face]:
    for row in np.flatnonzero(np.isfinite(task.mesh[:, 0, 0])):
        try:
            grey = to_grey(task.pictures.read(int(row)))
        except PictureError as error:
            raise MienError(
                f"A picture that the store holds cannot be read any more ({error.detail}).",
                "Restore it, or run mien extract again with --overwrite.",
            ) from error
        yield _Face(int(row), grey, task.mesh[row], task.blendshapes[row])


def _describe_row(
    arrays: dict[str, Any],
    row: int,
    picture: np.ndarray,
    grey: np.ndarray,
    landmarks: Landmarks,
) -> None:
    arrays["height"][row], arrays["width"][row] = picture.shape[:2]
    arrays["pixels_hash"][row] = hash_pixels(picture)
    box = compute_crop_box(picture.shape, landmarks.mesh if landmarks.measured else None)
    arrays["crop_x"][row], arrays["crop_y"][row], arrays["crop_side"][row] = box.x, box.y, box.side
    arrays["pixels"][row] = cut_square(grey, box, CNN_SIDE)
    if not landmarks.measured:
        arrays["reason"][row] = Reason.NO_FACE
    arrays["attempt"][row], arrays["presence"][row] = landmarks.attempt, landmarks.presence
    arrays["mesh"][row], arrays["blendshapes"][row] = landmarks.mesh, landmarks.blendshapes


def _measure_pose(arrays: dict[str, Any]) -> None:
    pose = np.degrees(compute_pose_angles(compute_head_rotation(arrays["mesh"])))
    arrays["yaw"], arrays["pitch"], arrays["roll"] = np.ascontiguousarray(pose.T)


def _measure_quality(arrays: dict[str, Any]) -> None:
    rows = np.flatnonzero(arrays["width"] > 0)
    measured = arrays["reason"][rows] == ""
    faces = CroppedFaces(
        crops=arrays["pixels"][rows],
        mesh=np.where(measured[:, None, None], arrays["mesh"][rows], np.float32(np.nan)),
        boxes=np.stack([arrays[name][rows] for name in ("crop_x", "crop_y", "crop_side")], axis=1),
        sizes=np.stack([arrays["width"][rows], arrays["height"][rows]], axis=1),
    )
    for name, values in zip(QUALITY_COLUMNS, compute_quality(faces).T, strict=True):
        arrays[name][rows] = values


def hash_pixels(picture: np.ndarray) -> str:
    """Return a 128-bit hash of a picture's size and pixels, in hexadecimal."""
    digest = hashlib.blake2b(str(picture.shape).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(picture).data)
    return digest.hexdigest()


def _describe_faces(families: tuple[str, ...], arrays: dict[str, Any], faces: list[_Face]) -> None:
    rows = [face.row for face in faces]
    batch = FaceBatch(
        pictures=[face.grey for face in faces],
        mesh=np.stack([face.mesh for face in faces]),
        blendshapes=np.stack([face.blendshapes for face in faces]),
    )
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
