"""Commands on a model's file: what it tells of itself, its card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from mien.experiments.options import Json


def inspect(
    model: Annotated[Path, typer.Argument(help="A model from mien export.")],
    as_json: Json = False,
    card: Annotated[
        Path | None, typer.Option(help="Write the model card, too: a file .md or .html.")
    ] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Load the model, which runs what the file holds, and compare its reference "
            "predictions.",
        ),
    ] = False,
) -> None:
    """Say what a model is and whether its file is whole, without running anything in it."""
    from mien.experiments.inspect_console import print_check, print_model
    from mien.experiments.inspect_model import check_model, describe_model
    from mien.experiments.model_card.write import check_ending, write_card
    from mien.models.bundle_check import TOLERANCE

    if card:
        check_ending(card)
    told = describe_model(model)
    damaged = bool(told["file"]["damage"])
    if card and not damaged:
        write_card(told, card)
    difference = check_model(model) if check and not damaged else None
    other = difference is not None and difference > TOLERANCE
    if as_json:
        if check and not damaged:
            told["reference_difference"] = difference
        typer.echo(json.dumps(told, indent=1, ensure_ascii=False))
    else:
        print_model(told)
        if check and not damaged:
            print_check(difference)
        if card and not damaged:
            typer.echo(f"Model card: {card}")
    raise typer.Exit(1 if damaged or other else 0)
