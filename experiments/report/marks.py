"""Small pictures that stand in the cells of a table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup


def draw_bar(share: float, *, width: int = 160) -> Markup:
    """Draw a bar whose length is a share of the longest one, 0 to 1."""
    return Markup(
        '<svg class="bar" viewBox="0 0 {w} 12" width="{w}" height="12" aria-hidden="true">'
        '<rect x="0" y="1" width="{}" height="10" rx="1"/></svg>'
    ).format(round(width * share, 1), w=width)


def draw_strip(
    values: Sequence[float], *, low: float, high: float, mean: float, width: int = 170
) -> Markup:
    """Draw a dot for each fold's score and a line at their mean, on a scale from low to high."""
    span = max(high - low, 1e-9)
    xs = 5 + (width - 10) * (np.asarray(values, dtype=np.float64) - low) / span
    dots = Markup("").join(
        Markup('<circle cx="{}" cy="11" r="3.2"/>').format(round(float(x), 1)) for x in xs
    )
    middle = round(5 + (width - 10) * (mean - low) / span, 1)
    return Markup(
        '<svg class="strip" viewBox="0 0 {w} 22" width="{w}" height="22" aria-hidden="true">'
        '<line class="grid" x1="5" x2="{}" y1="11" y2="11"/>{}'
        '<line class="mean" x1="{m}" x2="{m}" y1="2" y2="20"/></svg>'
    ).format(width - 5, dots, w=width, m=middle)
