"""Do probabilities mean what they say? Confidence against accuracy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from mien.experiments.report.axes import Plane
from mien.experiments.report.contents import Picture, Row, Table
from mien.experiments.report.numbers import (
    DASH,
    count_noun,
    format_count,
    format_percent,
    format_points,
)

_TENTHS = np.linspace(0.0, 1.0, 6)


def draw_reliability(calibration: Mapping[str, Any] | None) -> Picture | None:
    """Draw the accuracy of each bin of confidence beside the diagonal, and the bins' sizes.

    Parameters
    ----------
    calibration : mapping or None
        ``calibration`` of a model of the results schema.

    Returns
    -------
    Picture or None
        None without bins that hold rows.
    """
    bins = _list_bins(calibration)
    if not calibration or not bins:
        return None
    plane = Plane(0.0, 1.0, _TENTHS, width=440, height=300)
    marks = [(float(share), f"{100 * share:.0f} %") for share in _TENTHS]
    title = "confidence: probability of the predicted class"
    parts = plane.draw_frame(marks, title, percent=True)
    parts += _draw_sizes(bins, plane)
    parts.append(Markup('<path class="diagonal" d="{}"/>').format(plane.write_path([0, 1], [0, 1])))
    xs = [own["confidence"] for own in bins]
    ys = [own["accuracy"] for own in bins]
    parts.append(Markup('<path class="series s0 mean" d="{}"/>').format(plane.write_path(xs, ys)))
    parts += [
        Markup('<circle class="dot" cx="{}" cy="{}" r="4"><title>{}</title></circle>').format(
            round(float(plane.place_x(own["confidence"])), 1),
            round(float(plane.place_y(own["accuracy"])), 1),
            f"{count_noun(own['rows'], 'picture')}: confidence "
            f"{format_percent(own['confidence'])}, right {format_percent(own['accuracy'])}",
        )
        for own in bins
    ]
    error = format_points(calibration["expected_error"])
    caption = (
        f"Share that is right by confidence; expected calibration error {error} points. "
        "On the diagonal, probabilities mean what they say; below it, the model is too sure. "
        "Grey bars: share of pictures."
    )
    return Picture(plane.wrap(parts, caption), caption, caption)


def build_bins_table(calibration: Mapping[str, Any] | None) -> Table | None:
    """Build the table of the same bins; None without them."""
    bins = _list_bins(calibration)
    if not bins:
        return None
    rows = tuple(
        Row(
            f"{format_points(own['low'])} to {format_points(own['high'])}",
            (
                format_count(own["rows"]),
                format_points(own["confidence"]),
                format_points(own["accuracy"]),
                f"{100 * (own['accuracy'] - own['confidence']):+.1f}" if own["rows"] else DASH,
            ),
        )
        for own in bins
    )
    columns = ("Confidence, %", "Pictures", "Mean confidence, %", "Right, %", "Difference, points")
    return Table("Confidence and accuracy", columns, rows)


def _list_bins(calibration: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    bins: Sequence[Mapping[str, Any]] = (calibration or {}).get("bins", [])
    known = [
        own for own in bins if own["rows"] and None not in (own["confidence"], own["accuracy"])
    ]
    return sorted(known, key=lambda own: own["low"])


def _draw_sizes(bins: Sequence[Mapping[str, Any]], plane: Plane) -> list[Markup]:
    """Draw each bin's share of all rows as a bar from below, of half the height at most."""
    total = max(own["rows"] for own in bins)
    bars = []
    for own in bins:
        left, right = plane.place_x([own["low"], own["high"]])
        top, bottom = plane.place_y([0.4 * own["rows"] / total, 0.0])
        bars.append(
            Markup('<rect class="size" x="{}" y="{}" width="{}" height="{}"/>').format(
                round(float(left) + 1, 1),
                round(float(top), 1),
                round(float(right - left) - 2, 1),
                round(float(bottom - top), 1),
            )
        )
    return bars
