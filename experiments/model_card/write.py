"""A card through its two templates, and into a file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mien.errors import MienError
from mien.experiments.model_card.build import build_card
from mien.experiments.model_card.contents import Card
from mien.experiments.report.write import PACKAGE, make_environment
from mien.files import atomic_path, writing

_PACKAGES = ("mien.experiments.model_card", PACKAGE)
"""The report's templates serve the card, too: its style sheet, its tables."""

_ENDINGS = (".md", ".html")


def check_ending(target: Path) -> None:
    """Refuse a card's file that is neither Markdown nor HTML.

    Raises
    ------
    MienError
        Naming the endings.
    """
    if target.suffix.lower() not in _ENDINGS:
        raise MienError(
            f"A card is written as Markdown or HTML, not as {target.name!r}.",
            "Name a file that ends in .md or .html with --card.",
        )


def write_card(record: Mapping[str, Any], target: Path) -> None:
    """Write a model's card as Markdown or HTML, as the file's ending says.

    Parameters
    ----------
    record : mapping
        From :func:`mien.models.bundle_record.to_record`.
    target : Path

    Raises
    ------
    MienError
        If the ending is another one, or the file cannot be written.
    """
    check_ending(target)
    card = build_card(record)
    text = render_html(card) if target.suffix.lower() == ".html" else render_markdown(card)
    with writing(target, "Name another file with --card."), atomic_path(target) as path:
        path.write_text(text, encoding="utf-8", newline="\n")


def render_html(card: Card) -> str:
    """Render a card as one HTML file that needs no other file, no network and no script."""
    template = make_environment(*_PACKAGES, html=True).get_template("card.html.j2")
    return template.render(card=card)


def render_markdown(card: Card) -> str:
    """Render a card as Markdown (GitHub's dialect, for its tables), without pictures."""
    template = make_environment(*_PACKAGES, html=False).get_template("card.md.j2")
    return re.sub(r"\n{3,}", "\n\n", template.render(card=card)).strip() + "\n"
