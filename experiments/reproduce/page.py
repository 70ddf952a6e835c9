"""The page: what the reproduction found, as one HTML file and as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from mien.experiments.report.colours import build_colour_css
from mien.experiments.report.confusion import draw_confusion
from mien.experiments.report.contents import Fact, Pairs, Picture, Table
from mien.experiments.report.curves import draw_curves
from mien.experiments.report.numbers import (
    DASH,
    count_noun,
    format_count,
    format_created,
    format_percent,
    format_value,
)
from mien.experiments.reproduce.claims import CLAIMS
from mien.experiments.reproduce.plan import NAMES
from mien.experiments.reproduce.svm_choices import TEXT
from mien.experiments.reproduce.tables import (
    build_choices_table,
    build_class_table,
    build_layer_table,
    build_overview,
)
from mien.files import atomic_path, writing

PROTOCOLS: dict[str, str] = {"thesis": "The thesis's protocol", "honest": "The honest protocol"}


@dataclass(frozen=True)
class Section:
    """One of the thesis's results on the page."""

    key: str
    title: str
    choice: str
    facts: tuple[Fact, ...]
    sentence: str
    statements: Pairs
    curves: tuple[Picture, ...]
    matrices: tuple[Picture, ...]
    table: Table | None


@dataclass(frozen=True)
class Page:
    """All that the page says, before anyone decides how it looks."""

    title: str
    subtitle: str
    warnings: tuple[str, ...]
    overview: Table
    sections: tuple[Section, ...]
    layers: tuple[Table, ...]
    landmarks: Markup | None
    choices_text: str
    choices: Table | None
    datasets: Pairs
    environment: Pairs
    command: str
    style: Markup


def build_page(told: Mapping[str, Any]) -> Page:
    """Build the page's content from ``reproduction.json``."""
    return Page(
        title="The thesis, table by table",
        subtitle=(
            "Each accuracy of Patil, “Facial Emotion Recognition Using Deep Learning” (2023), "
            "beside ours under its own protocol, and under one that keeps persons, sequences and "
            f"copies apart. {format_created(told['created'])}."
        ),
        warnings=_warn(told),
        overview=build_overview(told["results"]),
        sections=tuple(map(_build_section, told["results"])),
        layers=tuple(build_layer_table(name, own) for name, own in told["networks"].items()),
        landmarks=None if told["landmarks"] is None else Markup(told["landmarks"]),
        choices_text=TEXT,
        choices=build_choices_table(told["choices"]) if told["choices"] else None,
        datasets=tuple(
            (NAMES[key], "not given" if own is None else _tell_dataset(own))
            for key, own in told["datasets"].items()
        ),
        environment=tuple(
            (name, format_value(value)) for name, value in told["environment"].items()
        ),
        command=told["command"],
        style=Markup(build_colour_css()),
    )


def write_page(told: Mapping[str, Any], out: Path) -> None:
    """Write ``reproduction.html`` and ``reproduction.md``.

    Raises
    ------
    MienError
        If the folder cannot be written.
    """
    from mien.experiments.reproduce.render import render_html, render_markdown

    page = build_page(told)
    files = {"reproduction.html": render_html(page), "reproduction.md": render_markdown(page)}
    with writing(out, "Choose another folder with --out."):
        for name, content in files.items():
            with atomic_path(out / name) as path:
                path.write_text(content, encoding="utf-8", newline="\n")


def _warn(told: Mapping[str, Any]) -> tuple[str, ...]:
    warnings = []
    if told["quick"]:
        warnings.append(
            "A quick run: a subset of FER2013 and few epochs, as said beside each figure. The "
            "figures show that everything runs, and the gap between the protocols; they are not "
            "the full ones."
        )
    for key, own in told["datasets"].items():
        if own is None:
            missing = ", ".join(r["key"] for r in told["results"] if r["dataset"] == key)
            warnings.append(f"{NAMES[key]} was not given (--{key}): {missing} were not run.")
        elif any("endered" in note for note in own["notes"]):
            warnings.append(f"{NAMES[key]} is stood in for by rendered faces, not photographs.")
    if told["attempts"] == 1:
        warnings.append(
            "Each network was fitted once; the thesis fitted it ten times (--attempts 10)."
        )
    return tuple(warnings)


def _build_section(result: Mapping[str, Any]) -> Section:
    figures = {key: result[key] for key in PROTOCOLS if result[key]}
    told = CLAIMS[result["key"]]
    claim = Fact("The thesis's claim", told.accuracy, told.circumstances)
    return Section(
        key=result["key"],
        title=result["title"],
        choice=result["choice"] or "",
        facts=(claim, *(_tell_figure(result, key) for key in PROTOCOLS)),
        sentence=result["sentence"],
        statements=tuple(
            (PROTOCOLS[key], " ".join((own["statement"], *own["warnings"])))
            for key, own in figures.items()
        ),
        curves=tuple(
            _name_curve(drawn, key, own)
            for key, own in figures.items()
            for drawn in draw_curves(own["curves"])
        ),
        matrices=tuple(_draw_matrix(key, own) for key, own in figures.items()),
        table=build_class_table(result) if figures else None,
    )


def _tell_figure(result: Mapping[str, Any], key: str) -> Fact:
    own = result[key]
    if own is None:
        return Fact(PROTOCOLS[key], DASH, result["reasons"].get(key, "Not run."))
    told = [f"{own['scheme']}, {format_count(own['rows'])} test rows"]
    if own["left_out"]:
        told.append(f"{count_noun(own['left_out'], 'copy', 'copies')} of test rows not fitted on")
    if spread := own["attempts"]:
        told.append(
            f"{spread['count']} attempts: {format_percent(spread['lowest'])} to "
            f"{format_percent(spread['highest'])}"
        )
    if key == "thesis":
        told.append(CLAIMS[result["key"]].compare(own["accuracy"]))
    if own["reduced"]:
        told.append(own["reduced"])
    return Fact(PROTOCOLS[key], format_percent(own["accuracy"]), "; ".join(told))


def _name_curve(drawn: Picture, key: str, own: Mapping[str, Any]) -> Picture:
    return replace(drawn, caption=f"{PROTOCOLS[key]}: {drawn.caption}{_tell_reduced(own)}")


def _tell_reduced(own: Mapping[str, Any]) -> str:
    return f" ({own['reduced']})" if own["reduced"] else ""


def _draw_matrix(key: str, own: Mapping[str, Any]) -> Picture:
    classes = [n for n in own["report"] if n not in ("accuracy", "macro avg", "weighted avg")]
    title = f"{PROTOCOLS[key]}: per cent of each true class{_tell_reduced(own)}"
    return draw_confusion(np.array(own["matrix"]), classes, normalised=True, title=title)


def _tell_dataset(own: Mapping[str, Any]) -> str:
    told = [f"{own['name']} ({own['layout']}), {count_noun(own['rows'], 'row')}"]
    if own["persons"]:
        told.append(count_noun(own["persons"], "person"))
    if own["sequences"]:
        told.append(count_noun(own["sequences"], "sequence"))
    return f"{', '.join(told)}; {own['source']}"
