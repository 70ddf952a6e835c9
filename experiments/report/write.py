"""Write a report: JSON, HTML and Markdown beside each other."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from mien.errors import MienError
from mien.experiments.report.build import build_report
from mien.experiments.report.contents import ReportData
from mien.experiments.report.schema import to_plain
from mien.files import atomic_path

if TYPE_CHECKING:
    from jinja2 import Environment


PACKAGE = "mien.experiments.report"
"""Where the report's templates lie."""


class Verbatim(str):
    """Text that Markdown takes as it is."""

    __slots__ = ()


def write_report(results: Mapping[str, Any], out: Path) -> None:
    """Write ``results.json``, and :func:`write_pages`, into a folder.

    Each file appears whole or not at all; existing ones are replaced.

    Parameters
    ----------
    results : mapping
        Results as ``results.schema.json`` describes them; numpy values are welcome.
    out : Path
        The folder; made if it is missing.

    Raises
    ------
    MienError
        If the results do not follow the schema, or the folder cannot be written.
    """
    pages = _render_pages(results)
    text = json.dumps(to_plain(results), ensure_ascii=False, allow_nan=False, indent=1)
    _write_files({"results.json": _join_numbers(text) + "\n", **pages}, out)


def write_pages(results: Mapping[str, Any], out: Path) -> None:
    """Write ``report.html`` and ``report.md`` into a folder, as :func:`write_report` does."""
    _write_files(_render_pages(results), out)


def _render_pages(results: Mapping[str, Any]) -> dict[str, str]:
    data = build_report(results)
    return {"report.html": render_html(data), "report.md": render_markdown(data)}


def _write_files(files: Mapping[str, str], out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            with atomic_path(out / name) as path:
                path.write_text(content, encoding="utf-8", newline="\n")
    except OSError as error:
        raise MienError(
            f"Expected a folder to write the report into, but {out} cannot be written: "
            f"{error.strerror}.",
            "Give another folder with --out.",
        ) from error


def render_html(data: ReportData) -> str:
    """Render a report as one HTML file that needs no other file, no network and no script.

    The script that it carries sorts tables and shows the faces of a cell; the page's own rules let
    no other script run.
    """
    environment = make_environment(PACKAGE, html=True)
    script = read_script()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    template = environment.get_template("report.html.j2")
    return template.render(report=data, script=Markup(script), script_hash=digest)


@cache
def read_script() -> str:
    """Read the script that a report carries."""
    path = Path(__file__).with_name("templates") / "report.js"
    return path.read_text(encoding="utf-8")


def render_markdown(data: ReportData) -> str:
    """Render a report as Markdown (GitHub's dialect, for its tables), without pictures."""
    text = make_environment(PACKAGE, html=False).get_template("report.md.j2").render(report=data)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def escape_markdown(value: Any) -> Any:
    """Make text harmless in Markdown: no markup, no HTML, no new line or table cell."""
    if isinstance(value, Verbatim) or not isinstance(value, str):
        return value
    text = " ".join(value.split()) if re.search(r"[\r\n\t]", value) else value
    text = re.sub(r"&(?=#?\w+;)", "&amp;", text)
    text = re.sub(r"<(?=[A-Za-z/!?])", "&lt;", text)
    text = re.sub(r"([\\`*\[\]|~])", r"\\\1", text)
    text = re.sub(r"(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])", r"\\_", text)
    text = re.sub(r"^(\s*)([#>=]|[-+](?=\s))", r"\1\\\2", text)
    return re.sub(r"^(\s*\d+)([.)])(?=\s)", r"\1\\\2", text)


def fence_code(text: str) -> Verbatim:
    """Put text into a fenced block that it cannot close itself."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return Verbatim(f"{fence}\n{text}\n{fence}")


@cache
def make_environment(*packages: str, html: bool) -> Environment:
    """Make what renders the templates of these packages, the first one's before the others'.

    Parameters
    ----------
    *packages : str
        Names of packages with a folder ``templates``.
    html : bool
        Escape for HTML; else for Markdown.
    """
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

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


def _join_numbers(text: str) -> str:
    """Put lists of numbers onto one line, so that the file stays readable.

    A list in JSON text is told from one inside a string by its line breaks: strings have none.
    """
    number = r"(?:-?[\d.eE+-]+|null)"
    return re.sub(
        rf"\[\n\s*({number}(?:,\n\s*{number})*)\n\s*\]",
        lambda found: "[" + re.sub(r"\s+", " ", found[1]) + "]",
        text,
    )
