"""How unlike the other faces of its dataset a face is."""

from __future__ import annotations

import numpy as np
from sklearn.decomposition import PCA

from mien.pipeline.local_contrast import normalise_locally
from mien.pipeline.quality import make_face_oval

MIN_FACES = 200
"""Faces that it takes to know what is usual."""

_COMPONENTS = 40
_FIT_ROWS = 4000
_BLOCK = 2048


def compute_strangeness(aligned: np.ndarray, typical: np.ndarray) -> np.ndarray:
    """Measure how badly a face is made up of what other faces look like.

    A hand over the mouth, dark glasses, a drawing or a misplaced landmark cannot be rebuilt from
    the patterns by which most faces differ.

    Parameters
    ----------
    aligned : ndarray of uint8, shape (n, 48, 48)
        Upright faces, see :attr:`mien.pipeline.cropped_faces.CroppedFaces.aligned`.
    typical : ndarray of bool, shape (n,)
        Faces to learn from; those with landmarks.

    Returns
    -------
    ndarray of float32, shape (n,)
        The share of a face's structure that cannot be rebuilt, 0 to about 1. On FER2013 the median
        is 0.11, and three faces in a hundred are above 0.25; of a small dataset less is known, and
        all values are higher. All NaN with fewer than :data:`MIN_FACES` typical faces.

    Notes
    -----
    The local structure of the face's oval is rebuilt from 40 principal components; what is missing
    is 1 minus the correlation of the two. The components for even rows are learnt from odd rows
    and the other way round (from about 4,000 of them), so that no face explains itself.
    """
    usable = np.flatnonzero(typical)
    if len(usable) < MIN_FACES:
        return np.full(len(aligned), np.nan, dtype=np.float32)
    missing = np.empty(len(aligned), dtype=np.float32)
    halves = np.arange(len(aligned)) % 2
    for half in (0, 1):
        known = usable[halves[usable] != half]
        known = known[:: max(1, len(known) // _FIT_ROWS)]
        usual = PCA(min(_COMPONENTS, len(known) // 2), svd_solver="covariance_eigh")
        usual.fit(_describe(aligned[known]))
        for rows in _blocks(np.flatnonzero(halves == half)):
            missing[rows] = _measure_missing(usual, _describe(aligned[rows]))
    return missing


def _blocks(rows: np.ndarray) -> list[np.ndarray]:
    return [rows[i : i + _BLOCK] for i in range(0, len(rows), _BLOCK)]


def _describe(aligned: np.ndarray) -> np.ndarray:
    """Return the oval's local structure with mean 0 and length 1 (0 for a blank)."""
    oval = make_face_oval()
    values = np.stack([normalise_locally(face)[oval] for face in aligned])
    values -= values.mean(axis=1, keepdims=True)
    return values / (np.linalg.norm(values, axis=1, keepdims=True) + 1e-3)


def _measure_missing(usual: PCA, values: np.ndarray) -> np.ndarray:
    rebuilt = usual.inverse_transform(usual.transform(values))
    norms = np.linalg.norm(rebuilt, axis=1) * np.linalg.norm(values, axis=1)
    return 1 - (rebuilt * values).sum(axis=1) / (norms + 1e-6)
