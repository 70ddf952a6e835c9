"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Store = Annotated[Path, typer.Argument(help="A feature store, made by mien extract.")]
Seed = Annotated[
    int, typer.Option(min=0, max=2**31 - 1, help="Seed of everything that is drawn at random.")
]
Memory = Annotated[
    str | None,
    typer.Option(help="Memory that may be used: 8GB; 60 % of the machine's by default."),
]
Preset = Annotated[
    str | None, typer.Option(help="Tuned parameters that come with Mien: fer2013-svm.")
]
TimeBudget = Annotated[
    str | None,
    typer.Option(help="Time that each network's training may take: 45m, 1h30m; no limit if unset."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Filter = Annotated[
    Path | None,
    typer.Option("--filter", help="Use only the rows that this file of mien audit keeps."),
]
Landmarker = Annotated[
    Path | None, typer.Option(help="The face landmarker's model bundle; fetched when left out.")
]
OnLeak = Annotated[
    str,
    typer.Option(
        help="Twins and sequences on both sides of a fold: group keeps them on one side, warn only "
        "tells of them, fail refuses to compare."
    ),
]
Cluster = Annotated[
    str | None,
    typer.Option(help="Address of a Dask scheduler whose workers do it: tcp://host:8786."),
]
