"""What differs between two pictures of one person: pose, light, camera, background."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_AMBIENT_TINT = np.array([1.05, 1.0, 0.96])


@dataclass(frozen=True, eq=False)
class Scene:
    """Everything about a picture but the face.

    Attributes
    ----------
    yaw, pitch, roll : float
        The head's turn in degrees: yaw to the picture's right, pitch up, roll clockwise in the
        picture.
    gaze : ndarray of float32, shape (3,)
        Direction of looking relative to the head.
    toward_light : ndarray of float32, shape (3,)
        From the face to the main light; x to the picture's right, y up, z to the viewer.
    light, ambient : ndarray of float32, shape (3,)
        Red, green and blue of the main light and of the light from everywhere.
    zoom : float
        Pixels of the picture's width a centimetre, times 100.
    offset : ndarray of float32, shape (2,)
        Where the head's origin lies from the picture's centre, in widths; x right, y down.
    backdrop : ndarray of float32, shape (2, 3)
        Colours of the background above and below.
    blur : float
        Standard deviation of the blur in pixels of a 256-pixel picture.
    grain : float
        Standard deviation of the noise in grey levels.
    contrast, brightness : float
        Final gain, and offset in grey levels.
    """

    yaw: float
    pitch: float
    roll: float
    gaze: np.ndarray
    toward_light: np.ndarray
    light: np.ndarray
    ambient: np.ndarray
    zoom: float
    offset: np.ndarray
    backdrop: np.ndarray
    blur: float
    grain: float
    contrast: float
    brightness: float


def sample_scene(rng: np.random.Generator, *, noise: float) -> Scene:
    """Draw a scene.

    Parameters
    ----------
    rng : numpy.random.Generator
        The picture's generator.
    noise : float
        Scale of pose, blur and grain, 1 by default.
    """
    yaw, pitch, roll = np.clip(rng.normal(size=3), -2.2, 2.2) * (8.5, 5.0, 4.0) * noise
    around, height = np.radians(rng.uniform(-60, 60)), np.radians(rng.uniform(5, 50))
    toward = (np.sin(around) * np.cos(height), np.sin(height), np.cos(around) * np.cos(height))
    warmth = rng.normal() * np.array([0.03, 0.0, -0.04])
    strength = rng.uniform(0.50, 0.72)
    looking = np.array([-0.5 * np.radians(yaw), -0.5 * np.radians(pitch), 1.0])
    looking[:2] += rng.normal(size=2) * (0.05, 0.025)
    tone = rng.uniform(70, 215) + rng.normal(size=3) * 8
    return Scene(
        yaw=float(yaw),
        pitch=float(pitch),
        roll=float(roll),
        gaze=_unit(looking),
        toward_light=_unit(np.array(toward)),
        light=((1 + warmth) * strength).astype(np.float32),
        ambient=((_AMBIENT_TINT - warmth) * (0.98 - 0.74 * strength)).astype(np.float32),
        zoom=float(rng.uniform(3.15, 3.6)),
        offset=(rng.normal(size=2) * 0.015 + (0, 0.045)).astype(np.float32),
        backdrop=np.stack([tone, tone * rng.uniform(0.7, 1.0)]).clip(20, 240).astype(np.float32),
        blur=float(rng.gamma(1.2, 0.28) * noise),
        grain=float(rng.uniform(1.0, 5.0) * noise),
        contrast=float(rng.uniform(0.92, 1.06)),
        brightness=float(rng.normal() * 5),
    )


def rotate_head(*, yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Rotation matrix of the head, to be used as ``points @ rotation.T``.

    Parameters
    ----------
    yaw, pitch, roll : float
        Degrees: to the picture's right, up, clockwise in the picture. The nod is applied first,
        then the turn, then the tilt.

    Returns
    -------
    ndarray of float32, shape (3, 3)
    """
    (cy, cp, cr), (sy, sp, sr) = (f(np.radians([yaw, pitch, roll])) for f in (np.cos, np.sin))
    turned = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    nodded = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    tilted = np.array([[cr, sr, 0], [-sr, cr, 0], [0, 0, 1]])
    return np.asarray(tilted @ turned @ nodded, dtype=np.float32)


def _unit(vector: np.ndarray) -> np.ndarray:
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)
