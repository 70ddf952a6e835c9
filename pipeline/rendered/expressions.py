"""Which action units make an expression, and how a person's face varies them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien.pipeline.rendered.action_units import ACTION_UNITS


@dataclass(frozen=True)
class Part:
    """One action unit of an expression.

    Attributes
    ----------
    strength : float
        Mean activation at intensity 1.
    share : float
        How often the unit takes part at all, 0 to 1.
    one_sided : bool
        Whether only one side of the face moves.
    """

    strength: float
    share: float = 1.0
    one_sided: bool = False


PROTOTYPES: dict[str, dict[str, Part]] = {
    "angry": {
        "AU4": Part(1.2),
        "AU5": Part(0.5, 0.6),
        "AU7": Part(0.9),
        "AU23": Part(1.1, 0.85),
        "AU17": Part(0.4, 0.4),
        "AU25": Part(0.5, 0.2),
        "AU10": Part(0.4, 0.15),
    },
    "disgust": {
        "AU9": Part(1.25, 0.95),
        "AU10": Part(1.05, 0.95),
        "AU17": Part(0.6, 0.7),
        "AU4": Part(0.4, 0.4),
        "AU7": Part(0.5, 0.5),
        "AU25": Part(0.5, 0.3),
    },
    "fear": {
        "AU1": Part(1.1),
        "AU2": Part(0.7, 0.8),
        "AU4": Part(0.7, 0.85),
        "AU5": Part(1.1),
        "AU20": Part(1.15, 0.95),
        "AU25": Part(0.8, 0.85),
        "AU26": Part(0.2, 0.4),
    },
    "happy": {
        "AU6": Part(0.85, 0.9),
        "AU12": Part(1.1),
        "AU25": Part(0.8, 0.65),
        "AU26": Part(0.25, 0.25),
    },
    "sad": {
        "AU1": Part(1.1, 0.95),
        "AU4": Part(0.7, 0.8),
        "AU15": Part(1.15),
        "AU17": Part(0.6, 0.6),
        "AU43": Part(0.35, 0.5),
    },
    "surprise": {
        "AU1": Part(1.05),
        "AU2": Part(1.15),
        "AU5": Part(0.8, 0.85),
        "AU25": Part(0.4),
        "AU26": Part(1.15, 0.95),
    },
    "neutral": {},
    "contempt": {
        "AU12": Part(1.0, one_sided=True),
        "AU14": Part(1.1, one_sided=True),
        "AU7": Part(0.2, 0.3),
    },
}
"""Mixes after EMFACS (Friesen & Ekman 1983); shares and strengths are ours."""

INTENSITY_RANGE = (0.35, 1.0)

STRAY = np.array([0.03 if unit in ("AU25", "AU26", "AU10") else 0.05 for unit in ACTION_UNITS])
"""Activation that comes up for no reason, by action unit."""


def sample_activations(
    expression: str,
    *,
    habits: np.ndarray,
    resting: np.ndarray,
    noise: float,
    rng: np.random.Generator,
) -> tuple[np.ndarray, float]:
    """Draw one picture's action units.

    Parameters
    ----------
    expression : str
        A key of :data:`PROTOTYPES`.
    habits : ndarray, shape (len(ACTION_UNITS), 2)
        The person's gain of each unit on the picture's left and right side.
    resting : ndarray, shape (len(ACTION_UNITS), 2)
        The person's activations with a relaxed face.
    noise : float
        Scale of what varies from picture to picture, 1 by default.
    rng : numpy.random.Generator
        The picture's generator.

    Returns
    -------
    activations : ndarray of float32, shape (len(ACTION_UNITS), 2)
        From 0 to 1.6.
    intensity : float
        From 0.35 to 1, strong ones more often; 0 for a neutral face.
    """
    parts = PROTOTYPES[expression]
    low, high = INTENSITY_RANGE
    intensity = float(low + (high - low) * rng.uniform() ** 0.4)
    side = int(rng.integers(2))
    activations = np.zeros((len(ACTION_UNITS), 2))
    for row, unit in enumerate(ACTION_UNITS):
        taken, varied = rng.uniform(), np.exp(0.20 * noise * rng.normal())
        if unit in parts and taken < parts[unit].share:
            activations[row] = parts[unit].strength * intensity * varied
            if parts[unit].one_sided:
                activations[row, 1 - side] *= 0.12
    stray = STRAY * noise * np.abs(rng.normal(size=len(ACTION_UNITS)))
    stray *= rng.uniform(size=len(ACTION_UNITS)) < 0.35
    activations = activations * habits + resting + stray[:, None]
    activations = np.clip(activations, 0, 1.6).astype(np.float32)
    return activations, intensity if parts else 0.0
