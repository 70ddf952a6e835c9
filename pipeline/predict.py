"""Prediction from pictures: the same detection, crop and features as in training."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np

from mien.errors import MienError
from mien.features.faces import FaceBatch
from mien.features.registry import get_family
from mien.models.bundle import Bundle
from mien.pipeline.detector import FaceDetector
from mien.pipeline.face_crop import CNN_SIDE, compute_crop_box, cut_square
from mien.pipeline.landmarks import Landmarks
from mien.pipeline.picture_inputs import Picture, name_picture, read_picture
from mien.pipeline.pictures import is_picture_name
from mien.pipeline.preparation import to_grey
from mien.pipeline.reasons import PictureError, Reason

_BATCH = 32


@dataclass(frozen=True)
class Prediction:
    r"""What a model says of one picture.

    Attributes
    ----------
    picture : str
        The path that was given, with bytes that are not UTF-8 as ``\xff``; empty for a picture
        that was not given by its path.
    label : str
        The most probable class, or empty when there is none.
    probabilities : dict of str to float
        By class, in the bundle's order; empty when there is no label, except where the model
        abstains (``unsure``).
    reason : str
        Why there is no label (a reason code), else empty.
    detail : str
        More on the reason.
    landmarks : Landmarks or None
        The face that was found, in pixels of the picture.
    """

    picture: str
    label: str
    probabilities: dict[str, float]
    reason: str = ""
    detail: str = ""
    landmarks: Landmarks | None = field(default=None, repr=False, compare=False)


def find_pictures(paths: Sequence[str | Path]) -> list[Path]:
    """List the pictures that are named: files as they are, folders with all pictures below them.

    Raises
    ------
    MienError
        If a path does not exist, or a folder has no picture.
    """
    found: list[Path] = []
    for given in paths:
        path = Path(given)
        if path.is_dir():
            below = sorted(p for p in path.rglob("*") if is_picture_name(p.name) and not p.is_dir())
            if not below:
                raise MienError(f"The folder {path} has no pictures.", "Name picture files.")
            found += below
        elif path.exists():
            found.append(path)
        else:
            raise MienError(f"There is no file {path}.", "Name pictures, or folders of them.")
    return found


def predict_pictures(
    bundle: Bundle, paths: Iterable[Path], *, landmarker: Path
) -> Iterator[Prediction]:
    """Predict pictures one after another; each path gives one prediction, in order.

    Parameters
    ----------
    bundle : Bundle
    paths : iterable of Path
    landmarker : Path
        The landmarker's verified model bundle.

    Yields
    ------
    Prediction
        A picture that cannot be read, or (for a model that reads features only) in which no face
        is found, has a reason instead of a label; so has one that the model abstains from.
    """
    with Predictor(bundle, landmarker) as predictor:
        batch: list[Picture] = []
        for path in paths:
            batch.append(path)
            if len(batch) == _BATCH:
                yield from predictor.predict(batch)
                batch = []
        yield from predictor.predict(batch)


class Predictor:
    """A model and a face detector, kept between predictions.

    Use it as a context manager, or close it: the detector holds native memory. One thread at a
    time may use it.

    Parameters
    ----------
    bundle : Bundle
    landmarker : Path
        The landmarker's verified model bundle.
    """

    def __init__(self, bundle: Bundle, landmarker: Path) -> None:
        self.bundle = bundle
        self.detector = FaceDetector(landmarker, bundle.detector["name"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the detector's memory; it is taken again when it is needed."""
        self.detector.close()

    def predict(self, pictures: Sequence[Picture]) -> list[Prediction]:
        """Predict pictures; each gives one prediction, in order.

        Parameters
        ----------
        pictures : sequence
            Paths, bytes of files, binary files, arrays or PIL images; see
            :func:`mien.pipeline.picture_inputs.read_picture`.

        Returns
        -------
        list of Prediction
            As of :func:`predict_pictures`.

        Raises
        ------
        MienError
            If one is of a type or shape that is no picture.
        """
        found: list[Prediction] = []
        for start in range(0, len(pictures), _BATCH):
            batch = pictures[start : start + _BATCH]
            found += _predict_batch(self.bundle, batch, self.detector)
        return found


@dataclass(frozen=True)
class _Read:
    grey: np.ndarray
    landmarks: Landmarks | None


def _predict_batch(
    bundle: Bundle, pictures: Sequence[Picture], detector: FaceDetector
) -> Iterator[Prediction]:
    read: dict[int, _Read] = {}
    failed: dict[int, Prediction] = {}
    for i, given in enumerate(pictures):
        try:
            picture = read_picture(given)
        except PictureError as error:
            failed[i] = Prediction(name_picture(given), "", {}, str(error.reason), error.detail)
            continue
        landmarks = detector.detect(picture)
        if landmarks is None and not bundle.reads_pixels:
            failed[i] = Prediction(name_picture(given), "", {}, str(Reason.NO_FACE))
        else:
            read[i] = _Read(to_grey(picture), landmarks)
    probabilities = dict(zip(read, _compute(bundle, list(read.values())), strict=True))
    for i, given in enumerate(pictures):
        yield failed[i] if i in failed else _answer(bundle, given, read[i], probabilities[i])


def _answer(bundle: Bundle, given: Picture, face: _Read, row: np.ndarray) -> Prediction:
    """Make a prediction of probabilities, shape (n_classes,)."""
    label, reason = judge(bundle, row)
    return Prediction(
        picture=name_picture(given),
        label=label,
        probabilities={name: float(p) for name, p in zip(bundle.classes, row, strict=True)},
        reason=reason,
        landmarks=face.landmarks,
    )


def judge(bundle: Bundle, row: np.ndarray) -> tuple[str, str]:
    """Return what a model says of a face, and the reason where it abstains; one of them is empty.

    Parameters
    ----------
    bundle : Bundle
    row : ndarray of float, shape (n_classes,)
        Probabilities.
    """
    if bundle.abstains(row[None])[0]:
        return "", str(Reason.UNSURE)
    return bundle.classes[int(row.argmax())], ""


def _compute(bundle: Bundle, faces: list[_Read]) -> np.ndarray:
    """Return the probabilities of faces, shape (n, n_classes)."""
    if not faces:
        return np.empty((0, len(bundle.classes)))
    if not bundle.reads_pixels:
        return bundle.predict_proba(_read_features(bundle, faces))
    if not bundle.reads_features:
        return bundle.predict_proba(_cut_crops(faces))
    return bundle.predict_proba((_read_features(bundle, faces), _cut_crops(faces)))


def _cut_crops(faces: list[_Read]) -> np.ndarray:
    """Return the networks' pixels; uint8, shape (n, 48, 48)."""
    boxes = [compute_crop_box(face.grey.shape, _mesh(face)) for face in faces]
    crops = [cut_square(face.grey, box, CNN_SIDE) for face, box in zip(faces, boxes, strict=True)]
    return np.stack(crops)


def _read_features(bundle: Bundle, faces: list[_Read]) -> np.ndarray:
    """Return features; float32, shape (n, width), NaN where no face was found."""
    width = sum(get_family(name).width for name in bundle.families)
    features = np.full((len(faces), width), np.nan, dtype=np.float32)
    found = [(i, face.grey, face.landmarks) for i, face in enumerate(faces) if face.landmarks]
    if found:
        rows, pictures, landmarks = zip(*found, strict=True)
        batch = FaceBatch(
            pictures=list(pictures),
            mesh=np.stack([own.mesh for own in landmarks]),
            blendshapes=np.stack([own.blendshapes for own in landmarks]),
        )
        features[list(rows)] = _compute_features(bundle, batch)
    return features


def predict_faces(bundle: Bundle, faces: FaceBatch) -> np.ndarray:
    """Compute what a model reads of faces whose landmarks are known, and their probabilities.

    Parameters
    ----------
    bundle : Bundle
    faces : FaceBatch

    Returns
    -------
    ndarray of float64, shape (n, n_classes)
    """
    if not bundle.reads_pixels:
        return bundle.predict_proba(_compute_features(bundle, faces))
    boxes = map(compute_crop_box, (grey.shape for grey in faces.pictures), faces.mesh)
    crops = [cut_square(*pair, CNN_SIDE) for pair in zip(faces.pictures, boxes, strict=True)]
    pixels = np.stack(crops)
    if not bundle.reads_features:
        return bundle.predict_proba(pixels)
    return bundle.predict_proba((_compute_features(bundle, faces), pixels))


def _compute_features(bundle: Bundle, faces: FaceBatch) -> np.ndarray:
    blocks = [get_family(name).compute(faces) for name in bundle.families]
    return np.concatenate(blocks, axis=1)


def _mesh(face: _Read) -> np.ndarray | None:
    return None if face.landmarks is None else face.landmarks.mesh
