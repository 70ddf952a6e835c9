"""Facial action units as displacement fields of the mesh.

Numbers and names follow the Facial Action Coding System (Ekman, Friesen & Hager 2002). An action
unit at activation 1 is about its strongest form (FACS intensity E).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from mien.pipeline.rendered.fields import Pull, split_sides
from mien.pipeline.rendered.mesh import FaceMesh
from mien.pipeline.rendered.points import (
    BROW_LOWER,
    LID_CREASE,
    LOWER_LID,
    LOWER_LID_FOLD,
    LOWER_LIP,
    LOWER_LIP_INNER,
    LOWER_LIP_OUTER,
    MOUTH_CORNER,
    NOSE_WING,
    UPPER_LID,
    UPPER_LIP,
    UPPER_LIP_INNER,
    UPPER_LIP_OUTER,
)

_JAW_SHIFT = (0.0, -1.95, -0.6)
_UPPER_LID_MIDDLE = UPPER_LID[2:7]
_LOWER_LID_MIDDLE = LOWER_LID[2:7]

PULLS: dict[str, tuple[Pull, ...]] = {
    "AU1": (
        Pull((107, 55), (0.10, 0.95, 0.0), 0.7),
        Pull((66, 65), (0.0, 0.65, 0.0), 0.6),
        Pull((105, 52), (0.0, 0.20, 0.0), 0.6),
        Pull((108, 9), (0.0, 0.40, 0.0), 0.9),
        Pull((221, 222), (0.0, 0.35, 0.0), 0.5),
    ),
    "AU2": (
        Pull((70, 46), (0.0, 0.70, 0.0), 0.7),
        Pull((63, 53), (0.0, 0.95, 0.0), 0.7),
        Pull((105, 52), (0.0, 0.80, 0.0), 0.6),
        Pull((66, 65), (0.0, 0.35, 0.0), 0.5),
        Pull((104, 68), (0.0, 0.40, 0.0), 0.9),
        Pull((224, 225, 113), (0.0, 0.35, 0.0), 0.5),
    ),
    "AU4": (
        Pull((107, 55), (0.42, -0.75, 0.05), 0.7),
        Pull((66, 65), (0.32, -0.65, 0.10), 0.6),
        Pull((105, 52), (0.18, -0.45, 0.05), 0.6),
        Pull((63, 53), (0.08, -0.20, 0.0), 0.6),
        Pull((9, 8), (0.0, -0.30, 0.10), 0.6),
        Pull((221, 222, 223), (0.05, -0.25, 0.05), 0.4),
    ),
    "AU5": (
        Pull(_UPPER_LID_MIDDLE, (0.0, 0.34, 0.0), 0.25),
        Pull(LID_CREASE[1:6], (0.0, 0.24, 0.0), 0.3),
    ),
    "AU6": (
        Pull((117, 118, 101, 50), (0.05, 0.55, 0.30), 0.9),
        Pull((111, 116, 123), (0.05, 0.35, 0.15), 0.9),
        Pull(_LOWER_LID_MIDDLE, (0.0, 0.17, 0.0), 0.25),
        Pull(LOWER_LID_FOLD, (0.0, 0.25, 0.12), 0.35),
        Pull((33, 130, 226), (0.05, -0.05, 0.0), 0.3),
        Pull((63, 53, 70, 46), (0.0, -0.14, 0.0), 0.5),
    ),
    "AU7": (
        Pull(_LOWER_LID_MIDDLE, (0.0, 0.17, 0.0), 0.25),
        Pull(_UPPER_LID_MIDDLE, (0.0, -0.16, 0.0), 0.25),
        Pull(LOWER_LID_FOLD, (0.0, 0.10, 0.03), 0.3),
    ),
    "AU9": (
        Pull(NOSE_WING, (-0.08, 0.42, 0.05), 0.6),
        Pull((198, 217, 174, 126, 142), (0.0, 0.32, 0.12), 0.6),
        Pull((107, 55, 9), (0.20, -0.45, 0.05), 0.7),
        Pull((66, 65), (0.12, -0.35, 0.05), 0.5),
        Pull((39, 37, 40), (0.0, 0.35, 0.05), 0.5),
        Pull((128, 121, 120), (0.0, 0.16, 0.08), 0.5),
        Pull(_LOWER_LID_MIDDLE, (0.0, 0.10, 0.0), 0.25),
    ),
    "AU10": (
        Pull(UPPER_LIP, (0.0, 0.50, 0.10), 0.35),
        Pull((40, 39, 92, 165), (-0.04, 0.52, 0.05), 0.5),
        Pull((206, 203, 205), (-0.04, 0.30, 0.15), 0.7),
        Pull(NOSE_WING, (-0.08, 0.15, 0.0), 0.4),
    ),
    "AU12": (
        Pull(MOUTH_CORNER, (-1.0, 1.25, -0.55), 0.5),
        Pull((185, 184, 183, 191, 57), (-0.78, 0.85, -0.40), 0.35),
        Pull((146, 77, 96, 95), (-0.75, 0.82, -0.38), 0.35),
        Pull((40, 74, 42, 80, 91, 90, 89, 88), (-0.45, 0.22, -0.22), 0.35),
        Pull((0, 37, 17, 84, 13, 14), (-0.05, 0.04, -0.10), 0.4),
        Pull((186, 216, 212, 207), (-0.50, 0.65, 0.05), 0.6),
        Pull((205, 50, 187, 36), (-0.12, 0.42, 0.28), 0.9),
        Pull((202, 204, 43), (-0.35, 0.30, -0.10), 0.6),
    ),
    "AU14": (
        Pull(MOUTH_CORNER, (-0.55, 0.12, -0.50), 0.4),
        Pull((57, 212, 186), (-0.20, 0.08, -0.45), 0.5),
        Pull((40, 91, 185, 146), (-0.28, 0.05, -0.15), 0.3),
    ),
    "AU15": (
        Pull(MOUTH_CORNER, (-0.15, -0.66, -0.10), 0.5),
        Pull((146, 77, 96, 95), (-0.08, -0.52, -0.05), 0.35),
        Pull((185, 184, 183, 191), (-0.08, -0.52, -0.05), 0.35),
        Pull((91, 90, 89, 88, 40, 74, 42, 80), (-0.04, -0.28, 0.0), 0.35),
        Pull((202, 43, 57, 212), (-0.10, -0.50, 0.08), 0.6),
    ),
    "AU17": (
        Pull((199, 200, 208, 201), (0.0, 0.50, 0.22), 0.9),
        Pull((17, 84, 18, 83), (0.0, 0.40, 0.22), 0.5),
        Pull((14, 87, 178, 15, 86), (0.0, 0.22, 0.15), 0.35),
        Pull((13, 82, 81, 12), (0.0, 0.17, 0.08), 0.35),
        Pull((146, 91, 61), (0.0, -0.14, 0.0), 0.3),
    ),
    "AU20": (
        Pull(MOUTH_CORNER, (-0.85, -0.18, -0.45), 0.5),
        Pull((185, 184, 183, 191, 146, 77, 96, 95), (-0.65, -0.12, -0.30), 0.35),
        Pull((40, 91, 80, 88, 42, 89), (-0.42, -0.04, -0.18), 0.35),
        Pull((57, 212, 202, 43), (-0.55, -0.15, -0.15), 0.6),
    ),
    "AU23": (
        Pull(UPPER_LIP_OUTER[1:], (0.0, -0.20, -0.10), 0.22),
        Pull(LOWER_LIP_OUTER[1:], (0.0, 0.26, -0.10), 0.22),
        Pull(MOUTH_CORNER, (0.26, 0.0, 0.05), 0.4),
        Pull((185, 146, 40, 91), (0.16, 0.0, 0.0), 0.3),
    ),
    "AU25": (
        Pull((87, 14, 86, 15, 85, 16, 84, 17, 178, 179, 180, 181), (0.0, -0.62, -0.04), 0.35),
        Pull((88, 89, 90, 91), (0.0, -0.42, -0.04), 0.3),
        Pull((95, 96, 77, 146), (0.0, -0.15, 0.0), 0.25),
        Pull((13, 82, 12, 38, 11, 72, 0, 37, 81, 41, 73, 39), (0.0, 0.20, 0.04), 0.35),
        Pull((80, 42, 74, 40), (0.0, 0.14, 0.02), 0.3),
        Pull((18, 83, 200), (0.0, -0.28, 0.0), 0.6),
    ),
    "AU43": (
        Pull(_UPPER_LID_MIDDLE, (0.0, -0.55, 0.02), 0.25),
        Pull((246, 173), (0.0, -0.15, 0.02), 0.15),
    ),
}
"""Pulls on the picture's left; the right side is their mirror image. AU26 is the jaw."""

_RESTING_PULLS = (
    Pull((10, 109, 67, 103, 54), (0.0, -1.08, 0.0), 1.6),
    Pull((152, 148, 176), (0.0, 0.50, 0.0), 1.6),
    Pull((172, 136, 150, 58), (-0.1, 0.72, 0.0), 1.6),
    Pull(_UPPER_LID_MIDDLE, (0.0, 0.10, 0.0), 0.25),
    Pull(_LOWER_LID_MIDDLE, (0.0, -0.08, 0.0), 0.25),
    Pull(MOUTH_CORNER, (0.10, 0.15, 0.0), 0.4),
    Pull((133, 155, 173), (0.18, -0.08, 0.0), 0.3),
    Pull(NOSE_WING, (-0.20, 0.0, 0.0), 0.4),
    Pull(BROW_LOWER, (-0.10, 0.0, 0.0), 0.6),
)

ACTION_UNITS: tuple[str, ...] = (*PULLS, "AU26")
"""Names, in the order of the basis."""


@lru_cache(maxsize=2)
def build_action_units(mesh: FaceMesh) -> np.ndarray:
    """Build the displacement basis of all action units.

    Parameters
    ----------
    mesh : FaceMesh
        The canonical mesh.

    Returns
    -------
    ndarray of float32, shape (len(ACTION_UNITS), 2, 468, 3)
        Displacements in cm at activation 1, for the picture's left and right side.
    """
    fields = [split_sides(mesh, pulls) for pulls in PULLS.values()]
    return np.stack([*fields, _build_jaw_drop(mesh)])


@lru_cache(maxsize=2)
def build_resting_face(mesh: FaceMesh) -> np.ndarray:
    """Build the displacement from the canonical mesh to a relaxed mean face.

    The canonical mesh's mouth is slightly open, its forehead is higher, its jaw lower and its
    eyes narrower than where the landmarker puts those points on people.

    Returns
    -------
    ndarray of float32, shape (468, 3)
        Displacements in cm.
    """
    pulls = [*_RESTING_PULLS]
    for upper, lower in zip(UPPER_LIP_INNER[1:], LOWER_LIP_INNER[1:], strict=True):
        gap = float(mesh.vertices[upper, 1] - mesh.vertices[lower, 1])
        pulls.append(Pull((upper,), (0.0, -0.3 * gap, 0.0), 0.45))
        pulls.append(Pull((lower,), (0.0, 0.62 * gap, 0.0), 0.45))
    return split_sides(mesh, tuple(pulls)).sum(axis=0)


def part_lips(mesh: FaceMesh, face: np.ndarray, *, closed: bool = False) -> np.ndarray:
    """Keep the lips' inner edges from crossing.

    Parameters
    ----------
    mesh : FaceMesh
        For the mirror images.
    face : ndarray of float32, shape (468, 3)
        Vertices in cm.
    closed : bool
        Let the edges meet everywhere, also where they are apart.

    Returns
    -------
    ndarray of float32, shape (468, 3)
        A copy in which no point of the lower lip's edge is above the upper lip's.
    """
    upper, lower = (
        np.concatenate([inner[1:], mesh.mirrored[list(inner[1:])]])
        for inner in (UPPER_LIP_INNER, LOWER_LIP_INNER)
    )
    parted = face.copy()
    gap = parted[upper, 1] - parted[lower, 1]
    excess = gap if closed else np.minimum(gap, 0)
    parted[upper, 1] -= 0.4 * excess
    parted[lower, 1] += 0.6 * excess
    return parted


def _build_jaw_drop(mesh: FaceMesh) -> np.ndarray:
    to_upper = mesh.surface_distances[list(UPPER_LIP)].min(axis=0)
    to_lower = mesh.surface_distances[list(LOWER_LIP)].min(axis=0)
    to_upper = np.minimum(to_upper, to_upper[mesh.mirrored])
    to_lower = np.minimum(to_lower, to_lower[mesh.mirrored])
    belongs = 1 / (1 + np.exp((to_lower - to_upper) / 0.35))
    height = np.clip((0.5 - mesh.vertices[:, 1]) / 5.5, 0, 1)
    weight = belongs * height**2 * (3 - 2 * height)
    field = weight[:, None] * np.array(_JAW_SHIFT, np.float32)
    return np.stack([field / 2, field / 2]).astype(np.float32)
