"""All random choices of one picture, made before it is drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien.pipeline.labels import EXPRESSIONS
from mien.pipeline.rendered.expressions import sample_activations
from mien.pipeline.rendered.people import Person
from mien.pipeline.rendered.scene import Scene, sample_scene


@dataclass(frozen=True, eq=False)
class Plan:
    """What is drawn in one picture.

    Attributes
    ----------
    activations : ndarray of float32, shape (len(ACTION_UNITS), 2)
        Action units on the picture's left and right side.
    intensity : float
        Of the expression, 0.35 to 1; 0 for neutral.
    scene : Scene
        Pose, light, camera, background.
    grain_seed : int
        For the picture's noise.
    """

    activations: np.ndarray
    intensity: float
    scene: Scene
    grain_seed: int


def plan_picture(
    person: Person, expression: str, *, seed: int, take: int, noise: float = 1.0
) -> Plan:
    """Draw a picture's choices from the seed, independently of all other pictures.

    Parameters
    ----------
    person : Person
        Who.
    expression : str
        One of :data:`mien.pipeline.labels.EXPRESSIONS`.
    seed, take : int
        With the person's number and the expression they fix the plan.
    noise : float
        Scale of what varies between pictures of the same person and expression.
    """
    rng = np.random.default_rng([seed, person.number, EXPRESSIONS.index(expression) + 1, take])
    activations, intensity = sample_activations(
        expression, habits=person.habits, resting=person.resting, noise=noise, rng=rng
    )
    scene = sample_scene(rng, noise=noise)
    return Plan(activations, intensity, scene, int(rng.integers(2**32)))
