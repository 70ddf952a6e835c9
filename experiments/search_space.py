"""What a study draws of an SVM's parameters, and the grid it can go through."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product
from typing import TYPE_CHECKING, Any

from mien.experiments.candidates import Candidate
from mien.models.svm_pipeline import MIRRORS, SCALERS
from mien.models.weighted_families import WeightedFamily, family_names, format_families

if TYPE_CHECKING:
    import optuna

SPACE = 2
"""Raised whenever draws or their meaning change, so that studies are not mixed."""
_WEIGHT = "weight of "


def family_choices(families: tuple[str, ...]) -> list[str]:
    """Return the sets of families that a study tries: each alone, then everything together."""
    small = [name for name in ("geometry", "blendshapes") if name in families]
    choices = list(families)
    if len(small) == 2:
        choices.append("+".join(small))
    if len(families) > 2:
        choices.append("+".join(families))
    return choices


def suggest_svm(
    trial: optuna.Trial,
    candidate: Candidate,
    choices: list[str],
    components: list[int],
    fixed: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Draw one set of an SVM's parameters.

    Parameters
    ----------
    trial : optuna.Trial
    candidate : Candidate
    choices : list of str
        Sets of families, names joined by ``+``; each family after the first gets a weight.
    components : list of int
        Numbers of principal components; 0 is none.
    fixed : mapping, optional
        Parameters that are not drawn but have this value.

    Returns
    -------
    dict
        The drawn and the fixed parameters.
    """
    fixed = fixed or {}
    drawn: dict[str, Any] = {"centre": "none", **fixed}
    if "families" not in fixed:
        drawn["families"] = _suggest_families(trial, choices)
    for name, draw in _draws(candidate, components, fixed.get("solver", "libsvm")).items():
        if name not in fixed:
            drawn[name] = draw(trial)
    if candidate.kernel == "linear" and "gamma" not in fixed:
        drawn["gamma"] = 1.0
    return drawn


def _draws(
    candidate: Candidate, components: list[int], solver: str
) -> dict[str, Callable[[optuna.Trial], Any]]:
    """Return how each parameter but the families is drawn.

    C is the inverse of the least-squares solver's ridge: above 100 its single-precision matrix
    can lose its definiteness.
    """
    most = 1e2 if solver == "least-squares" else 1e3
    draws: dict[str, Callable[[optuna.Trial], Any]] = {
        "scaler": lambda trial: trial.suggest_categorical("scaler", list(SCALERS)),
        "pca": lambda trial: trial.suggest_categorical("pca", components),
        "mirror": lambda trial: trial.suggest_categorical("mirror", list(MIRRORS)),
        "C": lambda trial: trial.suggest_float("C", 1e-2, most, log=True),
        "class_weight": lambda trial: trial.suggest_categorical(
            "class_weight", ["none", "balanced"]
        ),
    }
    if candidate.kernel != "linear":
        draws["gamma"] = lambda trial: trial.suggest_float("gamma", 0.1, 10.0, log=True)
    if candidate.kernel == "poly":
        draws["degree"] = lambda trial: trial.suggest_int("degree", 2, 4)
        draws["coef0"] = lambda trial: trial.suggest_float("coef0", 0.0, 2.0)
    return draws


def _suggest_families(trial: optuna.Trial, choices: list[str]) -> str:
    first, *others = family_names(trial.suggest_categorical("families", choices))
    weighted = [
        WeightedFamily(name, trial.suggest_float(f"{_WEIGHT}{name}", 0.1, 10.0, log=True))
        for name in others
    ]
    return format_families([WeightedFamily(first), *weighted])


def svm_grid(
    candidate: Candidate,
    choices: list[str],
    components: list[int],
    fixed: Mapping[str, Any] | None = None,
) -> dict[str, list]:
    """Return the grid of ``--sampler grid``, over the names that :func:`suggest_svm` draws."""
    grid: dict[str, list] = {
        "families": choices,
        **{f"{_WEIGHT}{name}": [1.0] for choice in choices for name in family_names(choice)[1:]},
        "scaler": ["none", "zscore"],
        "pca": components[:1],
        "mirror": ["none"],
        "C": [0.1, 1.0, 10.0, 100.0],
        "class_weight": ["none"],
    }
    if candidate.kernel != "linear":
        grid["gamma"] = [0.5, 1.0, 2.0, 4.0]
    if candidate.kernel == "poly":
        grid["degree"] = [2, 3]
        grid["coef0"] = [1.0]
    fixed = fixed or {}
    weights = "families" in fixed
    return {
        name: values
        for name, values in grid.items()
        if name not in fixed and not (weights and name.startswith(_WEIGHT))
    }


def grid_size(grid: Mapping[str, list]) -> int:
    """Return the number of points of a grid."""
    return len(list(product(*grid.values())))
