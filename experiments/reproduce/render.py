"""The page through its two templates."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mien.experiments.report.write import PACKAGE, make_environment

if TYPE_CHECKING:
    from mien.experiments.reproduce.page import Page

_PACKAGES = ("mien.experiments.reproduce", PACKAGE)
"""The report's templates serve the page, too: its style sheet, its tables."""


def render_html(page: Page) -> str:
    """Render the page as one HTML file that needs no other file, no network and no script."""
    return (
        make_environment(*_PACKAGES, html=True)
        .get_template("reproduction.html.j2")
        .render(page=page)
    )


def render_markdown(page: Page) -> str:
    """Render the page as Markdown (GitHub's dialect, for its tables), without pictures."""
    text = (
        make_environment(*_PACKAGES, html=False)
        .get_template("reproduction.md.j2")
        .render(page=page)
    )
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
