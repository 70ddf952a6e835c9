"""The head around the face: a shell from the face's border over the skull."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mien.pipeline.rendered.mesh import FaceMesh
from mien.pipeline.rendered.points import FACE_OVAL

HAIR_BAND = (1.02, 1.24)
"""Rows of the texture that hold hair, in units of the face texture's height."""

_RINGS = np.radians([0.0, 7.0, 22.0, 42.0, 66.0, 90.0, 115.0])
_SKULL_CENTER = np.array([0.0, 1.2, -4.2], np.float32)
_SKULL_RADII = np.array([8.0, 9.3], np.float32)
_VOLUMES = {
    "cropped": (0.18, 0.12), "short": (0.95, 0.35), "bob": (0.9, 0.95), "long": (0.9, 0.85),
    "bun": (0.4, 0.2), "curly": (1.8, 1.5),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class HeadShell:
    """Triangles between the face's border and the back of the head.

    Attributes
    ----------
    border : ndarray of int, shape (36,)
        Mesh vertices around the face, clockwise in the picture from the forehead's middle.
    uv : ndarray of float32, shape (7 * 36, 2)
        Texture positions for the rings; rows of hair lie below the face texture.
    triangles : ndarray of int32, shape (m, 3)
        Into the rings' vertices, ring by ring.
    hairy : ndarray of float32, shape (36,)
        1 where the border is the hairline, 0 along the jaw.
    """

    border: np.ndarray
    uv: np.ndarray
    triangles: np.ndarray
    hairy: np.ndarray


@lru_cache(maxsize=16)
def build_head_shell(mesh: FaceMesh, style: str) -> HeadShell:
    """Build the shell's topology and texture positions for a hair style."""
    left = np.array(FACE_OVAL)
    border = np.concatenate([mesh.mirrored[left[:-1]], left[:0:-1]])
    height = mesh.vertices[border, 1]
    lowest = {"bob": 0.0, "long": 0.0}.get(style, 1.6)
    hairy = np.clip((height - lowest) / 1.2 + 0.5, 0, 1).astype(np.float32)
    columns = np.arange(len(border))
    rings = np.arange(len(_RINGS))
    u = np.broadcast_to(columns / len(border), (len(rings), len(border)))
    low, high = HAIR_BAND
    v = np.broadcast_to(low + (high - low) * rings[:, None] / rings[-1], u.shape)
    hair_uv = np.stack([u, v], axis=2)
    skin_uv = np.broadcast_to(mesh.uv[border], hair_uv.shape)
    uv = np.where(hairy[None, :, None] > 0.5, hair_uv, skin_uv).astype(np.float32)
    return HeadShell(border, uv.reshape(-1, 2), _connect(len(rings), len(border)), hairy)


def shape_head_shell(shell: HeadShell, face: np.ndarray, *, style: str) -> np.ndarray:
    """Place the shell around a face.

    Parameters
    ----------
    shell : HeadShell
        From :func:`build_head_shell`.
    face : ndarray of float32, shape (468, 3)
        The face's vertices in cm, before the head is turned.
    style : str
        The hair style, which sets the hair's volume.

    Returns
    -------
    ndarray of float32, shape (7 * 36, 3)
        Vertices in cm.
    """
    border = face[shell.border]
    flat = border[:, :2] - _SKULL_CENTER[:2]
    near = np.linalg.norm(flat, axis=1)
    away = flat / near[:, None]
    far = 1 / np.linalg.norm(away / _SKULL_RADII, axis=1)
    jaw = 1 - shell.hairy
    far = np.maximum(far, near * 1.01) * (1 - jaw) + near * 0.86 * jaw
    turn = _RINGS[:, None]
    volume = _compute_volume(away, style) * shell.hairy
    puff = np.sin(np.clip(turn * 1.6, 0, np.pi / 2)) ** 0.7
    radius = near + (far - near) * np.sin(turn) + volume * puff
    depth = _SKULL_CENTER[2] + (border[:, 2] - _SKULL_CENTER[2]) * np.cos(turn)
    depth = depth + 0.25 * volume * np.sin(np.clip(4 * turn, 0, np.pi / 2)) * np.cos(turn)
    points = _SKULL_CENTER[:2] + away[None] * radius[:, :, None]
    return np.concatenate([points, depth[:, :, None]], axis=2).reshape(-1, 3).astype(np.float32)


def _compute_volume(away: np.ndarray, style: str) -> np.ndarray:
    top, side = _VOLUMES[style]
    upward = np.clip(away[:, 1], 0, 1)
    return side + (top - side) * upward**2


def _connect(rings: int, columns: int) -> np.ndarray:
    triangles = []
    for ring in range(rings - 1):
        for column in range(columns):
            after = (column + 1) % columns
            a, b = ring * columns + column, ring * columns + after
            c, d = a + columns, b + columns
            triangles += [(a, b, c), (b, d, c)]
    return np.array(triangles, np.int32)
