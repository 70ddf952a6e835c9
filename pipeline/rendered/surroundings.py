"""What is painted behind the face: backdrop, shoulders, neck, ears and long hair."""

from __future__ import annotations

import cv2
import numpy as np

from mien.pipeline.rendered.drawing import fill, smooth_curve
from mien.pipeline.rendered.hair import HANGING, draw_hair_behind
from mien.pipeline.rendered.people import Person
from mien.pipeline.rendered.raster import Camera
from mien.pipeline.rendered.scene import Scene

_NECK = np.array([(-5.0, -3.0), (-4.9, -9.0), (-5.3, -12.5), (-7.2, -14.2), (-12.0, -15.6)])
_SHOULDERS = np.array(
    [(-5.6, -13.2), (-8.5, -14.4), (-13.0, -16.0), (-17.5, -18.6), (-20.0, -23.0), (-21.0, -34.0)]
)
_COLLAR = np.array([(-5.6, -13.2), (-3.4, -15.8), (0.0, -16.9)])
_CHIN_SHADOW = np.array([(-6.0, -3.0), (-6.0, -8.2), (-2.6, -10.4), (0.0, -11.2)])
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
    draw_hair_behind(canvas, person=person, glow=glow, turn=turn, camera=camera)
    body = _soften_turn(turn)
    _draw_neck(canvas, person=person, glow=glow, turn=body, camera=camera)
    _draw_mirrored(canvas, _SHOULDERS, person.clothes * glow, body, camera, -4.0, _COLLAR)
    if person.hair_style not in HANGING:
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


def _draw_neck(
    canvas: np.ndarray, *, person: Person, glow: float, turn: np.ndarray, camera: Camera
) -> None:
    slim = 0.93 + 0.07 * person.masculine
    neck, shadow = (np.zeros(canvas.shape[:2], np.float32) for _ in range(2))
    _draw_mirrored(neck, _NECK * (slim, 1), np.ones(1), turn, camera, -3.5)
    _draw_mirrored(shadow, _CHIN_SHADOW, np.ones(1), turn, camera, -3.5)
    box = np.array([(-7.5, -5.0, -3.5), (7.5, -17.0, -3.5)], np.float32)
    (left, top), (right, bottom) = np.clip(camera.project(box), 0, len(canvas)).astype(int)
    part = slice(top, bottom), slice(left, right)
    if not canvas[part].size:
        return
    dark = cv2.blur(shadow[part], (1 + int(camera.scale), 1 + int(1.8 * camera.scale)))
    tint = np.array([0.26, 0.28, 0.29], np.float32)
    tone = person.skin * (np.float32(0.82) - tint * dark[:, :, None]) * np.float32(glow)
    mixed = canvas[part] + (tone - canvas[part]) * neck[part][:, :, None]
    canvas[part] = np.clip(mixed, 0, 255)


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
