"""Eyeballs behind the lids, lid edges and lashes."""

from __future__ import annotations

import cv2
import numpy as np

from mien.pipeline.rendered.drawing import fill, smooth_curve, stroke, taper
from mien.pipeline.rendered.mesh import FaceMesh
from mien.pipeline.rendered.people import Person
from mien.pipeline.rendered.points import LOWER_LID, UPPER_LID
from mien.pipeline.rendered.raster import Camera

_EYEBALL_RADIUS = 1.25
_IRIS_RADIUS = 0.60
_CIRCLE = np.linspace(0, 2 * np.pi, 24, endpoint=False)


def draw_eyeballs(
    canvas: np.ndarray,
    *,
    mesh: FaceMesh,
    relaxed: np.ndarray,
    turn: np.ndarray,
    camera: Camera,
    gaze: np.ndarray,
    person: Person,
    light: float,
) -> None:
    """Draw whites, irises and pupils, larger than the openings, in place.

    Parameters
    ----------
    canvas : ndarray of uint8, shape (height, width, 3)
        What lies behind the face.
    mesh : FaceMesh
        For the mirror images.
    relaxed : ndarray of float32, shape (468, 3)
        The person's face without expression, in cm, before the head is turned.
    turn : ndarray of float32, shape (3, 3)
        The head's rotation.
    camera : Camera
        Projection to the canvas.
    gaze : ndarray of float32, shape (3,)
        Direction of looking, before the head is turned.
    person : Person
        For the iris.
    light : float
        Brightness, 1 is full.
    """
    for side in (np.arange(len(relaxed)), mesh.mirrored):
        ring = side[[*UPPER_LID, *LOWER_LID[1:-1]]]
        center = relaxed[ring].mean(axis=0) - np.array([0, 0, 0.62 * _EYEBALL_RADIUS], np.float32)
        opening = camera.project(relaxed[ring] @ turn.T)
        _draw_white(canvas, opening, light=light)
        _draw_iris(
            canvas, center=center, gaze=gaze, turn=turn, camera=camera, person=person, light=light
        )


def _draw_white(canvas: np.ndarray, opening: np.ndarray, *, light: float) -> None:
    middle = opening.mean(axis=0)
    area = middle + (opening - middle) * (1.35, 2.4)
    shade = np.array([232, 226, 222]) * light
    fill(canvas, area, tuple(shade * 0.80))
    fill(canvas, middle + (opening - middle) * (0.86, 1.6), tuple(shade * 0.92))
    fill(canvas, middle + (opening - middle) * (0.62, 1.2), tuple(shade))


def _draw_iris(
    canvas: np.ndarray,
    *,
    center: np.ndarray,
    gaze: np.ndarray,
    turn: np.ndarray,
    camera: Camera,
    person: Person,
    light: float,
) -> None:
    across = np.cross(np.array([0, 1, 0], np.float32), gaze)
    across /= np.linalg.norm(across)
    up = np.cross(gaze, across)
    circle = np.cos(_CIRCLE)[:, None] * across + np.sin(_CIRCLE)[:, None] * up
    front = center + gaze * np.sqrt(_EYEBALL_RADIUS**2 - _IRIS_RADIUS**2)
    for share, tone in ((1.0, 0.42), (0.90, 0.80), (0.72, 1.0), (0.56, 1.18)):
        ring = camera.project((front + share * _IRIS_RADIUS * circle) @ turn.T)
        fill(canvas, ring, tuple(np.clip(person.iris * tone * light, 0, 255)))
    pupil = camera.project((front + 0.40 * _IRIS_RADIUS * circle) @ turn.T)
    fill(canvas, pupil, (14, 12, 14))


def draw_eye_details(
    canvas: np.ndarray,
    points: np.ndarray,
    *,
    mesh: FaceMesh,
    person: Person,
    scale: float,
    light: float,
) -> None:
    """Draw the shadow under the upper lid, lid edges and lashes over the face, in place.

    Parameters
    ----------
    canvas : ndarray of uint8, shape (height, width, 3)
        The face.
    points : ndarray of float32, shape (468, 2)
        The mesh's vertices in pixels of the canvas.
    mesh : FaceMesh
        For the mirror images.
    person : Person
        For colours and lashes.
    scale : float
        Pixels a centimetre.
    light : float
        Brightness, 1 is full.
    """
    lash = np.clip(person.brows * 0.42, 8, 60)
    rim = person.skin * np.array([0.66, 0.50, 0.48]) * light
    strength = 0.16 - 0.05 * person.masculine
    for side in (np.arange(len(points)), mesh.mirrored):
        upper = smooth_curve(points[side[list(UPPER_LID)]])
        lower = smooth_curve(points[side[list(LOWER_LID)]])
        along = np.linspace(0, 1, len(upper))
        _shade_under_lid(canvas, upper, depth=0.16 * scale)
        stroke(canvas, lower[2:-1], tuple(rim), 0.05 * scale)
        widths = np.interp(along, [0, 0.2, 0.6, 1], [0.75, 1.0, 0.9, 0.45]) * strength * scale
        taper(canvas, upper - (0, 0.02 * scale), tuple(lash), widths)
        if person.masculine < 0:
            outer, next_outer = upper[0], upper[3]
            wing = outer + (outer - next_outer) * 0.35 + (0, -0.10 * scale)
            tip = np.stack([next_outer, outer, wing])
            taper(canvas, tip, tuple(lash), np.array([0.9, 0.8, 0.1]) * strength * scale)


def _shade_under_lid(canvas: np.ndarray, upper: np.ndarray, *, depth: float) -> None:
    low = np.floor(upper.min(axis=0) - 2).astype(int)
    high = np.ceil(upper.max(axis=0) + depth + 3).astype(int)
    low, high = np.maximum(low, 0), np.minimum(high, canvas.shape[1::-1])
    if (high <= low).any():
        return
    mask = np.zeros((high[1] - low[1], high[0] - low[0]), np.float32)
    stroke(mask, upper - low + (0, 0.3 * depth), 1.0, 1.4 * depth)
    mask = cv2.blur(mask, (5, 5))
    part = canvas[low[1] : high[1], low[0] : high[0]]
    part[:] = part * (1 - 0.42 * mask[:, :, None])


def draw_catchlights(
    canvas: np.ndarray,
    *,
    mesh: FaceMesh,
    relaxed: np.ndarray,
    turn: np.ndarray,
    camera: Camera,
    gaze: np.ndarray,
    toward_light: np.ndarray,
    opened: np.ndarray,
) -> None:
    """Draw the light's reflection on both eyes where they are open, in place.

    ``opened`` are the vertices in pixels of the canvas; ``toward_light`` is a unit vector.
    """
    for side in (np.arange(len(relaxed)), mesh.mirrored):
        ring = side[[*UPPER_LID, *LOWER_LID[1:-1]]]
        center = relaxed[ring].mean(axis=0) - np.array([0, 0, 0.62 * _EYEBALL_RADIUS], np.float32)
        place = center + gaze * _EYEBALL_RADIUS * 0.9
        spot = camera.project(place @ turn.T) + 0.26 * camera.scale * toward_light[:2] * (1, -1)
        polygon = opened[side[[*UPPER_LID, *LOWER_LID[-2:0:-1]]]].astype(np.float32)
        if cv2.pointPolygonTest(polygon, (float(spot[0]), float(spot[1])), True) > 0:
            radius = 0.10 * camera.scale
            circle = spot + radius * np.stack([np.cos(_CIRCLE), np.sin(_CIRCLE)], axis=1)
            fill(canvas, circle, (250, 250, 250))
