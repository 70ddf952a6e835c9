"""The page through its two templates."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from mien.experiments.report.write import escape_markdown, fence_code

if TYPE_CHECKING:
    from jinja2 import Environment

    from mien.experiments.reproduce.page import Page


def render_html(page: Page) -> str:
    """Render the page as one HTML file that needs no other file, no network and no script."""
    return _make_environment(html=True).get_template("reproduction.html.j2").render(page=page)


def render_markdown(page: Page) -> str:
    """Render the page as Markdown (GitHub's dialect, for its tables), without pictures."""
    text = _make_environment(html=False).get_template("reproduction.md.j2").render(page=page)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


@cache
def _make_environment(*, html: bool) -> Environment:
    """Make an environment that finds the report's templates, too: its style sheet, its tables."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    packages = ("mien.experiments.reproduce", "mien.experiments.report")
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(name) for name in packages]),
        autoescape=html,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=None if html else escape_markdown,
    )
    environment.filters["fence"] = fence_code
    return environment
