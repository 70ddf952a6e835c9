import shlex
import subprocess
from pathlib import Path

import pytest
import typer

from mien.errors import MienError
from mien.experiments import demo
from mien.experiments.assignments import parse_assignments
from mien.experiments.candidates import get_candidate
from mien.experiments.cli import app
from mien.experiments.schemes import parse_scheme
from mien.pipeline.rendered.specification import parse_specification

OUT = Path("[red]out[/]")


def test_every_step_is_a_command_with_options_that_exist():
    group = typer.main.get_command(app)
    for _, (name, *arguments) in demo.demo_commands(OUT):
        command = group.commands[name]
        parsed = command.make_context(name, arguments).params
        assert parsed
        if parsed.get("cv"):
            parse_scheme(parsed["cv"])
        for model, given in parse_assignments(parsed.get("assignments") or []).items():
            get_candidate(model).parameters(given)
    parse_specification(demo.SOURCE)


def test_steps_hand_on_what_they_write():
    steps = {arguments[0]: arguments for _, arguments in demo.demo_commands(OUT)}
    store = steps["extract"][steps["extract"].index("--out") + 1]
    assert {steps[name][1] for name in ("tune", "compare", "export")} == {store}
    tuned = steps["tune"][steps["tune"].index("--out") + 1]
    assert steps["export"][steps["export"].index("--params") + 1] == tuned
    assert steps["predict"][1] == steps["export"][steps["export"].index("--out") + 1]
    assert steps["predict"][2] == steps["render"][steps["render"].index("--out") + 1]


@pytest.fixture
def ran(monkeypatch):
    """Commands that the demo runs; nothing is run."""
    commands = []

    def pretend(command, **_):
        commands.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(demo.subprocess, "run", pretend)
    return commands


def test_each_step_is_shown_and_run(ran, capsys):
    demo.run_demo(OUT)
    out = capsys.readouterr().out
    steps = demo.demo_commands(OUT)
    assert [command[1:3] for command in ran] == [["-m", "mien"]] * len(steps)
    assert [command[3:] for command in ran] == [arguments for _, arguments in steps]
    for number, (what, arguments) in enumerate(steps, start=1):
        assert f"{number}. {what}\n$ {shlex.join(['mien', *arguments])}\n" in out
    assert f"The report: {OUT}/report/report.html" in out


def test_the_demo_stops_at_a_step_that_fails(monkeypatch):
    codes = iter([0, 2])
    monkeypatch.setattr(
        demo.subprocess,
        "run",
        lambda command, **_: subprocess.CompletedProcess(command, next(codes)),
    )
    with pytest.raises(MienError, match="Step 2 of the demo failed"):
        demo.run_demo(OUT)
