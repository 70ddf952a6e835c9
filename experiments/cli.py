"""The command line. Heavy modules are imported by the command that needs them."""

from __future__ import annotations

import errno
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from mien.errors import MienError
from mien.experiments.fitting_commands import compare, export, tune
from mien.experiments.model_commands import inspect
from mien.experiments.options import Json
from mien.experiments.predict_command import predict
from mien.experiments.reproduce.command import reproduce
from mien.experiments.results_commands import diff, report, rerun
from mien.experiments.serve.command import serve
from mien.experiments.store_commands import ablate, audit, extract, features, info, render
from mien.experiments.study_commands import study_commands

_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)
_RESUMED = ("demo", "extract", "tune", "compare", "rerun", "reproduce")


class Commands(TyperGroup):
    """The commands; Ctrl-C ends each of them with a message instead of a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was named."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            from mien.experiments.console import print_interrupted

            print_interrupted(goes_on=ctx.invoked_subcommand in _RESUMED)
            raise typer.Exit(130) from None


app = typer.Typer(
    name="mien",
    cls=Commands,
    help="Facial expression recognition: landmarks and tuned SVMs, and a CNN to compare against.",
    epilog="Start with: mien demo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.add_typer(study_commands, name="study")


def main() -> None:
    """Run the command line; a user's error is one message, never a traceback."""
    try:
        app()
    except MienError as error:
        from mien.experiments.console import print_error

        print_error(error)
        sys.exit(2)
    except OSError as error:
        if error.errno not in _DISK_ERRORS:
            raise
        from mien.experiments.console import print_error

        print_error(
            MienError(
                f"A file cannot be written ({error}).",
                "Make room, or name another folder, also in TMPDIR; then run the command again.",
            )
        )
        sys.exit(2)


@app.callback(invoke_without_command=True)
def version(
    show: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    plugins: Annotated[
        list[str] | None,
        typer.Option(
            "--plugin", help="Python file or module with feature families; may be repeated."
        ),
    ] = None,
) -> None:
    """Facial expression recognition: landmarks and tuned SVMs, and a CNN to compare against."""
    if plugins:
        _add_plugins(plugins)
    if show:
        import mien

        typer.echo(mien.__version__)
        raise typer.Exit


@app.command()
def doctor(
    as_json: Json = False,
    fetch: Annotated[bool, typer.Option("--fetch", help="Fetch the landmarker bundle.")] = False,
) -> None:
    """Find what is missing on this machine, and print the line that mends it."""
    from mien.experiments.doctor import exit_code, render_plain, run_checks, to_json

    if fetch:
        from mien.pipeline.landmarker_bundle import ensure_landmarker_bundle

        ensure_landmarker_bundle()
    checks = run_checks()
    typer.echo(json.dumps(to_json(checks), indent=1) if as_json else render_plain(checks))
    raise typer.Exit(exit_code(checks))


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for everything the demo makes.")] = Path(
        "mien-demo"
    ),
) -> None:
    """Run all four jobs on rendered faces, in under three minutes."""
    from mien.experiments.demo import run_demo

    run_demo(out)


for _command in (
    render,
    extract,
    info,
    features,
    audit,
    ablate,
    tune,
    compare,
    report,
    diff,
    rerun,
    reproduce,
    serve,
    export,
    predict,
    inspect,
):
    app.command()(_command)


def _add_plugins(plugins: list[str]) -> None:
    """Let this process, and those it starts, load families from files or modules."""
    import os

    from mien.features.registry import PLUGINS

    known = [part for part in os.environ.get(PLUGINS, "").split(os.pathsep) if part]
    added = [str(Path(name).absolute()) if name.endswith(".py") else name for name in plugins]
    os.environ[PLUGINS] = os.pathsep.join(dict.fromkeys([*known, *added]))
