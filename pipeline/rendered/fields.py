"""Smooth displacement fields over the face, drawn from a few pulled points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien.pipeline.rendered.mesh import FaceMesh


@dataclass(frozen=True)
class Pull:
    """Vertices that move together, and how far the skin around them follows.

    Attributes
    ----------
    points : tuple of int
        Vertices on the picture's left or the midline.
    shift : tuple of float
        Displacement in cm at these points: x to the picture's right, y up, z to the viewer.
    reach : float
        Standard deviation in cm, along the skin, of the bell that the displacement fades with.
    """

    points: tuple[int, ...]
    shift: tuple[float, float, float]
    reach: float = 0.8


def compute_left_field(mesh: FaceMesh, pulls: tuple[Pull, ...]) -> np.ndarray:
    """Displacement of every vertex by pulls on the picture's left side.

    At vertex v the pulls' shifts are summed with weights ``exp(-d² / 2 reach²)``, where d is the
    distance along the skin to the pull's nearest point; pulls whose weights sum to more than one
    are averaged instead, so that neighbours do not add up.

    Parameters
    ----------
    mesh : FaceMesh
        The canonical mesh.
    pulls : tuple of Pull
        What moves.

    Returns
    -------
    ndarray of float32, shape (468, 3)
        Displacements in cm.
    """
    nearest = np.stack([mesh.surface_distances[list(p.points)].min(axis=0) for p in pulls])
    reach = np.array([p.reach for p in pulls], np.float32)[:, None]
    weights = np.exp(-0.5 * (nearest / reach) ** 2)
    shifts = np.array([p.shift for p in pulls], np.float32)
    return (weights.T @ shifts) / np.maximum(weights.sum(axis=0), 1.0)[:, None]


def mirror_field(mesh: FaceMesh, field: np.ndarray) -> np.ndarray:
    """Return the mirror image of a displacement field, shape (468, 3)."""
    return field[mesh.mirrored] * np.array([-1, 1, 1], np.float32)


def split_sides(mesh: FaceMesh, pulls: tuple[Pull, ...]) -> np.ndarray:
    """Make the two one-sided fields whose sum moves both sides alike.

    Returns
    -------
    ndarray of float32, shape (2, 468, 3)
        The picture's left side, then its right side. On the midline each has half of the
        displacement, and the sideways part cancels.
    """
    left = compute_left_field(mesh, pulls)
    share = 1 / (1 + np.exp(mesh.vertices[:, :1] / 0.35))
    both = np.where(mesh.vertices[:, :1] < 0, left, mirror_field(mesh, left))
    middle = np.abs(mesh.vertices[:, 0]) < 1e-3
    both[middle] = left[middle] * np.array([0, 1, 1], np.float32)
    return np.stack([both * share, both * (1 - share)]).astype(np.float32)
