"""What the page needs to draw face meshes: which points are joined, and a mean face."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from mien.features.mesh_mirror import MESH_MIRROR
from mien.pipeline.rendered import points as at
from mien.pipeline.rendered.mesh import FaceMesh, read_face_mesh

_LEFT_OUTLINES = (
    at.UPPER_LID,
    at.LOWER_LID,
    (*at.BROW_UPPER, *at.BROW_LOWER[::-1], at.BROW_UPPER[0]),
    at.UPPER_LIP_OUTER,
    at.UPPER_LIP_INNER,
    at.LOWER_LIP_INNER,
    at.LOWER_LIP_OUTER,
    at.FACE_OVAL,
)
_NOSE = (at.NOSE_BRIDGE, (5, 4, 1, 2), (129, 98, 97, 2))


def describe_mesh(landmarker: Path) -> dict[str, Any]:
    """Describe the face mesh for drawing.

    Parameters
    ----------
    landmarker : Path
        The landmarker's model bundle, which has the canonical mesh.

    Returns
    -------
    dict
        ``lines``: pairs of mesh indices, ``contours`` (eyes, brows, nose, lips, oval) and ``mesh``
        (the edges of all triangles). ``face``: the canonical face seen from the front, 468 pairs
        (x right, y down) from 0 to 1.
    """
    mesh = read_face_mesh(landmarker)
    return {
        "lines": {"contours": _list_contours(), "mesh": _list_edges(mesh)},
        "face": _project(mesh.vertices).tolist(),
    }


def _list_contours() -> list[list[int]]:
    joined = set()
    for outline in (*_LEFT_OUTLINES, *_NOSE):
        for start, end in pairwise(outline):
            joined |= {(start, end), (MESH_MIRROR[start], MESH_MIRROR[end])}
    return [list(pair) for pair in sorted(joined)]


def _list_edges(mesh: FaceMesh) -> list[list[int]]:
    edges = mesh.triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    listed: list[list[int]] = np.unique(np.sort(edges, axis=1), axis=0).tolist()
    return listed


def _project(vertices: np.ndarray) -> np.ndarray:
    """Return x and y from 0 to 1, in the middle of a square; shape (n, 2)."""
    flat = vertices[:, :2] * np.array([1, -1])
    low, high = flat.min(axis=0), flat.max(axis=0)
    return np.round((flat - (low + high) / 2) / (high - low).max() + 0.5, 4)
