"""What a study draws of a network's parameters, and the grid it can go through."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mien.experiments.candidates import Candidate
from mien.models.cnn.augmentation import AUGMENTATIONS

if TYPE_CHECKING:
    import optuna

CNN_SPACE = 2
"""Raised whenever draws or their meaning change, so that studies are not mixed."""
_STRENGTH = "augmentation"
_DECAYED = "decayed"
_GRID_DECAY = 0.05


def augment(strength: float) -> dict[str, float]:
    """Return the parameters of an augmentation of this strength.

    Parameters
    ----------
    strength : float
        From 0 (none) to 2; 1 is that of the preset ``modern``.

    Returns
    -------
    dict of str to float
        ``shift`` is 4 pixels times the strength, ``rotation`` 12 degrees, ``zoom`` 0.1 and
        ``erasing`` 0.25; ``flip`` is 0.5 whenever there is any.
    """
    return {
        "shift": round(4 * strength, 6),
        "rotation": round(12 * strength, 6),
        "zoom": round(0.1 * strength, 6),
        "erasing": round(0.25 * strength, 6),
        "flip": 0.5 if strength > 0 else 0.0,
    }


def suggest_cnn(
    trial: optuna.Trial, candidate: Candidate, fixed: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Draw one set of a network's parameters.

    Parameters
    ----------
    trial : optuna.Trial
    candidate : Candidate
        Its defaults are the values of what is neither drawn nor fixed.
    fixed : mapping, optional
        Parameters that are not drawn but have this value. Any of
        :data:`~mien.models.cnn.augmentation.AUGMENTATIONS` fixes them
        all, as one strength sets them together.

    Returns
    -------
    dict
        Complete parameters of the candidate.
    """
    fixed = fixed or {}
    drawn: dict[str, Any] = {}
    for name, draw in _DRAWS.items():
        if name not in fixed:
            drawn[name] = draw(trial)
    if not _fixes_augmentation(fixed):
        drawn |= augment(trial.suggest_float(_STRENGTH, 0.0, 2.0, step=0.1))
    return candidate.parameters({**drawn, **fixed})


def _suggest_decay(trial: optuna.Trial) -> float:
    if not trial.suggest_categorical(_DECAYED, [False, True]):
        return 0.0
    return trial.suggest_float("weight_decay", 1e-3, 0.3, log=True)


_DRAWS: dict[str, Callable[[optuna.Trial], float]] = {
    "learning_rate": lambda trial: trial.suggest_float("learning_rate", 1e-4, 3e-2, log=True),
    "dropout": lambda trial: trial.suggest_float("dropout", 0.0, 0.5),
    "dense_dropout": lambda trial: trial.suggest_float("dense_dropout", 0.0, 0.7),
    "width": lambda trial: trial.suggest_float("width", 0.5, 1.5, step=0.125),
    "label_smoothing": lambda trial: trial.suggest_float("label_smoothing", 0.0, 0.2),
    "weight_decay": _suggest_decay,
}


def cnn_grid(candidate: Candidate, fixed: Mapping[str, Any] | None = None) -> dict[str, list]:
    """Return the grid of ``--sampler grid``, over the names that :func:`suggest_cnn` draws."""
    fixed = fixed or {}
    decay = candidate.defaults["weight_decay"]
    grid: dict[str, list] = {
        "learning_rate": [3e-4, 1e-3, 3e-3, 1e-2],
        "dropout": [candidate.defaults["dropout"]],
        "dense_dropout": [candidate.defaults["dense_dropout"]],
        "width": [1.0],
        "label_smoothing": [0.0, 0.1],
        _STRENGTH: [0.0, 1.0, 2.0],
        _DECAYED: [decay > 0],
        "weight_decay": [decay or _GRID_DECAY],
    }
    left_out = set(fixed)
    if _fixes_augmentation(fixed):
        left_out.add(_STRENGTH)
    if "weight_decay" in fixed:
        left_out.add(_DECAYED)
    return {name: values for name, values in grid.items() if name not in left_out}


def _fixes_augmentation(fixed: Mapping[str, Any]) -> bool:
    return not fixed.keys().isdisjoint(AUGMENTATIONS)
