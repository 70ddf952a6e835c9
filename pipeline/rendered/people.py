"""Invented people: the shape and the colours of a face, drawn from a seed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mien.pipeline.rendered.action_units import ACTION_UNITS
from mien.pipeline.rendered.fields import Pull, split_sides
from mien.pipeline.rendered.mesh import FaceMesh
from mien.pipeline.rendered.points import (
    BROW_LOWER,
    BROW_UPPER,
    LOWER_LID,
    LOWER_LIP_OUTER,
    MOUTH_CORNER,
    NOSE_BRIDGE,
    NOSE_TIP,
    NOSE_WING,
    UPPER_LID,
    UPPER_LIP_OUTER,
)

SHAPE_PULLS: dict[str, tuple[Pull, ...]] = {
    "jaw_width": (
        Pull((58, 172, 136, 132), (-0.52, 0.0, 0.0), 2.0),
        Pull((150, 149), (-0.30, 0.0, 0.0), 1.2),
    ),
    "cheek_fullness": (Pull((147, 187, 213, 192, 207), (-0.20, 0.0, 0.35), 1.6),),
    "cheekbones": (Pull((123, 116, 117, 50), (-0.25, 0.05, 0.35), 1.2),),
    "temples": (Pull((127, 162, 21, 139), (-0.45, 0.0, 0.0), 1.6),),
    "chin_length": (Pull((152, 148, 175, 176, 171), (0.0, -0.55, 0.0), 1.8),),
    "chin_depth": (Pull((199, 175, 208, 200), (0.0, 0.0, 0.5), 1.2),),
    "forehead_height": (Pull((10, 109, 67, 103), (0.0, 0.55, 0.0), 1.8),),
    "nose_width": (Pull(NOSE_WING, (-0.26, 0.0, 0.0), 0.5),),
    "nose_length": (
        Pull((*NOSE_TIP, 97, 60, 20), (0.0, -0.40, 0.0), 0.8),
        Pull(NOSE_WING, (0.0, -0.32, 0.0), 0.5),
    ),
    "nose_depth": (Pull((1, 4, 5, 44, 45), (0.0, 0.0, 0.55), 0.8),),
    "nose_bridge": (Pull(NOSE_BRIDGE[:4], (0.0, 0.0, 0.35), 0.6),),
    "nose_tilt": (Pull((1, 4, 19, 44), (0.0, 0.28, 0.0), 0.5),),
    "brow_height": (Pull((*BROW_UPPER, *BROW_LOWER), (0.0, 0.36, 0.0), 0.6),),
    "brow_tilt": (
        Pull((70, 46, 63, 53), (0.0, 0.28, 0.0), 0.5),
        Pull((107, 55), (0.0, -0.18, 0.0), 0.4),
    ),
    "brow_ridge": (Pull((*BROW_LOWER, 9), (0.0, 0.0, 0.30), 0.7),),
    "mouth_width": (
        Pull(MOUTH_CORNER, (-0.34, 0.0, -0.10), 0.6),
        Pull((40, 91, 185, 146), (-0.20, 0.0, 0.0), 0.4),
    ),
    "mouth_height": (Pull((*UPPER_LIP_OUTER, *LOWER_LIP_OUTER), (0.0, 0.28, 0.0), 1.0),),
    "upper_lip": (Pull(UPPER_LIP_OUTER[1:], (0.0, 0.22, 0.08), 0.22),),
    "lower_lip": (Pull(LOWER_LIP_OUTER[1:], (0.0, -0.26, 0.08), 0.22),),
    "mouth_corners": (Pull(MOUTH_CORNER, (0.0, 0.14, 0.0), 0.4),),
}
"""Displacement of each shape trait at one standard deviation, on the picture's left."""

EYE_TRAITS = ("eye_spacing", "eye_size", "eye_opening", "eye_tilt")
FRAME_TRAITS = ("face_width", "face_height")
TRAITS: tuple[str, ...] = (*SHAPE_PULLS, *EYE_TRAITS, *FRAME_TRAITS)
"""Names of the shape coefficients."""

_MASCULINE = {
    "jaw_width": 0.8, "chin_length": 0.6, "brow_height": -0.6, "brow_ridge": 0.8, "nose_width": 0.4,
    "nose_depth": 0.4, "upper_lip": -0.5, "lower_lip": -0.4, "eye_size": -0.5, "cheekbones": -0.3,
    "face_width": 0.3, "face_height": 0.3, "brow_tilt": -0.4,
}  # fmt: skip
_SKINS = np.array(
    [(244, 206, 180), (236, 188, 154), (226, 176, 138), (198, 144, 104), (154, 104, 72),
     (108, 72, 50)]
)  # fmt: skip
_DARK_HAIRS = np.array([(28, 24, 24), (44, 32, 28), (66, 46, 36)])
_HAIRS = np.array([(96, 66, 44), (128, 84, 50), (150, 72, 40), (186, 146, 92), (142, 138, 134)])
_IRISES = np.array([(74, 48, 30), (104, 72, 40), (92, 106, 70), (84, 116, 144), (104, 112, 118)])
_CLOTHES = np.array(
    [(70, 96, 128), (128, 70, 72), (76, 112, 92), (96, 90, 112), (186, 170, 146), (58, 60, 68),
     (172, 120, 74), (196, 198, 200)]
)  # fmt: skip
_RESTS = np.array(
    [0.0 if unit in ("AU5", "AU10", "AU25", "AU26") else 1.0 for unit in ACTION_UNITS]
)
HAIR_STYLES = ("cropped", "short", "bob", "long", "bun", "curly")
FRINGES = ("none", "swept", "straight", "receding")


@dataclass(frozen=True, eq=False)
class Person:
    """What stays the same in every picture of one person.

    Colours are sRGB 0 … 255, shape (3,), float32.

    Attributes
    ----------
    seed, number : int
        What the person was drawn from.
    shape : ndarray of float32, shape (len(TRAITS),)
        Shape coefficients in standard deviations.
    habits, resting : ndarray of float32, shape (len(ACTION_UNITS), 2)
        Gain and relaxed activation of the action units, for the picture's left and right side.
    masculine : float
        From -1 to 1; shapes brows, lashes, hair and beard.
    age : float
        From 0 to 1; deepens the lines.
    skin, lips, hair, brows, iris, clothes : ndarray
        Colours.
    brow_thickness : float
        Share of the mesh's brow height that is painted.
    hair_style, fringe : str
        Of :data:`HAIR_STYLES` and :data:`FRINGES`.
    parting : float
        Where a swept fringe parts, -1 (picture's left) to 1.
    beard, freckles, blush : float
        From 0 to 1.
    """

    seed: int
    number: int
    shape: np.ndarray
    habits: np.ndarray
    resting: np.ndarray
    masculine: float
    age: float
    skin: np.ndarray
    lips: np.ndarray
    hair: np.ndarray
    brows: np.ndarray
    iris: np.ndarray
    clothes: np.ndarray
    brow_thickness: float
    hair_style: str
    fringe: str
    parting: float
    beard: float
    freckles: float
    blush: float


@lru_cache(maxsize=64)
def make_person(seed: int, number: int) -> Person:
    """Invent one person, the same for the same two numbers.

    Parameters
    ----------
    seed : int
        The dataset's seed.
    number : int
        The person's number in the dataset, from 0.
    """
    rng = np.random.default_rng([seed, number])
    masculine = float(np.clip(rng.choice([-0.7, 0.7]) + 0.3 * rng.normal(), -1, 1))
    age = float(rng.beta(1.6, 2.2))
    tilt = np.array([_MASCULINE.get(trait, 0.0) for trait in TRAITS])
    shape = np.clip(rng.normal(size=len(TRAITS)), -2, 2) * 0.85 + masculine * tilt
    units = len(ACTION_UNITS)
    habits = np.exp(0.20 * rng.normal(size=(units, 1)) + 0.10 * rng.normal(size=(units, 2)))
    resting = 0.07 * np.abs(rng.normal(size=units)) * (rng.uniform(size=units) < 0.4) * _RESTS
    skin, darkness = _pick_skin(rng)
    hair = _pick_hair(rng, darkness=darkness, age=age)
    style, fringe = _pick_hair_style(rng, masculine=masculine, age=age)
    bearded = masculine > 0 and rng.uniform() < 0.5
    return Person(
        seed=seed,
        number=number,
        shape=shape.astype(np.float32),
        habits=habits.astype(np.float32),
        resting=np.repeat(resting[:, None], 2, axis=1).astype(np.float32),
        masculine=masculine,
        age=age,
        skin=skin,
        lips=_pick_lips(rng, skin=skin, masculine=masculine),
        hair=hair,
        brows=hair * 0.72 + skin * 0.06,
        iris=_jitter(rng, _IRISES[int(rng.integers(2 if darkness > 0.5 else 5))], 8),
        clothes=_jitter(rng, _CLOTHES[int(rng.integers(len(_CLOTHES)))], 10),
        brow_thickness=float(np.clip(0.84 + 0.16 * masculine + 0.14 * rng.normal(), 0.4, 1.1)),
        hair_style=style,
        fringe=fringe,
        parting=float(rng.uniform(-0.7, 0.7)),
        beard=float(rng.uniform(0.15, 1.0)) if bearded else 0.0,
        freckles=float(max(0.0, rng.uniform(-1.5, 1.0))) * (1 - darkness),
        blush=float(rng.uniform(0.2, 0.9)),
    )


@lru_cache(maxsize=2)
def build_traits(mesh: FaceMesh) -> np.ndarray:
    """Build the displacement basis of the shape traits.

    Parameters
    ----------
    mesh : FaceMesh
        The canonical mesh.

    Returns
    -------
    ndarray of float32, shape (len(TRAITS), 468, 3)
        Displacements in cm at one standard deviation.
    """
    fields = [split_sides(mesh, pulls).sum(axis=0) for pulls in SHAPE_PULLS.values()]
    frame = [mesh.vertices * (0.035, 0, 0), mesh.vertices * (0, 0.035, 0)]
    return np.stack([*fields, *_build_eye_traits(mesh), *frame]).astype(np.float32)


def _build_eye_traits(mesh: FaceMesh) -> list[np.ndarray]:
    ring = [*UPPER_LID, *LOWER_LID[1:-1]]
    center = mesh.vertices[ring].mean(axis=0)
    left = np.where(mesh.vertices[:, :1] < 0, mesh.vertices, mesh.vertices[mesh.mirrored])
    left = left * np.where(mesh.vertices[:, :1] < 0, 1, [[-1, 1, 1]])
    offset = left - center
    bell = np.exp(-0.5 * (np.hypot(offset[:, :1] / 1.7, offset[:, 1:2] / 1.1)) ** 2)
    zero = np.zeros_like(bell)
    moves = (
        np.hstack([-0.16 + zero, zero, zero]),
        np.hstack([0.09 * offset[:, :1], 0.09 * offset[:, 1:2], zero]),
        np.hstack([zero, 0.16 * offset[:, 1:2], zero]),
        np.hstack([zero, -0.07 * offset[:, :1], zero]),
    )
    side = np.where(mesh.vertices[:, :1] < 0, 1, [[-1, 1, 1]])
    return [move * bell * side for move in moves]


def _pick_skin(rng: np.random.Generator) -> tuple[np.ndarray, float]:
    darkness = float(rng.beta(1.0, 1.5))
    place = darkness * (len(_SKINS) - 1)
    skin = [np.interp(place, np.arange(len(_SKINS)), _SKINS[:, channel]) for channel in range(3)]
    return _jitter(rng, np.array(skin), 5), darkness


def _pick_hair(rng: np.random.Generator, *, darkness: float, age: float) -> np.ndarray:
    dark = darkness > 0.45 or rng.uniform() < 0.4
    choices = _DARK_HAIRS if dark else _HAIRS[:4]
    hair = _jitter(rng, choices[int(rng.integers(len(choices)))], 6)
    grey = np.clip((age - 0.62) * 2.5, 0, 0.9) * rng.uniform()
    return (hair * (1 - grey) + 168 * grey).astype(np.float32)


def _pick_lips(rng: np.random.Generator, *, skin: np.ndarray, masculine: float) -> np.ndarray:
    red = np.array([172, 62, 66], np.float32)
    share = np.clip(0.34 - 0.12 * masculine + 0.08 * rng.normal(), 0.16, 0.6)
    return (skin * np.array([0.94, 0.80, 0.80]) * (1 - share) + red * share).astype(np.float32)


def _pick_hair_style(rng: np.random.Generator, *, masculine: float, age: float) -> tuple[str, str]:
    weights = (
        (0.3, 0.5, 0.02, 0.05, 0.0, 0.13) if masculine > 0 else (0.0, 0.1, 0.27, 0.38, 0.15, 0.1)
    )
    style = str(rng.choice(HAIR_STYLES, p=weights))
    if masculine > 0:
        fringe = "receding" if age > 0.45 and rng.uniform() < 0.6 else str(rng.choice(FRINGES[:2]))
    else:
        fringe = str(rng.choice(FRINGES[:3], p=(0.35, 0.4, 0.25)))
    return style, fringe


def _jitter(rng: np.random.Generator, colour: np.ndarray, spread: float) -> np.ndarray:
    change = spread * (rng.normal() + 0.25 * rng.normal(size=3))
    return np.clip(colour + change, 12, 250).astype(np.float32)
