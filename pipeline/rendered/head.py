"""The head around the face: a shell from the face's border over the skull."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mien.pipeline.rendered.drawing import smooth_curve
from mien.pipeline.rendered.mesh import FaceMesh
from mien.pipeline.rendered.points import FACE_OVAL

HAIR_BAND = (1.02, 1.24)
"""Rows of the texture that hold hair, in units of the face texture's height."""

_RINGS = np.radians([-4.0, 5.0, 16.0, 32.0, 52.0, 72.0, 92.0, 115.0])
_SMOOTHING = 2
_SKULL_CENTER = np.array([0.0, 1.2, -4.2], np.float32)
_SKULL_RADII = np.array([7.9, 9.9], np.float32)
_VOLUMES = {
    "cropped": (0.20, 0.12), "short": (1.25, 0.40), "bob": (1.0, 1.0), "long": (1.0, 0.9),
    "bun": (0.55, 0.25), "curly": (2.2, 1.9),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class HeadShell:
    """Triangles between the face's border and the back of the head.

    The rings' vertices come twice: first textured as hair, then as skin.

    Attributes
    ----------
    border : ndarray of int, shape (36,)
        Mesh vertices around the face, clockwise in the picture from the forehead's middle.
    uv : ndarray of float32, shape (n, 2)
        Texture positions; rows of hair lie below the face texture.
    triangles : ndarray of int32, shape (m, 3)
        Into the n vertices.
    hairy : ndarray of float32, shape (72,)
        1 where the border is the hairline, 0 along the jaw.
    """

    border: np.ndarray
    uv: np.ndarray
    triangles: np.ndarray
    hairy: np.ndarray


@lru_cache(maxsize=16)
def build_head_shell(mesh: FaceMesh, style: str) -> HeadShell:
    """Build the shell's triangles and texture positions for a hair style."""
    left = np.array(FACE_OVAL)
    border = np.concatenate([mesh.mirrored[left[:-1]], left[:0:-1]])
    height = _smooth_border(mesh.vertices[border])[:, 1]
    lowest = {"bob": -2.5, "long": -3.5}.get(style, 0.4)
    fade = 5.0 if style == "curly" else 1.2
    hairy = np.clip((height - lowest) / fade + 0.5, 0, 1).astype(np.float32)
    rings, columns = len(_RINGS), len(hairy)
    u = np.broadcast_to(1 - np.abs(2 * np.arange(columns) / columns - 1), (rings, columns))
    low, high = HAIR_BAND
    v = np.broadcast_to(low + (high - low) * np.arange(rings)[:, None] / (rings - 1), u.shape)
    hair_uv = np.stack([u, v], axis=2).reshape(-1, 2)
    skin_uv = np.broadcast_to(_smooth_border(mesh.uv[border]), (rings, columns, 2)).reshape(-1, 2)
    skin_uv = 0.5 + 0.97 * (skin_uv - 0.5)
    uv = np.concatenate([hair_uv, skin_uv]).astype(np.float32)
    return HeadShell(border, uv, _connect(rings, hairy > 0.5), hairy)


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
    ndarray of float32, shape (n, 3)
        Vertices in cm.
    """
    border = _smooth_border(face[shell.border])
    flat = border[:, :2] - _SKULL_CENTER[:2]
    near = np.linalg.norm(flat, axis=1)
    away = flat / near[:, None]
    far = 1 / np.linalg.norm(away / _SKULL_RADII, axis=1)
    jaw = 1 - shell.hairy
    far = np.maximum(far, near * 1.02) * (1 - jaw) + near * 0.90 * jaw
    turn = _RINGS[:, None]
    volume = _compute_volume(away, style) * np.clip(2 * shell.hairy - 1, 0, 1)
    puff = np.sin(np.clip(turn * 1.6, -0.2, np.pi / 2))
    puff = np.sign(puff) * np.abs(puff) ** 0.7
    if style == "curly":
        bumps = np.random.default_rng(0).normal(size=(len(turn), len(away)))
        volume = volume * (1 + 0.13 * bumps)
    radius = near + (far - near) * np.sin(turn) + volume * np.where(puff > 0, puff, 0.1 * puff)
    depth = _SKULL_CENTER[2] + (border[:, 2] - _SKULL_CENTER[2]) * np.cos(turn)
    depth = depth + 0.25 * volume * np.sin(np.clip(4 * turn, 0, np.pi / 2)) * np.cos(turn)
    depth[0] -= 0.6
    points = _SKULL_CENTER[:2] + away[None] * radius[:, :, None]
    ring_points = np.concatenate([points, depth[:, :, None]], axis=2).reshape(-1, 3)
    return np.concatenate([ring_points, ring_points]).astype(np.float32)


def _smooth_border(border: np.ndarray) -> np.ndarray:
    return smooth_curve(border, steps=_SMOOTHING, closed=True)


def _compute_volume(away: np.ndarray, style: str) -> np.ndarray:
    top, side = _VOLUMES[style]
    upward = np.clip(away[:, 1], 0, 1)
    return side + (top - side) * upward**2


def _connect(rings: int, hairy: np.ndarray) -> np.ndarray:
    columns = len(hairy)
    column = np.arange(columns)
    after = (column + 1) % columns
    skin_start = np.where(hairy | hairy[after], 0, rings * columns)
    start = skin_start + np.arange(rings - 1)[:, None] * columns
    a, b = start + column, start + after
    c, d = a + columns, b + columns
    triangles = np.stack([np.stack([a, b, c], -1), np.stack([b, d, c], -1)])
    return triangles.reshape(-1, 3).astype(np.int32)
