"""Intervals in words, as marks in tables, and as a picture of all models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup

from mien.experiments.report.axes import choose_ticks
from mien.experiments.report.contents import Picture
from mien.experiments.report.numbers import NBSP, format_count, format_percent, format_points

_WIDTH, _STEP, _SIDE = 440, 44, 12


@dataclass(frozen=True)
class Estimate:
    """A share with the ends of its interval, where there is one."""

    title: str
    share: float
    low: float | None = None
    high: float | None = None

    @property
    def ends(self) -> list[float]:
        """All its known values."""
        return [value for value in (self.share, self.low, self.high) if value is not None]


def read_interval(model: Mapping[str, Any], metric: str = "accuracy") -> Mapping[str, float] | None:
    """Return a model's interval of a metric, with ``low`` and ``high``; None if there is none."""
    return (model.get("intervals") or {}).get(metric)


def format_interval(interval: Mapping[str, float] | None) -> str:
    """Say ``{"low": 0.713, "high": 0.742}`` as ``"71.3 to 74.2"``; none as an empty string."""
    if interval is None:
        return ""
    return f"{format_points(interval['low'])}{NBSP}to{NBSP}{format_points(interval['high'])}"


def add_interval(told: str, interval: Mapping[str, float] | None) -> str:
    """``"72.8 %"`` as ``"72.8 % (71.3 to 74.2)"``, where there is an interval."""
    return f"{told} ({format_interval(interval)})" if interval else told


def name_interval(protocol: Mapping[str, Any]) -> str:
    """``"95 % interval"``, of the level that was drawn."""
    level = (protocol.get("bootstrap") or {}).get("level", 0.95)
    return f"{100 * level:.3g}{NBSP}% interval"


def explain_intervals(protocol: Mapping[str, Any]) -> str:
    """Say in a sentence how intervals came about; nothing where that is not known."""
    drawn = protocol.get("bootstrap")
    if not drawn:
        return ""
    return (
        f"The {name_interval(protocol)} is by bootstrap: {format_count(drawn['draws'])} draws of "
        f"{format_count(drawn['units'])} {drawn['unit']}."
    )


def draw_forest(estimates: Sequence[Estimate], name: str) -> Picture:
    """Draw shares with their intervals below each other on one scale.

    Parameters
    ----------
    estimates : sequence of Estimate
        From top to bottom; the first one's share is drawn on as a thin line for comparison.
    name : str
        What the intervals are: ``"95 % interval"``.

    Returns
    -------
    Picture
    """
    values = [value for estimate in estimates for value in estimate.ends]
    ticks = choose_ticks(min(values), max(values), most=5)
    height = _STEP * len(estimates) + 30
    bottom = height - 24

    def place(share: float) -> float:
        inside = (share - ticks[0]) / (ticks[-1] - ticks[0])
        return round(float(_SIDE + 6 + (_WIDTH - 2 * _SIDE - 12) * inside), 1)

    parts = [
        Markup(
            '<line class="grid" x1="{x}" x2="{x}" y1="4" y2="{}"/>'
            '<text class="label" x="{x}" y="{}" text-anchor="middle">{:.3g} %</text>'
        ).format(bottom, height - 6, 100 * tick, x=place(tick))
        for tick in ticks
    ]
    parts.append(
        Markup('<line class="first" x1="{x}" x2="{x}" y1="4" y2="{}"/>').format(
            bottom, x=place(estimates[0].share)
        )
    )
    told = []
    for i, estimate in enumerate(estimates):
        text = format_percent(estimate.share)
        if estimate.low is not None and estimate.high is not None:
            text = add_interval(text, {"low": estimate.low, "high": estimate.high})
        told.append(f"{estimate.title} {text}")
        parts += [
            Markup(
                '<text class="label halo" x="{}" y="{y}">{}</text>'
                '<text class="label halo" x="{}" y="{y}" text-anchor="end">{}</text>'
            ).format(_SIDE, _cut(estimate.title), _WIDTH - _SIDE, text, y=_STEP * i + 18),
            _draw_interval(estimate, place, _STEP * i + 31),
        ]
    caption = f"Accuracy with its {name}"
    alternative = f"{caption}: {'; '.join(told)}."
    svg = Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" class="chart forest" role="img" '
        'viewBox="0 0 {} {}" font-size="13" aria-label="{}">{}</svg>'
    ).format(_WIDTH, height, alternative, Markup("").join(parts))
    return Picture(svg=svg, caption=caption, alternative=alternative)


def draw_mark(estimate: Estimate, *, low: float, high: float, width: int = 170) -> Markup:
    """Draw a share and its interval for a table's cell, on a scale from low to high."""
    span = max(high - low, 1e-9)

    def place(share: float) -> float:
        return round(float(9 + (width - 18) * np.clip((share - low) / span, 0, 1)), 1)

    return Markup(
        '<svg class="strip forest" viewBox="0 0 {w} 22" width="{w}" height="22" '
        'aria-hidden="true"><line class="grid" x1="5" x2="{}" y1="11" y2="11"/>{}</svg>'
    ).format(width - 5, _draw_interval(estimate, place, 11), w=width)


def _draw_interval(estimate: Estimate, place: Any, y: float) -> Markup:
    line = Markup("")
    if estimate.low is not None and estimate.high is not None:
        line = Markup('<path class="interval" d="M{a} {t}v8M{a} {y}H{b}M{b} {t}v8"/>').format(
            a=place(estimate.low), b=place(estimate.high), t=y - 4, y=y
        )
    return line + Markup('<circle class="dot" cx="{}" cy="{}" r="4"/>').format(
        place(estimate.share), y
    )


def _cut(title: str, most: int = 32) -> str:
    return title if len(title) <= most else f"{title[: most - 1].rstrip()}…"
