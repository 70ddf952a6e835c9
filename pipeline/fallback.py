"""Landmarks for pictures in which no face was found: the best guess, marked as one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from mien.features.scheme import MESH_POINTS
from mien.pipeline.face_networks import FaceNetworks
from mien.pipeline.face_region import Region, region_from_mesh
from mien.pipeline.landmarks import FALLBACK, Landmarks
from mien.pipeline.preparation import Attempt, prepare_picture, to_landmarks
from mien.pipeline.rendered.mesh import N_VERTICES, read_face_mesh

NETWORK = f"{FALLBACK}network"
MEAN = f"{FALLBACK}mean"
_START = Attempt(NETWORK, 0.5)
_WHOLE_PICTURE = 0.6
"""Side of the first region as a share of the prepared picture, whose border is half as wide as the
picture on each side."""
_SURE = 0.5
_STEPS = 2
_MEAN_FACE_SHARE = 0.8
_IRISES = ((33, 133), (263, 362))
"""Corners of the eyes that mesh points 468 to 472 and 473 to 477 lie in."""


def place_by_network(picture: np.ndarray, networks: FaceNetworks) -> Landmarks | None:
    """Run the landmark network on the whole picture, then again where it sees the face.

    Parameters
    ----------
    picture : ndarray of uint8, shape (height, width) or (height, width, 3)
    networks : FaceNetworks

    Returns
    -------
    Landmarks or None
        None where the network does not see a face.
    """
    prepared, matrix = prepare_picture(picture, _START)
    side = len(prepared)
    mesh, presence = networks.locate(prepared, Region(side / 2, side / 2, side * _WHOLE_PICTURE))
    for _ in range(_STEPS):
        again, surer = networks.locate(prepared, region_from_mesh(mesh))
        if surer <= presence:
            break
        mesh, presence = again, surer
    if presence <= _SURE:
        return None
    return to_landmarks(networks.complete(mesh, presence), matrix, NETWORK)


def place_mean_face(picture: np.ndarray, networks: FaceNetworks, bundle: Path) -> Landmarks:
    """Put the landmarker's canonical face into the middle of a picture.

    Parameters
    ----------
    picture : ndarray of uint8, shape (height, width) or (height, width, 3)
    networks : FaceNetworks
        Reads the canonical face's expression.
    bundle : Path
        The landmarker's model bundle, which holds the canonical face.

    Returns
    -------
    Landmarks
        Their presence is NaN: nothing was measured.
    """
    mesh = np.empty((MESH_POINTS, 3), dtype=np.float32)
    mesh[:N_VERTICES] = read_face_mesh(bundle).vertices * np.array([1, -1, -1], dtype=np.float32)
    for eye, corners in enumerate(_IRISES):
        first = N_VERTICES + 5 * eye
        mesh[first : first + 5] = mesh[list(corners)].mean(axis=0)
    low, high = mesh.min(axis=0), mesh.max(axis=0)
    height, width = picture.shape[:2]
    mesh = (mesh - (low + high) / 2) * (_MEAN_FACE_SHARE * min(height, width) / (high - low)[1])
    mesh[:, :2] += (np.array([width, height], dtype=np.float32) - 1) / 2
    face = networks.complete(mesh + 0.5, float("nan"))
    return replace(to_landmarks(face, np.eye(2, 3), MEAN), mesh=mesh)
