"""``mien reproduce``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.experiments.options import Landmarker, Memory, Seed
from mien.experiments.typed_command import read_typed_command


def reproduce(
    out: Annotated[Path, typer.Option(help="Folder for the page and everything it needs.")],
    ck: Annotated[
        Path | None, typer.Option(help="CK+ in any layout that mien extract reads, or its store.")
    ] = None,
    fer2013: Annotated[
        Path | None, typer.Option(help="FER2013 in any layout, or its store.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A subset and few epochs, in under ten minutes.")
    ] = False,
    attempts: Annotated[
        int, typer.Option(min=1, help="Fit each network so often; the thesis did ten times.")
    ] = 1,
    landmarker: Landmarker = None,
    memory: Memory = None,
    seed: Seed = 0,
) -> None:
    """Run the thesis's results under its own protocol and an honest one, and write a page."""
    from mien.experiments.console import OUT, escape, working
    from mien.experiments.memory import parse_bytes
    from mien.experiments.reproduce.reproduce import reproduce as run_reproduction

    with working("reproducing") as told:
        found = run_reproduction(
            {"ck": ck, "fer2013": fer2013},
            out,
            quick=quick,
            attempts=attempts,
            landmarker=landmarker,
            memory=parse_bytes(memory, "--memory") if memory else None,
            seed=seed,
            command=read_typed_command(),
            on_step=told.step,
        )
    for result in found["results"]:
        OUT.print(escape(f"{result['key']} {result['title']}: {result['sentence']}"))
    OUT.print(f"The page: {escape(str(out / 'reproduction.html'))}")
