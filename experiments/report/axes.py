"""The plane of a chart: ticks, grid, and lines on it, as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import ArrayLike

LEFT, RIGHT, TOP, BOTTOM = 50, 10, 14, 42
KEY_HEIGHT = 20


def choose_ticks(low: float, high: float, *, most: int = 6) -> np.ndarray:
    """Choose round values that span a range, in steps of 1, 2 or 5 times a power of ten."""
    span = max(high - low, 1e-9)
    power = 10.0 ** np.floor(np.log10(span / (most - 1)))
    step = next(s * power for s in (1, 2, 5, 10) if span / (s * power) <= most - 1)
    first, last = np.floor(low / step + 1e-9), np.ceil(high / step - 1e-9)
    return np.arange(first, last + 1) * step


@dataclass(frozen=True)
class Plane:
    """Where values of two axes lie in a picture.

    Attributes
    ----------
    left, right : float
        Values at the left and the right edge; the left one may be the larger.
    ticks : ndarray of float64
        Of the vertical axis, ascending; the first and the last are its ends.
    width, height : int
        Pixels, with the margins for labels.
    """

    left: float
    right: float
    ticks: np.ndarray
    width: int = 440
    height: int = 270

    def place_x(self, values: ArrayLike) -> np.ndarray:
        """Return horizontal places in pixels."""
        span = (self.right - self.left) or 1.0
        return LEFT + (self.width - LEFT - RIGHT) * (np.asarray(values) - self.left) / span

    def place_y(self, values: ArrayLike) -> np.ndarray:
        """Return vertical places in pixels; values above the last tick lie on it."""
        low, high = self.ticks[0], self.ticks[-1]
        shares = (np.minimum(values, high) - low) / (high - low)
        return TOP + (self.height - TOP - BOTTOM) * (1 - shares)

    def draw_frame(
        self, marks: Sequence[tuple[float, str]], title: str, *, percent: bool
    ) -> list[Markup]:
        """Draw the horizontal grid, the labels of both axes and the horizontal axis's title.

        Parameters
        ----------
        marks : sequence of (float, str)
            Value and label of each mark of the horizontal axis.
        title : str
            Of the horizontal axis; at its left end, so that a key has room beside it.
        percent : bool
            Whether the vertical axis shows shares in per cent.
        """
        parts = []
        for tick in self.ticks:
            y = float(self.place_y(tick))
            text = f"{100 * tick:.0f} %" if percent else f"{tick:.3g}"
            parts.append(
                Markup(
                    '<line class="grid" x1="{}" x2="{}" y1="{y}" y2="{y}"/>'
                    '<text class="label" x="{}" y="{}" text-anchor="end">{}</text>'
                ).format(LEFT, self.width - RIGHT, LEFT - 7, round(y + 4.5, 1), text, y=round(y, 1))
            )
        for value, text in marks:
            x = round(float(self.place_x(value)), 1)
            anchor = "end" if x > self.width - RIGHT - 12 else "middle"
            parts.append(
                Markup('<text class="label" x="{}" y="{}" text-anchor="{}">{}</text>').format(
                    x, self.height - BOTTOM + 18, anchor, text
                )
            )
        parts.append(
            Markup('<text class="axis" x="{}" y="{}">{}</text>').format(
                LEFT - 4, self.height - 6, title
            )
        )
        return parts

    def write_path(self, xs: ArrayLike, ys: ArrayLike) -> str:
        """Write the path of a line that breaks where values are missing."""
        commands, broken = [], True
        for x, y in zip(self.place_x(xs), self.place_y(ys), strict=True):
            if np.isfinite(y):
                commands.append(f"{'M' if broken else 'L'}{x:.1f} {y:.1f}")
            broken = not np.isfinite(y)
        if len(commands) == 1:
            commands.append("h0.1")
        return "".join(commands)

    def wrap(self, parts: Sequence[Markup], alternative: str, *, below: int = 0) -> Markup:
        """Put the parts into an SVG with so many pixels below the plane for a key."""
        return Markup(
            '<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img" '
            'viewBox="0 0 {} {}" font-size="13" aria-label="{}">{}</svg>'
        ).format(self.width, self.height + below, alternative, Markup("").join(parts))


def draw_key(names: Sequence[str], *, top: float) -> list[Markup]:
    """Draw a key below a chart, a line each, in the series' own colours."""
    return [
        Markup(
            '<path class="series s{} mean" d="M{} {y}h24"/>'
            '<text class="label" x="{}" y="{}">{}</text>'
        ).format(i % 8, LEFT, LEFT + 32, round(top + KEY_HEIGHT * i + 4.5, 1), name,
                 y=round(top + KEY_HEIGHT * i, 1))
        for i, name in enumerate(names)
    ]  # fmt: skip
