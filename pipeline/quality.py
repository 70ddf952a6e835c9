"""How good a picture of a face is, as a few numbers: contrast, sharpness, covered, drawn."""

from __future__ import annotations

import cv2
import numpy as np

from mien.features.scheme import NAMES, mirror_order
from mien.pipeline.cropped_faces import CroppedFaces
from mien.pipeline.face_crop import CNN_SIDE
from mien.pipeline.local_contrast import blur_grey, normalise_locally

QUALITY_COLUMNS: tuple[str, ...] = (
    "contrast",
    "sharpness",
    "asymmetry",
    "outside",
    "evenness",
    "linework",
)
"""Columns of :func:`compute_quality`; see there."""

_GREYS = 8
_WINDOW = np.arange(-4, 5, 2, dtype=np.float32)
_CONTOUR = ("cheek", "temple")
_LEFT = np.array(
    [
        i
        for i, name in enumerate(NAMES)
        if name.startswith("left_") and not any(part in name for part in _CONTOUR)
    ]
)
_RIGHT = mirror_order()[_LEFT]


def make_face_oval(side: int = CNN_SIDE) -> np.ndarray:
    """Return the pixels of an aligned face that show skin; bool, shape (side, side).

    An ellipse from the hairline to the chin, 0.71 of the side wide and 0.96 high.
    """
    y, x = (np.mgrid[:side, :side] + 0.5) / side
    return ((x - 0.5) / 0.354) ** 2 + ((y - 0.53) / 0.479) ** 2 < 1


def compute_quality(faces: CroppedFaces) -> np.ndarray:
    """Measure the quality of face pictures.

    Parameters
    ----------
    faces : CroppedFaces
        n faces. All measures are of the 48 x 48 crops, so they do not depend on a picture's size.

    Returns
    -------
    ndarray of float32, shape (n, 6)
        The columns of :data:`QUALITY_COLUMNS`:

        contrast
            From the 5th to the 95th percentile of the face's grey levels, as a share of the whole
            range: 0 to 1.
        sharpness
            Strength of detail finer than 1 pixel over that of detail of 1 to 2 pixels: about 1.2
            for a sharp crop, below 0.75 for a blurred one.
        asymmetry
            1 minus the mean correlation between the surroundings of left landmarks and the mirrored
            surroundings of their right partners, shading taken out: 0 for a symmetric face, 1 when
            the halves have nothing in common. NaN without landmarks.
        outside
            Share of the landmarks that lie outside of the picture. NaN without landmarks.
        evenness
            Largest share of the face's pixels within 8 neighbouring grey levels: 1 for a blank,
            about 0.12 for a photograph.
        linework
            Above 0 where strong lines stand on even ground, as in a drawing, a stencil or text;
            about -1 for a photograph.

    Notes
    -----
    ``linework = 2.5 e + 0.9 v - 2.9 g - 1.06`` with the root mean square of the gradients over the
    range of grey levels (e), their lower quartile over their root mean square (g), and evenness
    (v). The weights are a logistic regression's on 109 flat faces of FER2013, sorted by eye.
    """
    values = np.full((len(faces), len(QUALITY_COLUMNS)), np.nan, dtype=np.float32)
    if len(faces) == 0:
        return values
    oval = make_face_oval()
    skin = faces.aligned[:, oval]
    low, high = np.percentile(skin, (5, 95), axis=1)
    values[:, 0] = (high - low) / 255
    values[:, 1] = [_measure_sharpness(crop) for crop in faces.crops]
    found = faces.has_landmarks
    values[found, 2] = _measure_asymmetry(faces.aligned[found], faces.aligned_points[found])
    values[found, 3] = _measure_outside(faces.mesh[found], faces.sizes[found])
    values[:, 4] = _measure_evenness(skin)
    values[:, 5] = _measure_linework(_compute_gradients(faces.aligned)[:, oval], skin, values[:, 4])
    return values


def _measure_sharpness(crop: np.ndarray) -> float:
    picture = crop.astype(np.float32)
    soft = blur_grey(picture, 1.0)
    softer = blur_grey(picture, 2.0)
    inner = np.s_[4:-4, 4:-4]
    fine = cv2.norm(picture[inner], soft[inner])
    medium = cv2.norm(soft[inner], softer[inner])
    return fine / float(np.sqrt(medium**2 + soft[inner].size))


def _measure_asymmetry(aligned: np.ndarray, points: np.ndarray) -> np.ndarray:
    x, y = _make_windows(points)
    sampled = np.empty_like(x)
    for i, face in enumerate(aligned):
        structure = normalise_locally(face)
        sampled[i] = cv2.remap(
            structure, x[i], y[i], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
    sampled -= sampled.mean(axis=2, keepdims=True)
    left, right = sampled[:, : len(_LEFT)], sampled[:, len(_LEFT) :]
    norms = np.linalg.norm(left, axis=2) * np.linalg.norm(right, axis=2)
    return 1 - ((left * right).sum(axis=2) / (norms + 1e-3)).mean(axis=1)


def _make_windows(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where to sample: 25 places around each left point, mirrored around its partner."""
    across, down = (axis.ravel() for axis in np.meshgrid(_WINDOW, _WINDOW))
    sides = np.repeat([1, -1], len(_LEFT)).astype(np.float32)
    middle = points[:, np.concatenate([_LEFT, _RIGHT]), :, None]
    return middle[:, :, 0] + sides[:, None] * across, middle[:, :, 1] + down


def _measure_outside(mesh: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    place = mesh[:, :, :2] + 0.5
    return ((place < 0) | (place > sizes[:, None, :])).any(axis=2).mean(axis=1)


def _compute_gradients(aligned: np.ndarray) -> np.ndarray:
    """Return the size of each pixel's gradient, twice the central difference."""
    faces = aligned.astype(np.float32)
    gradients = np.zeros((2, *faces.shape), dtype=np.float32)
    np.subtract(faces[:, :, 2:], faces[:, :, :-2], out=gradients[0, :, :, 1:-1])
    np.subtract(faces[:, 2:], faces[:, :-2], out=gradients[1, :, 1:-1])
    return np.hypot(*gradients)


def _measure_linework(gradients: np.ndarray, skin: np.ndarray, evenness: np.ndarray) -> np.ndarray:
    strength = np.sqrt(np.square(gradients).mean(axis=1))
    low, high = np.percentile(skin, (3, 97), axis=1)
    edges = strength / (high - low + 1)
    ground = np.percentile(gradients, 25, axis=1) / np.maximum(strength, 1e-3)
    return 2.5 * edges + 0.9 * evenness - 2.9 * ground - 1.06


def _measure_evenness(skin: np.ndarray) -> np.ndarray:
    n = len(skin)
    levels = 256 + _GREYS
    counts = np.bincount((skin + np.arange(n)[:, None] * levels).ravel(), minlength=n * levels)
    total = counts.reshape(n, levels).cumsum(axis=1)
    within = total[:, _GREYS:] - total[:, :-_GREYS]
    return np.maximum(within.max(axis=1), total[:, _GREYS - 1]) / skin.shape[1]
