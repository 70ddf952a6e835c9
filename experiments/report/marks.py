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
    """Draw folds' scores as dots and their mean as a line, on a scale from low to high.

    Equal scores make one larger dot, whose area is their number.
    """
    span = max(high - low, 1e-9)
    places = 9 + (width - 18) * (np.asarray(values, dtype=np.float64) - low) / span
    xs, counts = np.unique(places.round(1), return_counts=True)
    radii = np.maximum(1.2, 3.0 * np.sqrt(counts * min(1.0, 7.0 / counts.max())))
    dots = Markup("").join(
        Markup('<circle cx="{}" cy="11" r="{}"/>').format(float(x), round(float(radius), 1))
        for x, radius in zip(xs, radii, strict=True)
    )
    middle = round(9 + (width - 18) * (mean - low) / span, 1)
    return Markup(
        '<svg class="strip" viewBox="0 0 {w} 22" width="{w}" height="22" aria-hidden="true">'
        '<line class="grid" x1="5" x2="{}" y1="11" y2="11"/>{}'
        '<line class="mean" x1="{m}" x2="{m}" y1="2" y2="20"/></svg>'
    ).format(width - 5, dots, w=width, m=middle)
