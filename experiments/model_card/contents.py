"""What a model's card says, before anyone decides how it looks."""

from __future__ import annotations

from dataclasses import dataclass, field

from markupsafe import Markup

from mien.experiments.report.contents import Fact, Pairs, Picture, Table


@dataclass(frozen=True)
class Section:
    """A part of the card: paragraphs, points, pairs, tables and pictures, each perhaps none."""

    anchor: str
    title: str
    paragraphs: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    pairs: Pairs = ()
    pictures: tuple[Picture, ...] = ()
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True)
class Card:
    """The whole card; both templates print from this alone."""

    title: str
    subtitle: str
    warnings: tuple[str, ...]
    sentence: str
    facts: tuple[Fact, ...]
    sections: tuple[Section, ...]
    style: Markup = field(default=Markup(""), repr=False)
