"""Accuracy where a model may abstain: on the share of rows that it is surest of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from markupsafe import Markup

from mien.experiments.report.axes import KEY_HEIGHT, Plane, choose_ticks, draw_key
from mien.experiments.report.contents import Picture, Row, Table
from mien.experiments.report.numbers import DASH, format_percent, format_points

_SHOWN = (1.0, 0.9, 0.8, 0.7, 0.5, 0.25)

Models = Mapping[str, Mapping[str, Any]]


def draw_coverage(models: Models) -> Picture | None:
    """Draw the accuracy of every model against the share of rows that it answers.

    Parameters
    ----------
    models : mapping
        Models of the results schema that did not fail, the best first.

    Returns
    -------
    Picture or None
        None where no model ranks its answers.
    """
    curves = _read_curves(models)
    if not curves:
        return None
    lowest = min(float(accuracies.min()) for _, accuracies in curves.values())
    plane = Plane(1.0, 0.0, choose_ticks(min(lowest, 0.9), 1.0))
    marks = [(share, f"{100 * share:.0f} %") for share in (1.0, 0.8, 0.6, 0.4, 0.2, 0.0)]
    parts = plane.draw_frame(marks, "share of pictures that is answered", percent=True)
    for i, (coverage, accuracies) in enumerate(curves.values()):
        parts.append(
            Markup('<path class="series s{} mean" d="{}"/>').format(
                i % 8, plane.write_path(coverage, accuracies)
            )
        )
    parts += draw_key([*curves], top=plane.height + 8)
    caption = "Accuracy when the model may abstain from the pictures that it is least sure of"
    told = [
        f"{title} {format_percent(float(own[1][np.argmin(abs(own[0] - 0.5))]))} on its surest half"
        for title, own in curves.items()
    ]
    alternative = f"{caption}: {'; '.join(told)}."
    below = KEY_HEIGHT * len(curves) + 4
    return Picture(plane.wrap(parts, alternative, below=below), caption, alternative)


def build_coverage_table(models: Models) -> Table | None:
    """Build the table of the same accuracies at a few shares; None where there are none."""
    curves = _read_curves(models)
    if not curves:
        return None
    rows = tuple(
        Row(title, tuple(_read_at(share, *curve) for share in _SHOWN))
        for title, curve in curves.items()
    )
    columns = ("Model", *(f"{100 * share:.0f} % answered" for share in _SHOWN))
    return Table("Accuracy in per cent on the pictures that are answered", columns, rows)


def _read_curves(models: Models) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Coverage, falling, and accuracy by title."""
    curves = {}
    for model in models.values():
        points = (model.get("ranking") or {}).get("coverage")
        if points:
            pairs = sorted(((p["coverage"], p["accuracy"]) for p in points), reverse=True)
            coverage, accuracies = np.array(pairs, dtype=np.float64).T
            curves[model["title"]] = coverage, accuracies
    return curves


def _read_at(share: float, coverage: np.ndarray, accuracies: np.ndarray) -> str:
    nearest = int(np.argmin(abs(coverage - share)))
    return format_points(accuracies[nearest]) if abs(coverage[nearest] - share) < 0.01 else DASH
