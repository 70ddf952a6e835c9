"""A face's landmarks as found in one picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mien.features.faces import FaceBatch


@dataclass(frozen=True)
class Landmarks:
    """One face, in pixels of the original picture.

    Attributes
    ----------
    mesh : ndarray of float32, shape (478, 3)
        x right, y down, z away from the camera, all in pixels; (0, 0) is the centre of the top
        left pixel.
    blendshapes : ndarray of float32, shape (52,)
        Expression coefficients from 0 to 1.
    pose : ndarray of float32, shape (3,)
        Yaw, pitch and roll in degrees (see :func:`compute_pose_angles`).
    attempt : str
        Which attempt of the cascade found the face.
    """

    mesh: np.ndarray
    blendshapes: np.ndarray
    pose: np.ndarray
    attempt: str


def make_face_batch(greys: Sequence[np.ndarray], faces: Sequence[Landmarks]) -> FaceBatch:
    """Put faces together for the feature families.

    Parameters
    ----------
    greys : sequence of ndarray of uint8, each of shape (height, width)
        The grey pictures, at least one.
    faces : sequence of Landmarks
        The face found in each.

    Returns
    -------
    FaceBatch
    """
    return FaceBatch(
        pictures=greys,
        mesh=np.stack([face.mesh for face in faces]),
        blendshapes=np.stack([face.blendshapes for face in faces]),
    )


def compute_pose_angles(matrix: np.ndarray) -> np.ndarray:
    """Read yaw, pitch and roll from MediaPipe's facial transformation matrix.

    Parameters
    ----------
    matrix : ndarray, shape (4, 4)
        From the canonical face (x to the picture's right, y up, z to the camera) to the camera.

    Returns
    -------
    ndarray of float32, shape (3,)
        Degrees. Yaw is positive when the face turns to the picture's right, pitch when it looks
        down, roll when it leans anticlockwise in the picture.

    Notes
    -----
    ``R = R_z(roll) R_y(yaw) R_x(pitch)``.
    """
    rotation = matrix[:3, :3] / np.linalg.norm(matrix[:3, :3], axis=0, keepdims=True)
    yaw = np.arcsin(np.clip(-rotation[2, 0], -1.0, 1.0))
    pitch = np.arctan2(rotation[2, 1], rotation[2, 2])
    roll = np.arctan2(rotation[1, 0], rotation[0, 0])
    return np.degrees([yaw, pitch, roll]).astype(np.float32)
