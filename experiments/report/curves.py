"""Learning curves as SVG pictures: a thin line a fold, a thick one for their mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from mien.experiments.report.contents import Picture

_WIDTH, _HEIGHT = 440, 270
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 10, 14, 42
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


def choose_ticks(low: float, high: float, *, most: int = 6) -> np.ndarray:
    """Choose round values that span a range, in steps of 1, 2 or 5 times a power of ten."""
    span = max(high - low, 1e-9)
    power = 10.0 ** np.floor(np.log10(span / (most - 1)))
    step = next(s * power for s in (1, 2, 5, 10) if span / (s * power) <= most - 1)
    first, last = np.floor(low / step + 1e-9), np.ceil(high / step - 1e-9)
    return np.arange(first, last + 1) * step


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
    parts = [*_draw_frame(ticks, n_epochs, percent=quantity == "accuracy")]
    shown = [series for series in _SERIES if len(stacks[series[0]])]
    for prefix, _, kind in shown:
        parts.extend(_draw_lines(stacks[prefix], kind, ticks, n_epochs))
    parts.extend(_draw_key([(name, kind) for _, name, kind in shown]))
    many = any(len(stack) > 1 for stack in stacks.values())
    lines = "thin: folds, thick: mean while half of them train" if many else "one fold"
    drawn = " and ".join(name for _, name, _ in shown)
    caption = f"{quantity.capitalize()} by epoch, {drawn} ({lines})"
    means = {name: average_curves(stacks[prefix]) for prefix, name, _ in shown}
    ends = [f"{name} ends at {mean[np.isfinite(mean)][-1]:.2f}" for name, mean in means.items()]
    alternative = f"{caption}: {'; '.join(ends)}."
    svg = Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" class="curves" role="img" '
        'viewBox="0 0 {} {}" font-size="13" aria-label="{}">{}</svg>'
    ).format(_WIDTH, _HEIGHT, alternative, Markup("").join(parts))
    return Picture(svg=svg, caption=caption, alternative=alternative)


def _draw_frame(ticks: np.ndarray, n_epochs: int, *, percent: bool) -> list[Markup]:
    parts = []
    for tick in ticks:
        y = float(_place_values(np.array([tick]), ticks)[0])
        text = f"{100 * tick:.0f} %" if percent else f"{tick:.3g}"
        parts.append(
            Markup(
                '<line class="grid" x1="{}" x2="{}" y1="{y}" y2="{y}"/>'
                '<text class="label" x="{}" y="{}" text-anchor="end">{}</text>'
            ).format(_LEFT, _WIDTH - _RIGHT, _LEFT - 7, round(y + 4.5, 1), text, y=round(y, 1))
        )
    epochs = choose_ticks(1, max(n_epochs, 2)).astype(int)
    for epoch in sorted({1, *epochs[(epochs > 1) & (epochs <= n_epochs)].tolist()}):
        x = float(_place_epochs(np.array([epoch]), n_epochs)[0])
        parts.append(
            Markup('<text class="label" x="{}" y="{}" text-anchor="middle">{}</text>').format(
                round(x, 1), _HEIGHT - _BOTTOM + 18, epoch
            )
        )
    parts.append(
        Markup('<text class="axis" x="{}" y="{}">epoch</text>').format(_LEFT - 4, _HEIGHT - 6)
    )
    return parts


def _draw_key(names: Sequence[tuple[str, str]]) -> list[Markup]:
    """Say which line is which, at the right end of the axis title's line."""
    parts, x = [], _WIDTH - _RIGHT - 105 * len(names)
    for i, (name, kind) in enumerate(names):
        parts.append(
            Markup(
                '<path class="mean {}" d="M{} {y}h24"/><text class="label" x="{}" y="{}">{}</text>'
            ).format(kind, x + 105 * i, x + 105 * i + 30, _HEIGHT - 6, name, y=_HEIGHT - 10)
        )
    return parts


def _draw_lines(stacked: np.ndarray, kind: str, ticks: np.ndarray, n_epochs: int) -> list[Markup]:
    if not len(stacked):
        return []
    folds = [_write_path(line, ticks, n_epochs) for line in stacked] if len(stacked) > 1 else []
    lines = [Markup('<path class="fold {}" d="{}"/>').format(kind, path) for path in folds]
    mean = _write_path(average_curves(stacked), ticks, n_epochs)
    return [*lines, Markup('<path class="mean {}" d="{}"/>').format(kind, mean)]


def _write_path(values: np.ndarray, ticks: np.ndarray, n_epochs: int) -> str:
    """Path of a line that breaks where values are missing."""
    xs = _place_epochs(np.arange(1, len(values) + 1), n_epochs)
    ys = _place_values(values, ticks)
    commands, broken = [], True
    for x, y in zip(xs, ys, strict=True):
        if np.isfinite(y):
            commands.append(f"{'M' if broken else 'L'}{x:.1f} {y:.1f}")
        broken = not np.isfinite(y)
    if len(commands) == 1:
        commands.append("h0.1")
    return "".join(commands)


def _place_epochs(epochs: np.ndarray, n_epochs: int) -> np.ndarray:
    width = _WIDTH - _LEFT - _RIGHT
    return _LEFT + width * (epochs - 1) / max(n_epochs - 1, 1)


def _place_values(values: np.ndarray, ticks: np.ndarray) -> np.ndarray:
    height = _HEIGHT - _TOP - _BOTTOM
    shares = (np.minimum(values, ticks[-1]) - ticks[0]) / (ticks[-1] - ticks[0])
    return _TOP + height * (1 - shares)
