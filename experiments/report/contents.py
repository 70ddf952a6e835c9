"""What a report says, before anyone decides how it looks."""

from __future__ import annotations

from dataclasses import dataclass, field

from markupsafe import Markup

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Picture:
    """An SVG picture with its caption and what to say to those who do not see it."""

    svg: Markup
    caption: str
    alternative: str


@dataclass(frozen=True)
class Row:
    """A row of a table: its head, its cells, and a small picture that only HTML shows."""

    head: str
    cells: tuple[str, ...]
    marked: bool = False
    picture: Markup | None = None


@dataclass(frozen=True)
class Table:
    """A table; ``columns`` counts the head of the rows, not the picture."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    picture_column: str = ""
    note: str = ""


@dataclass(frozen=True)
class Fact:
    """One answer of the first screen: what is asked, the answer, and its ground."""

    term: str
    value: str
    detail: str


@dataclass(frozen=True)
class Headline:
    """Which model is best, by how much, how sure, at what cost, and whether to believe it."""

    sentence: str
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True)
class Sample:
    """A face of the dataset as a data URI."""

    label: str
    picture: str
    caption: str


@dataclass(frozen=True)
class DatasetCard:
    """What the models were shown."""

    facts: Pairs
    classes: Table
    reasons: Table | None
    notes: tuple[str, ...]
    samples: tuple[Sample, ...]


@dataclass(frozen=True)
class ModelSection:
    """Everything about one model."""

    anchor: str
    title: str
    best: bool
    lead: str
    scores: Table
    matrices: tuple[Picture, ...]
    matrix: Table
    confusions: tuple[str, ...]
    remarks: tuple[str, ...]
    curves: tuple[Picture, ...]
    parameters: Pairs
    training: Pairs
    attempts: Table | None
    costs: Pairs
    folds: Table


@dataclass(frozen=True)
class ReportData:
    """The whole report as text, tables and pictures.

    Both templates print from this alone, so HTML and Markdown say the same.
    """

    title: str
    subtitle: str
    warnings: tuple[str, ...]
    headline: Headline
    statement: str
    protocol: Pairs
    dataset: DatasetCard
    models: Table | None
    attempts: Table | None
    failures: Pairs
    comparisons: Table | None
    sentences: tuple[str, ...]
    sections: tuple[ModelSection, ...]
    environment: Pairs
    command: str
    style: Markup = field(default=Markup(""), repr=False)
