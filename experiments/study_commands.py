"""``mien study``: what a storage holds, and what a study found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.experiments.options import Json

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

study_commands = typer.Typer(help="Look at studies of mien tune.", no_args_is_help=True)

Storage = Annotated[
    str,
    typer.Argument(
        metavar="URL",
        help="A storage's URL, a SQLite or journal file, or parameters of mien tune.",
    ),
]


@study_commands.command("list")
def list_command(url: Storage, as_json: Json = False) -> None:
    """List the studies of a storage."""
    with _reading(url) as (storage, _, _):
        from mien.experiments.study_console import print_studies
        from mien.experiments.study_summary import list_studies

        studies = list_studies(storage)
    if as_json:
        typer.echo(json.dumps(studies, indent=1, ensure_ascii=False))
    else:
        print_studies(studies)


@study_commands.command("show")
def show_command(
    url: Storage,
    study: Annotated[
        str | None, typer.Option(help="The study's name, where the storage holds several.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write plots to, as PNG.")] = None,
    as_json: Json = False,
) -> None:
    """Show a study: best trial, how it was found, which parameters mattered, time."""
    with _reading(url) as (storage, named, shown):
        from mien.experiments.study_console import print_study
        from mien.experiments.study_summary import load_study, summarise_study

        loaded = load_study(storage, study or named, shown=shown)
        told = summarise_study(loaded)
        pictures = []
        if out:
            from mien.experiments.study_plots import write_plots
            from mien.experiments.study_summary import name_steps

            pictures = write_plots(
                loaded,
                told["importances"],
                out,
                value_name="accuracy" if told["model"] else "value",
                steps=name_steps(told["model"]),
            )
    if as_json:
        told["pictures"] = [str(picture) for picture in pictures]
        typer.echo(json.dumps(told, indent=1, ensure_ascii=False))
    else:
        print_study(told, pictures)


@contextmanager
def _reading(named: str) -> Iterator[tuple[BaseStorage, str | None, str]]:
    """Open a storage that is there; give it, the study that was named with it, and its name."""
    import optuna

    from mien.experiments.storages import mask_url, open_storage
    from mien.experiments.study_place import find_storage

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    url, study = find_storage(named)
    with open_storage(url, existing=True) as storage:
        assert storage is not None
        yield storage, study, mask_url(url)
