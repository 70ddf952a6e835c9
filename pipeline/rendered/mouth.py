"""The inside of the mouth and the line between the lips."""

from __future__ import annotations

import numpy as np

from mien.pipeline.rendered.drawing import fill, smooth_curve, stroke, taper
from mien.pipeline.rendered.mesh import FaceMesh
from mien.pipeline.rendered.people import Person
from mien.pipeline.rendered.points import LOWER_LIP_INNER, UPPER_LIP_INNER
from mien.pipeline.rendered.raster import Camera

_TEETH = 8
_TOOTH_WIDTHS = np.array([0.86, 0.68, 0.70, 0.62])
_TOOTH_LENGTHS = np.array([0.92, 0.80, 0.84, 0.66])


def draw_mouth_inside(
    canvas: np.ndarray,
    points: np.ndarray,
    *,
    mesh: FaceMesh,
    relaxed: np.ndarray,
    turn: np.ndarray,
    camera: Camera,
    light: float,
) -> None:
    """Draw the dark inside, the tongue and the upper teeth, larger than the opening, in place.

    Parameters
    ----------
    canvas : ndarray of uint8, shape (height, width, 3)
        What lies behind the face.
    points : ndarray of float32, shape (468, 2)
        The mesh's vertices in pixels of the canvas.
    mesh : FaceMesh
        For the mirror images.
    relaxed : ndarray of float32, shape (468, 3)
        The person's face without expression, in cm, before the head is turned.
    turn : ndarray of float32, shape (3, 3)
        The head's rotation.
    camera : Camera
        Projection to the canvas.
    light : float
        Brightness, 1 is full.
    """
    upper = np.array([*UPPER_LIP_INNER, *mesh.mirrored[list(UPPER_LIP_INNER[-2::-1])]])
    lower = np.array([*LOWER_LIP_INNER, *mesh.mirrored[list(LOWER_LIP_INNER[-2::-1])]])
    ring = points[np.concatenate([upper, lower[-2:0:-1]])]
    middle = ring.mean(axis=0)
    fill(canvas, middle + (ring - middle) * 1.15, tuple(np.array([62, 22, 24]) * light))
    bottom = points[lower[2:-2]]
    height = float(points[14, 1] - points[13, 1])
    tongue = np.concatenate([bottom, bottom[::-1] - (0, 0.38 * height)])
    tongue = smooth_curve(tongue, closed=True)
    fill(canvas, tongue, tuple(np.array([160, 74, 78]) * light))
    for tooth in _place_teeth(relaxed):
        corners = camera.project(tooth @ turn.T)
        fill(canvas, corners, tuple(np.array([238, 232, 220]) * light))
    gums = camera.project(_place_arch(relaxed, np.linspace(-3, 3, 13), -0.02) @ turn.T)
    stroke(canvas, gums, tuple(np.array([196, 184, 174]) * light), 0.06 * camera.scale)


def _place_arch(relaxed: np.ndarray, across: np.ndarray, drop: float | np.ndarray) -> np.ndarray:
    lip = relaxed[13]
    depth = lip[2] - 0.45 - 0.16 * across**2
    height = np.broadcast_to(lip[1] + 0.22 - np.asarray(drop), across.shape)
    return np.stack([across, height, depth], axis=-1).astype(np.float32)


def _place_teeth(relaxed: np.ndarray) -> list[np.ndarray]:
    teeth = []
    edges = np.concatenate([[0], np.cumsum(_TOOTH_WIDTHS)])
    for number, length in enumerate(_TOOTH_LENGTHS):
        left, right = edges[number] + 0.02, edges[number + 1] - 0.02
        across = np.array([left, left, left + 0.08, right - 0.08, right, right])
        drop = np.array([-0.6, length - 0.1, length, length, length - 0.1, -0.6])
        teeth += [_place_arch(relaxed, across, drop), _place_arch(relaxed, -across, drop)]
    return teeth


def draw_lip_line(
    canvas: np.ndarray, points: np.ndarray, *, mesh: FaceMesh, person: Person, scale: float
) -> None:
    """Draw the dark edge along the upper lip's inside, in place.

    Parameters
    ----------
    canvas : ndarray of uint8, shape (height, width, 3)
        The face.
    points : ndarray of float32, shape (468, 2)
        The mesh's vertices in pixels of the canvas.
    mesh : FaceMesh
        For the mirror images.
    person : Person
        For the colour.
    scale : float
        Pixels a centimetre.
    """
    upper = np.array([*UPPER_LIP_INNER, *mesh.mirrored[list(UPPER_LIP_INNER[-2::-1])]])
    line = smooth_curve(points[upper], steps=3)
    along = np.linspace(0, 1, len(line))
    widths = np.interp(along, [0, 0.08, 0.5, 0.92, 1], [0.5, 1.3, 0.9, 1.3, 0.5]) * 0.09 * scale
    taper(canvas, line, tuple(person.lips * (0.42, 0.32, 0.32)), widths)
