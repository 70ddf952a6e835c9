"""Rendered sequences as files, in the layouts of CK+48 and of the original release of CK+."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from mien.errors import MienError
from mien.files import atomic_path
from mien.pipeline.datasets.ck_original import CK_CLASSES
from mien.pipeline.datasets.tree import RENDERED_FILE
from mien.pipeline.rendered.mesh import FaceMesh, read_face_mesh
from mien.pipeline.rendered.points68 import POINTS_68
from mien.pipeline.rendered.renderer import RenderedFace, render_plan
from mien.pipeline.rendered.sequences import (
    PEAK_FRAMES,
    ExpressionSequence,
    plan_frames,
    plan_sequences,
)

CK48_FOLDERS: dict[str, str] = {
    "angry": "anger",
    "contempt": "contempt",
    "disgust": "disgust",
    "fear": "fear",
    "happy": "happy",
    "sad": "sadness",
    "surprise": "surprise",
}
"""CK+48's folder of each class."""

CK48_SIDE = 48
_CROPPED_FROM, _ORIGINAL_SIDE = 128, 256
_MARGIN = 1.08


@dataclass(frozen=True)
class WrittenSequences:
    """What was written.

    Attributes
    ----------
    persons, sequences, pictures : int
    """

    persons: int
    sequences: int
    pictures: int


def write_ck48(people: int, bundle: Path, out: Path, *, seed: int = 0) -> WrittenSequences:
    """Write the peak frames as CK+48 has them: ``CK+48/anger/S010_004_00000017.png``.

    Parameters
    ----------
    people : int
        Number of persons; 118 give 327 sequences and 981 pictures.
    bundle : Path
        MediaPipe's landmarker bundle, which has the mesh.
    out : Path
        Folder to write ``CK+48`` into; made if missing.
    seed : int

    Returns
    -------
    WrittenSequences
        Grey pictures of 48 x 48 pixels, cut close around the face.

    Raises
    ------
    MienError
        If the number of people is wrong, the bundle has no mesh, or the folder cannot be written.
    """
    mesh = read_face_mesh(bundle)

    def write(sequence: ExpressionSequence) -> int:
        folder = out / "CK+48" / CK48_FOLDERS[sequence.label]
        frames = list(_draw_frames(mesh, sequence, seed, side=_CROPPED_FROM, last=PEAK_FRAMES))
        for number, face in frames:
            _write_png(folder / f"{sequence.frame_name(number)}.png", _crop_face(face))
        return len(frames)

    return _write_all(plan_sequences(people, seed=seed), write, out)


def write_ck_original(people: int, bundle: Path, out: Path, *, seed: int = 0) -> WrittenSequences:
    """Write whole sequences as the original release has them.

    ``cohn-kanade-images/S010/004/S010_004_00000019.png``,
    ``Emotion/S010/004/S010_004_00000019_emotion.txt`` of the last frame, and
    ``Landmarks/S010/004/S010_004_00000019_landmarks.txt`` of each: 68 rows of x and y.

    Parameters
    ----------
    people : int
        Number of persons; 118 give 327 sequences.
    bundle : Path
        MediaPipe's landmarker bundle, which has the mesh.
    out : Path
        Folder to write the three folders into; made if missing.
    seed : int

    Returns
    -------
    WrittenSequences
        Grey pictures of 256 x 256 pixels.

    Raises
    ------
    MienError
        If the number of people is wrong, the bundle has no mesh, or the folder cannot be written.
    """
    mesh = read_face_mesh(bundle)

    def write(sequence: ExpressionSequence) -> int:
        place = Path(sequence.subject) / f"{sequence.number:03d}"
        for number, face in _draw_frames(mesh, sequence, seed, side=_ORIGINAL_SIDE):
            name = sequence.frame_name(number)
            _write_png(out / "cohn-kanade-images" / place / f"{name}.png", _to_grey(face))
            points = "".join(f"   {x:.7e}   {y:.7e}\n" for x, y in face.landmarks[list(POINTS_68)])
            _write_text(out / "Landmarks" / place / f"{name}_landmarks.txt", points)
        code = CK_CLASSES.index(sequence.label)
        last = sequence.frame_name(sequence.frames - 1)
        _write_text(out / "Emotion" / place / f"{last}_emotion.txt", f"   {code:.7e}\n")
        return sequence.frames

    return _write_all(plan_sequences(people, seed=seed), write, out)


def _write_all(
    sequences: list[ExpressionSequence], write: Callable[[ExpressionSequence], int], out: Path
) -> WrittenSequences:
    try:
        pictures = sum(map(write, sequences))
        _write_text(out / RENDERED_FILE, "Rendered faces, not photographs.\n")
    except OSError as error:
        raise MienError(
            f"Expected a folder to write pictures to at {out}: {error}.", "Choose another --out."
        ) from error
    return WrittenSequences(len({s.person for s in sequences}), len(sequences), pictures)


def _draw_frames(
    mesh: FaceMesh, sequence: ExpressionSequence, seed: int, *, side: int, last: int | None = None
) -> Iterator[tuple[int, RenderedFace]]:
    """Draw a sequence's frames, or only the last ones, each with its number from 0."""
    planned = list(enumerate(plan_frames(sequence, seed=seed)))
    for number, (person, plan) in planned if last is None else planned[-last:]:
        yield number, render_plan(mesh, person, plan, size=side)


def _crop_face(face: RenderedFace) -> np.ndarray:
    low, high = face.landmarks.min(axis=0), face.landmarks.max(axis=0)
    side = _MARGIN * float((high - low).max())
    corner = (low + high - side) / 2
    scale = CK48_SIDE / side
    matrix = np.array([[scale, 0, -corner[0] * scale], [0, scale, -corner[1] * scale]])
    return np.asarray(
        cv2.warpAffine(
            cv2.blur(_to_grey(face), (2, 2)), matrix, (CK48_SIDE, CK48_SIDE),
            borderMode=cv2.BORDER_REPLICATE,
        )
    )  # fmt: skip


def _to_grey(face: RenderedFace) -> np.ndarray:
    return np.asarray(cv2.cvtColor(face.picture, cv2.COLOR_RGB2GRAY))


def _write_png(target: Path, picture: np.ndarray) -> None:
    encoded = cv2.imencode(".png", picture)[1]
    with atomic_path(target) as path:
        path.write_bytes(encoded.tobytes())


def _write_text(target: Path, text: str) -> None:
    with atomic_path(target) as path:
        path.write_text(text, encoding="ascii")
