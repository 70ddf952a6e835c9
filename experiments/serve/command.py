"""``mien serve``."""

from __future__ import annotations

import os
import signal
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from mien.errors import MienError
from mien.experiments.options import Landmarker

MAX_REPORT_BYTES = 64 << 20
"""Bytes that a report may have."""
_TERMINATED = 143


def serve(
    model: Annotated[Path, typer.Argument(help="A model from mien export.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any that is free.")] = 8765,
    host: Annotated[
        str, typer.Option(help="Address to listen on; only this machine by default.")
    ] = "127.0.0.1",
    report: Annotated[
        Path | None, typer.Option(help="A report.html of mien compare, to look through.")
    ] = None,
    open_page: Annotated[
        bool | None,
        typer.Option("--open/--no-open", help="Open the browser; where there is a screen."),
    ] = None,
    landmarker: Landmarker = None,
) -> None:
    """Show a local page: pictures, clips and the webcam, with landmarks and probabilities."""
    _require_packages()
    from mien.experiments.console import OUT, escape, working
    from mien.experiments.serve.recogniser import Recogniser
    from mien.experiments.serve.running import (
        PageServer,
        is_local,
        listen,
        open_browser,
        write_address,
    )
    from mien.models.bundle import load_bundle
    from mien.pipeline.landmarker_bundle import ensure_landmarker_bundle

    page = None if report is None else read_report(report)
    with working("loading the model"):
        bundle = load_bundle(model)
        recogniser = Recogniser(bundle, ensure_landmarker_bundle(landmarker))
    with listen(host, port) as listening:
        address = write_address(listening)
        OUT.print(f"{escape(str(model))} ({bundle.model}) is at [bold]{address}[/]")
        OUT.print(
            "Pictures stay on this machine. End with Ctrl-C."
            if is_local(listening)
            else "Everyone who reaches this machine can open the page and use the model, and what "
            "they send travels unencrypted. Browsers give a page the webcam only at 127.0.0.1. End "
            "with Ctrl-C."
        )
        wanted = has_screen() if open_page is None else open_page
        server = PageServer(recogniser, listening, host=host, report=page)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(_TERMINATED))
        try:
            server.run(on_start=lambda: open_browser(address) if wanted else None)
        except KeyboardInterrupt:
            OUT.print("Ended.")


def read_report(path: Path) -> bytes:
    """Read a report's HTML.

    Raises
    ------
    MienError
        If it cannot be read, is no HTML, or is too large.
    """
    try:
        with path.open("rb") as file:
            page = file.read(MAX_REPORT_BYTES + 1)
    except OSError as error:
        raise MienError(
            f"The report {path} cannot be read ({error.strerror}).",
            "Name a report.html of mien compare.",
        ) from error
    if len(page) > MAX_REPORT_BYTES or not page.lstrip()[:15].lower().startswith(b"<!doctype html"):
        raise MienError(
            f"{path} is no report: expected HTML of at most {MAX_REPORT_BYTES >> 20} MB.",
            "Name a report.html of mien compare.",
        )
    return page


def has_screen() -> bool:
    """Tell whether a browser that is opened would be seen: a terminal, and a display on Linux."""
    if not sys.stdout.isatty():
        return False
    shown = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return bool(shown) or not sys.platform.startswith("linux")


def _require_packages() -> None:
    missing = [name for name in ("starlette", "uvicorn") if find_spec(name) is None]
    if missing:
        from mien.experiments.doctor import pip_command

        raise MienError(
            f"mien serve needs {' and '.join(missing)}, which this environment has not.",
            f"{pip_command()} install 'mien[serve]'",
        )
