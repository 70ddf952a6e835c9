"""The command line, run as the shell runs it."""

from __future__ import annotations

import sys

import pytest

from mien.experiments import cli


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Run a command as the shell does; return exit code, standard output and error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["mien", *map(str, arguments)])
        try:
            cli.main()
            code = 0
        except SystemExit as end:
            code = end.code or 0
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run
