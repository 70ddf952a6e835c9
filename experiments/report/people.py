"""How a model does on each person, and on groups of people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from mien.experiments.report.contents import PersonSpread, Picture, Row, Table
from mien.experiments.report.intervals import Estimate, draw_mark, format_interval
from mien.experiments.report.numbers import (
    DASH,
    count_noun,
    format_count,
    format_percent,
    format_points,
)

_WIDTH = 440


def build_person_spread(persons: Mapping[str, Any] | None) -> PersonSpread | None:
    """Say how accuracy differs from person to person; None where persons are unknown."""
    if not persons or not persons["persons"]:
        return None
    own = persons["accuracy"]
    sentence = (
        f"{count_noun(persons['persons'], 'person')}: the middle half of them between "
        f"{format_percent(own['q1'])} and {format_percent(own['q3'])}, median "
        f"{format_percent(own['median'])}; lowest {format_percent(own['min'])}, highest "
        f"{format_percent(own['max'])}."
    )
    worst = tuple(
        Row(person["person"], (format_count(person["rows"]), format_points(person["accuracy"])))
        for person in persons.get("worst") or ()
    )
    columns = ("Person", "Pictures", "Accuracy, %")
    return PersonSpread(
        sentence=sentence,
        picture=_draw_box(own, sentence),
        worst=Table("Persons with the lowest accuracy", columns, worst) if worst else None,
    )


def build_groups(model: Mapping[str, Any]) -> tuple[Table, ...]:
    """Build a table for each attribute of the persons that the dataset tells."""
    return tuple(
        _build_group(group) for group in model.get("groups") or () if len(group["values"]) > 0
    )


def _build_group(group: Mapping[str, Any]) -> Table:
    estimates = [
        Estimate(v["value"], v["accuracy"], v.get("low"), v.get("high")) for v in group["values"]
    ]
    ends = [end for estimate in estimates for end in estimate.ends]
    low, high = min(ends), max(ends)
    rows = tuple(
        Row(
            value["value"] or "unknown",
            (
                DASH if value.get("persons") is None else format_count(value["persons"]),
                format_count(value["rows"]),
                format_points(value["accuracy"]),
                DASH
                if value.get("low") is None or value.get("high") is None
                else format_interval(value),
            ),
            picture=draw_mark(estimate, low=low, high=high),
        )
        for value, estimate in zip(group["values"], estimates, strict=True)
    )
    name = group["column"].capitalize()
    return Table(
        f"Accuracy by {group['column']}",
        (name, "Persons", "Pictures", "Accuracy, %", "95 % interval, %"),
        rows,
        picture_column=f"{format_points(low)} to {format_percent(high)}",
    )


def _draw_box(own: Mapping[str, float], sentence: str) -> Picture:
    """Draw a box from quartile to quartile with its median, and whiskers to both ends."""

    def place(share: float) -> float:
        return round(20 + (_WIDTH - 44) * share, 1)

    parts = [
        Markup(
            '<line class="grid" x1="{x}" x2="{x}" y1="4" y2="40"/>'
            '<text class="label" x="{x}" y="58" text-anchor="middle">{} %</text>'
        ).format(percent, x=place(percent / 100))
        for percent in (0, 20, 40, 60, 80, 100)
    ]
    parts.append(
        Markup(
            '<path class="interval" d="M{a} 16v12M{a} 22H{q}M{r} 22H{b}M{b} 16v12"/>'
            '<rect class="box" x="{q}" y="11" width="{w}" height="22"/>'
            '<line class="median" x1="{m}" x2="{m}" y1="8" y2="36"/>'
        ).format(
            a=place(own["min"]),
            b=place(own["max"]),
            q=place(own["q1"]),
            r=place(own["q3"]),
            w=round(max(0.0, place(own["q3"]) - place(own["q1"])), 1),
            m=place(own["median"]),
        )
    )
    caption = "Accuracy of each person: all, the middle half, and the median"
    svg = Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" class="chart forest" role="img" '
        'viewBox="0 0 {} 62" font-size="13" aria-label="{}">{}</svg>'
    ).format(_WIDTH, f"{caption}. {sentence}", Markup("").join(parts))
    return Picture(svg=svg, caption=caption, alternative=sentence)
