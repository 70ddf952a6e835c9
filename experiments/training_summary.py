"""What the fits of a network say of their trainings: attempts with other seeds, divergence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mien.experiments.scores import compute_scores
from mien.experiments.summary import choose_split, pool_folds

Model = Mapping[str, Any]


def summarise_attempt(
    folds: Sequence[Mapping[str, Any]], *, seed: int, n_classes: int
) -> dict[str, Any]:
    """Return one of the results schema's ``attempts``.

    Parameters
    ----------
    folds : sequence of mapping
        All folds of the attempt, as in the results schema.
    seed : int
        That the networks were fitted with.
    n_classes : int

    Returns
    -------
    dict
        ``seed``; ``accuracy`` and ``f1_macro`` of all folds pooled, or of the split that decides;
        ``splits``, the same of each split that the dataset brings; ``epochs`` and ``stopped``, a
        value a fold.
    """
    names = dict.fromkeys(fold["split"] for fold in folds if fold.get("split"))
    trainings = [fold.get("training") or {} for fold in folds]
    return {
        "seed": seed,
        **_score(folds, choose_split(folds), n_classes),
        "splits": {name: _score(folds, name, n_classes) for name in names},
        "epochs": [training.get("epochs") for training in trainings],
        "stopped": [training.get("stopped") for training in trainings],
    }


def spread_attempts(attempts: Sequence[Mapping[str, Any]], metric: str) -> dict[str, float]:
    """Compute mean, sample standard deviation (0 of one), lowest and highest over attempts."""
    values = np.array([attempt[metric] for attempt in attempts], dtype=np.float64)
    return {
        "mean": float(values.mean()),
        "std": float(values.std(ddof=1)) if len(values) > 1 else 0.0,
        "lowest": float(values.min()),
        "highest": float(values.max()),
    }


def tell_attempts(model: Model) -> str:
    """Say how far the accuracies of a model's attempts lie apart.

    Of all folds pooled, or of the split that decides.
    """
    spread = spread_attempts(model["attempts"], "accuracy")
    return (
        f"{model['title']}: {len(model['attempts'])} attempts that differ by their seed, accuracy "
        f"{spread['mean']:.1%} ± {spread['std']:.1%} ({spread['lowest']:.1%} to "
        f"{spread['highest']:.1%}); the figures above are of the first."
    )


def tell_divergence(model: Model) -> str | None:
    """Say in how many fits a network's loss became infinite or not a number; None if in none."""
    folds = model.get("folds", [])
    stopped = [(fold.get("training") or {}).get("stopped") for fold in folds]
    others = [s for attempt in model.get("attempts", [])[1:] for s in attempt["stopped"]]
    told = []
    if diverged := [f["name"] for f, s in zip(folds, stopped, strict=True) if s == "diverged"]:
        told.append(f"in {len(diverged)} of {len(folds)} folds ({', '.join(diverged)})")
    if n_others := others.count("diverged"):
        told.append(f"in {n_others} of the {len(others)} fits of its other attempts")
    if not told:
        return None
    return (
        f"{model['title']}: the training diverged {' and '.join(told)}. It ended there, with the "
        "weights of the best epoch before; the figures are of these."
    )


def _score(
    folds: Sequence[Mapping[str, Any]], split: str | None, n_classes: int
) -> dict[str, float]:
    scores = compute_scores(*pool_folds(folds, split=split), n_classes)
    return {metric: scores[metric] for metric in ("accuracy", "f1_macro")}
