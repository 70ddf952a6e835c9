"""The functions and the commands of the same name take the same, with the same defaults."""

import inspect
from pathlib import Path

import pytest

import mien
from mien.experiments import cli

OTHER_NAMES = {
    "tune": {"assignments": "parameters"},
    "compare": {"assignments": "parameters", "params": "tuned"},
    "export": {"assignments": "parameters", "params": "tuned"},
}
OF_PROGRAMS = {"command"}
NONE = (None, (), inspect.Parameter.empty)


def read_defaults(function):
    return {name: own.default for name, own in inspect.signature(function).parameters.items()}


def plain(value):
    return str(value) if isinstance(value, Path) else value


@pytest.mark.parametrize("job", ["extract", "tune", "compare", "export"])
def test_a_function_takes_what_its_command_takes(job):
    command, function = read_defaults(getattr(cli, job)), read_defaults(getattr(mien, job))
    names = {name: OTHER_NAMES.get(job, {}).get(name, name) for name in command}
    ours = {name for name in function if not name.startswith("on_")} - OF_PROGRAMS
    assert set(names.values()) == ours | ({"on_leak"} & set(function))
    for name, own in names.items():
        expected, found = plain(command[name]), plain(function[own])
        assert found == expected or (found in NONE and expected in NONE), name
