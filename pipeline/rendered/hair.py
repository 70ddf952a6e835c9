"""Hair that hangs or is tied up: painted behind the head and at its sides."""

from __future__ import annotations

import numpy as np

from mien.pipeline.rendered.drawing import fill, smooth_curve, stroke
from mien.pipeline.rendered.people import Person
from mien.pipeline.rendered.raster import Camera

HANGING = ("bob", "long")
"""Hair styles that cover the ears."""

_BEHIND = {
    "bob": np.array([(-4.6, 9.6), (-8.8, 4.5), (-9.9, -3.0), (-9.4, -7.6), (-8.6, -9.4)]),
    "long": np.array([(-4.6, 9.6), (-8.8, 4.5), (-10.0, -6.0), (-10.6, -13.0), (-10.2, -20.0)]),
}
_LOCKS = {
    "bob": np.array(
        [
            (-5.9, 7.6, 0.3),
            (-7.8, 3.4, 0.7),
            (-8.5, -2.0, 0.4),
            (-8.6, -6.0, 0.8),
            (-8.0, -8.8, 1.2),
        ]
    ),
    "long": np.array(
        [
            (-5.9, 7.6, 0.3),
            (-7.8, 3.4, 0.7),
            (-8.3, -3.0, 0.4),
            (-8.5, -9.0, 1.0),
            (-8.8, -18.0, 1.4),
        ]
    ),
}
_LOCK_WIDTHS = {
    "bob": np.array([0.5, 1.9, 2.6, 2.8, 1.6]),
    "long": np.array([0.5, 1.9, 2.3, 3.0, 3.4]),
}


def draw_hair_behind(
    canvas: np.ndarray, *, person: Person, glow: float, turn: np.ndarray, camera: Camera
) -> None:
    """Draw hanging hair or a bun behind the head, in place.

    Parameters
    ----------
    canvas : ndarray of uint8, shape (height, width, 3)
        The backdrop.
    person : Person
        For colour and style.
    glow : float
        Brightness, 1 is full.
    turn : ndarray of float32, shape (3, 3)
        The head's rotation.
    camera : Camera
        Projection to the canvas.
    """
    if person.hair_style == "bun":
        around = np.linspace(0, np.pi, 15)
        left = np.stack([-2.9 * np.sin(around), 12.7 + 2.5 * np.cos(around)], axis=1)
        _draw_mass(canvas, left, -5.0, person, 0.80 * glow, turn, camera)
    if person.hair_style in HANGING:
        left = smooth_curve(_BEHIND[person.hair_style], steps=3)
        _draw_mass(canvas, left, -4.0, person, 0.58 * glow, turn, camera)


def draw_locks(
    canvas: np.ndarray, *, person: Person, glow: float, turn: np.ndarray, camera: Camera
) -> None:
    """Draw hanging hair over the sides of the face, in place; see :func:`draw_hair_behind`."""
    if person.hair_style not in HANGING:
        return
    outer = smooth_curve(_LOCKS[person.hair_style], steps=4)
    widths = np.interp(np.linspace(0, 4, len(outer)), np.arange(5), _LOCK_WIDTHS[person.hair_style])
    for mirror in (1, -1):
        spread = np.linspace(-0.75, 0.25, 9)
        lines = outer + spread[:, None, None] * widths[:, None] * np.array([1.0, 0, 0])
        lines = lines * (mirror, 1, 1)
        _draw_strands(canvas, lines, person, 0.84 * glow, turn, camera)


def _draw_mass(
    canvas: np.ndarray,
    left: np.ndarray,
    depth: float,
    person: Person,
    glow: float,
    turn: np.ndarray,
    camera: Camera,
) -> None:
    spread = np.linspace(-1, 1, 25)[:, None]
    lines = np.stack(
        [spread * -left[:, 0], np.tile(left[:, 1], (25, 1)), np.full((25, len(left)), depth)],
        axis=2,
    )
    _draw_strands(canvas, lines, person, glow, turn, camera)


def _draw_strands(
    canvas: np.ndarray,
    lines: np.ndarray,
    person: Person,
    glow: float,
    turn: np.ndarray,
    camera: Camera,
) -> None:
    """Fill between the outermost lines, shape (n, points, 3), and draw a strand along each."""
    places = camera.project(lines.astype(np.float32) @ turn.T)
    fill(canvas, np.concatenate([places[0], places[-1][::-1]]), tuple(person.hair * glow))
    rng = np.random.default_rng([person.seed, person.number, 12])
    for place in places[1:-1]:
        tone = np.clip(glow * (1 + 0.16 * rng.normal()), 0, 1.4)
        width = rng.uniform(0.15, 0.5) * camera.scale
        stroke(canvas, place, tuple(np.clip(person.hair * tone, 0, 255)), width)
