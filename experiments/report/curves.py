"""Learning curves as SVG pictures: a thin line a fold, a thick one for their mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from mien.experiments.report.axes import RIGHT, Plane, choose_ticks
from mien.experiments.report.contents import Picture

_SERIES = (("", "training", "train"), ("val_", "validation", "held"))


def draw_curves(folds: Sequence[Mapping[str, Any]]) -> tuple[Picture, ...]:
    """Draw loss and accuracy by epoch.

    Parameters
    ----------
    folds : sequence of mapping
        Folds as in the results schema. Those without ``curves`` are left out.

    Returns
    -------
    tuple of Picture
        One for loss and one for accuracy, as far as there are values.
    """
    curves = [fold["curves"] for fold in folds if fold.get("curves")]
    pictures = [_draw_quantity(curves, "loss"), _draw_quantity(curves, "accuracy")]
    return tuple(picture for picture in pictures if picture)


def stack_curves(curves: Sequence[Mapping[str, Any]], key: str) -> np.ndarray:
    """Stack one quantity of all folds; a fold that stopped early ends in NaN.

    Returns
    -------
    ndarray of float64, shape (n_folds, n_epochs)
        Folds without the quantity are left out.
    """
    series = [np.array(fold[key], dtype=np.float64) for fold in curves if fold.get(key)]
    stacked = np.full((len(series), max((len(line) for line in series), default=0)), np.nan)
    for i, line in enumerate(series):
        stacked[i, : len(line)] = line
    return stacked


def average_curves(stacked: np.ndarray) -> np.ndarray:
    """Average over the folds still training; NaN once fewer than half of them are.

    The mean of the few that go on longest would seem to jump where others stop.

    Parameters
    ----------
    stacked : ndarray, shape (n_folds, n_epochs)
        As :func:`stack_curves` makes it.

    Returns
    -------
    ndarray of float64, shape (n_epochs,)
    """
    known = np.isfinite(stacked)
    counts = known.sum(axis=0)
    sums = np.where(known, stacked, 0.0).sum(axis=0)
    return np.divide(
        sums, counts, out=np.full(len(counts), np.nan), where=2 * counts >= max(len(stacked), 1)
    )


def _draw_quantity(curves: Sequence[Mapping[str, Any]], quantity: str) -> Picture | None:
    stacks = {prefix: stack_curves(curves, prefix + quantity) for prefix, _, _ in _SERIES}
    values = np.concatenate([stack[np.isfinite(stack)] for stack in stacks.values()])
    if not len(values):
        return None
    # A fold that diverges must not flatten all others.
    highest = min(values.max(), 1.5 * np.quantile(values, 0.98)) if quantity == "loss" else 1.0
    lowest = 0.0 if quantity == "loss" else min(float(values.min()), 0.9)
    ticks = choose_ticks(lowest, float(highest))
    n_epochs = max(stack.shape[1] for stack in stacks.values())
    plane = Plane(1, max(n_epochs, 2), ticks)
    parts = plane.draw_frame(_mark_epochs(n_epochs), "epoch", percent=quantity == "accuracy")
    shown = [series for series in _SERIES if len(stacks[series[0]])]
    for prefix, _, kind in shown:
        parts.extend(_draw_lines(stacks[prefix], kind, plane))
    parts.extend(_draw_key([(name, kind) for _, name, kind in shown], plane))
    many = any(len(stack) > 1 for stack in stacks.values())
    lines = "thin: folds, thick: mean while half of them train" if many else "one fold"
    drawn = " and ".join(name for _, name, _ in shown)
    caption = f"{quantity.capitalize()} by epoch, {drawn} ({lines})"
    means = {name: average_curves(stacks[prefix]) for prefix, name, _ in shown}
    ends = [f"{name} ends at {mean[np.isfinite(mean)][-1]:.2f}" for name, mean in means.items()]
    alternative = f"{caption}: {'; '.join(ends)}."
    return Picture(svg=plane.wrap(parts, alternative), caption=caption, alternative=alternative)


def _mark_epochs(n_epochs: int) -> list[tuple[float, str]]:
    epochs = choose_ticks(1, max(n_epochs, 2)).astype(int)
    shown = sorted({1, *epochs[(epochs > 1) & (epochs <= n_epochs)].tolist()})
    return [(epoch, str(epoch)) for epoch in shown]


def _draw_key(names: Sequence[tuple[str, str]], plane: Plane) -> list[Markup]:
    """Say which line is which, at the right end of the axis title's line."""
    parts, x = [], plane.width - RIGHT - 105 * len(names)
    for i, (name, kind) in enumerate(names):
        parts.append(
            Markup(
                '<path class="mean {}" d="M{} {y}h24"/><text class="label" x="{}" y="{}">{}</text>'
            ).format(
                kind, x + 105 * i, x + 105 * i + 30, plane.height - 6, name, y=plane.height - 10
            )
        )
    return parts


def _draw_lines(stacked: np.ndarray, kind: str, plane: Plane) -> list[Markup]:
    if not len(stacked):
        return []
    epochs = np.arange(1, stacked.shape[1] + 1)
    folds = [plane.write_path(epochs, line) for line in stacked] if len(stacked) > 1 else []
    lines = [Markup('<path class="fold {}" d="{}"/>').format(kind, path) for path in folds]
    mean = plane.write_path(epochs, average_curves(stacked))
    return [*lines, Markup('<path class="mean {}" d="{}"/>').format(kind, mean)]
