"""What is painted behind the face: backdrop, shoulders, neck, ears and long hair."""

from __future__ import annotations

import cv2
import numpy as np

from mien.pipeline.rendered.drawing import fill, smooth_curve
from mien.pipeline.rendered.people import Person
from mien.pipeline.rendered.raster import Camera
from mien.pipeline.rendered.scene import Scene

_NECK = np.array([(-5.0, -3.0), (-4.9, -9.0), (-5.3, -12.5), (-7.2, -14.2), (-12.0, -15.6)])
_SHOULDERS = np.array(
    [(-5.6, -13.2), (-8.5, -14.4), (-13.0, -16.0), (-17.5, -18.6), (-20.0, -23.0), (-21.0, -34.0)]
)
_COLLAR = np.array([(-5.6, -13.2), (-3.4, -15.8), (0.0, -16.9)])
_LONG_HAIR = {
    "bob": [(-8.0, 7.0), (-9.6, 2.0), (-9.9, -3.5), (-9.2, -8.0), (-5.5, -9.2)],
    "long": [(-8.0, 7.0), (-9.6, 1.0), (-10.2, -6.0), (-10.6, -13.0), (-9.8, -19.0), (-4.0, -20.0)],
}
_EAR = np.array(
    [(0.0, 1.6), (-0.9, 1.9), (-1.5, 1.2), (-1.35, 0.1), (-0.85, -1.2), (-0.3, -1.9), (0.2, -1.7)]
)


def draw_backdrop(size: int, scene: Scene) -> np.ndarray:
    """Draw the background: a vertical gradient, brighter behind the head.

    Returns
    -------
    ndarray of uint8, shape (size, size, 3)
    """
    grid = np.linspace(0, 1, 32, dtype=np.float32)
    rows, columns = np.meshgrid(grid, grid, indexing="ij")
    colours = scene.backdrop[0] + rows[:, :, None] * (scene.backdrop[1] - scene.backdrop[0])
    glow = np.exp(-3 * ((columns - 0.5) ** 2 + (rows - 0.45) ** 2))
    colours = np.clip(colours * (0.82 + 0.26 * glow[:, :, None]), 0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(colours, (size, size), interpolation=cv2.INTER_LINEAR))


def draw_body(
    canvas: np.ndarray, *, person: Person, scene: Scene, turn: np.ndarray, camera: Camera
) -> None:
    """Draw long hair behind, neck, shoulders and ears, in place.

    Parameters
    ----------
    canvas : ndarray of uint8, shape (height, width, 3)
        The backdrop.
    person : Person
        Colours and hair style.
    scene : Scene
        Light.
    turn : ndarray of float32, shape (3, 3)
        The head's rotation.
    camera : Camera
        Projection to the canvas.
    """
    glow = float((scene.ambient + 0.45 * scene.light).mean())
    if person.hair_style in _LONG_HAIR:
        _draw_mirrored(
            canvas, _LONG_HAIR[person.hair_style], person.hair * 0.62 * glow, turn, camera, -4.0
        )
    if person.hair_style == "bun":
        circle = np.linspace(0, 2 * np.pi, 20)
        bun = np.stack([2.9 * np.cos(circle), 12.6 + 2.5 * np.sin(circle)], axis=1)
        _draw(canvas, bun, person.hair * 0.85 * glow, turn, camera, -5.0)
    body = _soften_turn(turn)
    _draw_mirrored(canvas, _NECK, person.skin * 0.80 * glow, body, camera, -3.5)
    _shade_neck(canvas, person=person, glow=glow, turn=turn, camera=camera)
    _draw_mirrored(canvas, [*_SHOULDERS], person.clothes * glow, body, camera, -4.0, _COLLAR)
    if person.hair_style not in _LONG_HAIR:
        _draw_ears(canvas, person=person, glow=glow, turn=turn, camera=camera)


def _soften_turn(turn: np.ndarray) -> np.ndarray:
    mixed = 0.25 * turn + 0.75 * np.eye(3, dtype=np.float32)
    left, _, right = np.linalg.svd(mixed)
    return np.asarray(left @ right, dtype=np.float32)


def _draw_mirrored(
    canvas: np.ndarray,
    half: object,
    colour: np.ndarray,
    turn: np.ndarray,
    camera: Camera,
    depth: float,
    inner: np.ndarray | None = None,
) -> None:
    left = smooth_curve(np.asarray(half, dtype=float))
    outline = np.concatenate([left, left[::-1] * (-1, 1)])
    if inner is not None:
        neckline = smooth_curve(inner)
        neckline = np.concatenate([neckline, neckline[::-1] * (-1, 1)])
        outline = np.concatenate([outline, neckline[::-1]])
    _draw(canvas, outline, colour, turn, camera, depth)


def _draw(
    canvas: np.ndarray,
    outline: np.ndarray,
    colour: np.ndarray,
    turn: np.ndarray,
    camera: Camera,
    depth: float,
) -> None:
    points = np.column_stack([outline, np.full(len(outline), depth)]).astype(np.float32)
    fill(canvas, camera.project(points @ turn.T), tuple(np.clip(colour, 0, 255)))


def _shade_neck(
    canvas: np.ndarray, *, person: Person, glow: float, turn: np.ndarray, camera: Camera
) -> None:
    body = _soften_turn(turn)
    shadow = np.array([(-5.0, -3.0), (-4.85, -8.5), (-2.6, -10.3), (0.0, -11.0)])
    _draw_mirrored(canvas, shadow, person.skin * (0.56, 0.52, 0.51) * glow, body, camera, -3.5)
    corners = camera.project(
        np.array([(-4.7, -4.0, -3.5), (4.7, -12.6, -3.5)], np.float32) @ body.T
    )
    (left, top), (right, bottom) = np.clip(corners, 0, len(canvas)).astype(int)
    part = canvas[top:bottom, left:right]
    if part.size:
        part[:] = cv2.blur(part, (1 + int(camera.scale), 1 + int(1.6 * camera.scale)))


def _draw_ears(
    canvas: np.ndarray, *, person: Person, glow: float, turn: np.ndarray, camera: Camera
) -> None:
    outline = smooth_curve(_EAR, closed=True)
    for mirror in (1, -1):
        width = 1 + 0.035 * person.shape[-2]
        place = np.array([-7.55 * width, 0.8])
        for share, tone in ((1.0, 0.88), (0.62, 0.66), (0.36, 0.78)):
            ear = (outline * share * (1.05, 1.15) + place - (0.25 * (1 - share), 0)) * (mirror, 1)
            _draw(
                canvas,
                ear,
                person.skin * (tone, tone * 0.94, tone * 0.92) * glow,
                turn,
                camera,
                -2.6,
            )
