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
    """A row of a table: its head, its cells, and a small picture that only HTML shows.

    A row at the foot sums up those above and stays there when they are sorted.
    """

    head: str
    cells: tuple[str, ...]
    marked: bool = False
    foot: bool = False
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
class LeakAudit:
    """What was found alike on both sides of the folds: sentences, counts, the first pairs."""

    lead: str
    table: Table | None
    pairs: tuple[Table, ...]


@dataclass(frozen=True)
class PersonSpread:
    """How accuracy differs from person to person."""

    sentence: str
    picture: Picture
    worst: Table | None


@dataclass(frozen=True)
class Face:
    """A wrong prediction; ``shown`` tells whether the report has its picture."""

    row: int
    shown: bool
    true: str
    predicted: str
    sureness: str
    name: str


@dataclass(frozen=True)
class CellFaces:
    """Rows that fell into one cell of a confusion matrix; ``key`` is ``"true,predicted"``."""

    key: str
    true: str
    predicted: str
    right: bool
    count: str
    rows: tuple[int, ...]


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
    cells: tuple[CellFaces, ...]
    worst: tuple[Face, ...]
    worst_table: Table | None
    reliability: Picture | None
    bins: Table | None
    persons: PersonSpread | None
    groups: tuple[Table, ...]
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
    leaks: LeakAudit | None
    dataset: DatasetCard
    models: Table | None
    measures: Table | None
    overview: tuple[Picture, ...]
    coverage: Table | None
    attempts: Table | None
    failures: Pairs
    comparisons: Table | None
    sentences: tuple[str, ...]
    sections: tuple[ModelSection, ...]
    faces: tuple[tuple[int, str], ...]
    environment: Pairs
    command: str
    style: Markup = field(default=Markup(""), repr=False)
