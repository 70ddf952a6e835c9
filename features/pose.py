"""The head's rotation, read from the mesh alone, and the mesh with that rotation undone."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from mien.features.base import FeatureFamily
from mien.features.faces import FaceBatch
from mien.features.registry import register

_LEFT = (33, 133, 127, 234, 54, 67, 143, 117, 129, 198, 132, 58)
_RIGHT = (263, 362, 356, 454, 284, 297, 372, 346, 358, 420, 361, 288)
_EYES = (33, 263, 133, 362, 127, 356)
_NOSE = (129, 358, 2, 198, 420)

CANONICAL_TILT = -49.2837
"""Degrees by which the line from nose to eyes leans back in MediaPipe's canonical face."""

UNDONE_TURN = 60.0
"""Degrees: how much turn out of the picture's plane :func:`undo_rotation` takes back at most."""

_TO_CAMERA = np.array([1.0, -1.0, -1.0])


def compute_head_rotation(mesh: np.ndarray) -> np.ndarray:
    """Read the head's rotation from points that expressions hardly move.

    Parameters
    ----------
    mesh : ndarray, shape (n, 478, 3)
        Landmarks: x right, y down, z away from the camera, in one unit.

    Returns
    -------
    ndarray of float32, shape (n, 3, 3)
        From the face's frame (x to its picture-right side, y to its forehead, z out of it) to the
        camera's (x right, y up, z to the viewer): ``seen = rotation @ own``. The canonical face
        has the identity. NaN where a point is missing.

    Notes
    -----
    The frame is orthonormal: x along the mean of ``right - left`` over twelve mirror pairs; y from
    the nose's wings and base to the corners of the eyes and temples, made orthogonal to x;
    z = x × y. It is then tilted by a constant, :data:`CANONICAL_TILT`, so that the canonical face
    looks straight ahead. It depends on differences of points only, hence not at all on where the
    face is in the picture or how large: a perspective camera model, like the one behind
    MediaPipe's own matrix, does.
    """
    right, left, eyes, nose = (
        mesh.take(points, axis=1).astype(np.float64).mean(axis=1) * _TO_CAMERA
        for points in (_RIGHT, _LEFT, _EYES, _NOSE)
    )
    x = _unit(right - left)
    up = eyes - nose
    y = _unit(up - x * (x * up).sum(axis=1, keepdims=True))
    frame = np.stack([x, y, np.cross(x, y)], axis=2)
    return (frame @ _rotate_x(-CANONICAL_TILT)).astype(np.float32)


def compute_pose_angles(rotation: np.ndarray) -> np.ndarray:
    """Read yaw, pitch and roll from rotations.

    Parameters
    ----------
    rotation : ndarray, shape (..., 3, 3)
        From the face's frame to the camera's; see :func:`compute_head_rotation`.

    Returns
    -------
    ndarray of float32, shape (..., 3)
        Radians. Yaw is positive when the face turns to the picture's right, pitch when it looks
        down, roll when it leans anticlockwise in the picture.

    Notes
    -----
    ``R = R_z(roll) R_y(yaw) R_x(pitch)``.
    """
    yaw = np.arcsin(np.clip(-rotation[..., 2, 0], -1.0, 1.0))
    pitch = np.arctan2(rotation[..., 2, 1], rotation[..., 2, 2])
    roll = np.arctan2(rotation[..., 1, 0], rotation[..., 0, 0])
    return np.stack([yaw, pitch, roll], axis=-1).astype(np.float32)


def undo_rotation(points: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    """Turn faces to the front, if they are turned moderately.

    Parameters
    ----------
    points : ndarray, shape (n, k, 3)
        Mesh or named points: x right, y down, z away from the camera, in one unit.
    rotation : ndarray, shape (n, 3, 3)
        The heads' rotations from :func:`compute_head_rotation`.

    Returns
    -------
    ndarray of float32, shape (n, k, 3)
        The points, turned about their mean.

    Notes
    -----
    A rotation is a roll in the picture's plane followed by a turn about an axis in that plane
    (swing and twist). The roll is undone wholly, the turn up to :data:`UNDONE_TURN` degrees: of
    a face turned further, the landmarker guesses the far side, and what it guesses should not be
    turned into view as if it had been seen. The result is continuous at that limit, and rolling
    or mirroring the picture changes it by nothing or by its mirror image.
    """
    turn = _compute_turn(rotation.astype(np.float64))
    roll = turn.swapaxes(1, 2) @ rotation
    angle = np.arccos(np.clip(rotation[:, 2, 2], -1.0, 1.0))
    share = np.minimum(1.0, np.radians(UNDONE_TURN) / np.maximum(angle, 1e-9))
    undone = _compute_turn(rotation.astype(np.float64), share) @ roll
    known = np.isfinite(points)
    middle = np.where(known, points, 0).sum(axis=1, keepdims=True)
    middle /= np.maximum(known.sum(axis=1, keepdims=True), 1)
    own = ((points - middle) * _TO_CAMERA) @ undone
    return (own * _TO_CAMERA + middle).astype(np.float32)


def compute_frontal_mesh(mesh: np.ndarray) -> np.ndarray:
    """Turn meshes to the front.

    Parameters
    ----------
    mesh : ndarray, shape (n, 478, 3)
        Landmarks in pixels: x right, y down, z away from the camera.

    Returns
    -------
    ndarray of float32, shape (n, 478, 3)
        Upright and frontal where the head's turn is moderate; see :func:`undo_rotation`.
    """
    return undo_rotation(mesh, compute_head_rotation(mesh))


def _compute_turn(rotation: np.ndarray, share: np.ndarray | float = 1.0) -> np.ndarray:
    """Return a share of the shortest rotation that takes +z to where the faces look.

    Rodrigues' formula about the axis ``z × look``, which lies in the picture's plane.
    """
    look = rotation[:, :, 2]
    sine = np.hypot(look[:, 0], look[:, 1])
    angle = np.arctan2(sine, look[:, 2]) * share
    along = look[:, :2] / np.maximum(sine, 1e-12)[:, None]
    axis = np.zeros((len(look), 3, 3))
    axis[:, :2, 2] = along
    axis[:, 2, :2] = -along
    s, c = np.sin(angle)[:, None, None], np.cos(angle)[:, None, None]
    return np.eye(3) + s * axis + (1 - c) * (axis @ axis)


def _rotate_x(degrees: float) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


def _unit(vectors: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@register
class Pose(FeatureFamily):
    """The head's yaw, pitch and roll.

    Shape (n, 3), radians: yaw is positive when the face turns to the picture's right, pitch when
    it looks down, roll when it leans anticlockwise in the picture. They come from the mesh's own
    depth (see :func:`compute_head_rotation`).

    Notes
    -----
    The only family that tells how the picture is rolled. On 192 rendered faces the mean absolute
    error is 0.9 degrees of yaw, 2.9 of pitch and 0.4 of roll (of MediaPipe's own matrix 1.0, 3.1
    and 0.5).
    """

    name = "pose"
    version = 1
    title = "the head's yaw, pitch and roll, from the mesh"
    default = True
    follows_roll = ("roll",)

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """``yaw``, ``pitch``, ``roll``."""
        return ("yaw", "pitch", "roll")

    @cached_property
    def mirror(self) -> tuple[np.ndarray, np.ndarray]:
        """Yaw and roll change sign."""
        return np.arange(3), np.array([-1, 1, -1], dtype=np.float32)

    def compute(self, faces: FaceBatch) -> np.ndarray:
        """Compute the angles; float32, shape (n, 3)."""
        return compute_pose_angles(compute_head_rotation(faces.mesh))
