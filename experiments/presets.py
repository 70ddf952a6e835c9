"""Presets: tuned parameters that come with Mien, so that a published figure can be repeated."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from mien.errors import MienError
from mien.experiments.candidates import get_candidate
from mien.experiments.parameters import read_parameters

PRESET_SCHEMA = "mien.preset/1"
_FOLDER = "presets"


@dataclass(frozen=True)
class Preset:
    """Models with parameters, and the scheme that they were scored under.

    Attributes
    ----------
    name, title : str
    scheme : str
        Of the figure; another can be asked for.
    parameters : dict of str to dict
        Complete parameters by model.
    chosen : str
        What the parameters were chosen on.
    dataset_hash : str
        Of the dataset that they were chosen on.
    """

    name: str
    title: str
    scheme: str
    parameters: dict[str, dict[str, Any]]
    chosen: str
    dataset_hash: str


def preset_names() -> tuple[str, ...]:
    """Return the names of all presets, in alphabetical order."""
    folder = files("mien.experiments").joinpath(_FOLDER)
    return tuple(
        sorted(
            entry.name.removesuffix(".json")
            for entry in folder.iterdir()
            if entry.name.endswith(".json")
        )
    )


def get_preset(name: str) -> Preset:
    """Return the preset of that name.

    Raises
    ------
    MienError
        If there is none; the message lists those that exist.
    """
    known = preset_names()
    if name not in known:
        raise MienError(f"There is no preset {name!r}.", f"Use one of: {', '.join(known)}.")
    source = files("mien.experiments").joinpath(_FOLDER, f"{name}.json")
    content = json.loads(source.read_text(encoding="utf-8"))
    if content["schema"] != PRESET_SCHEMA:
        raise ValueError(f"{name} is a preset of schema {content['schema']!r}")
    return Preset(
        name=name,
        title=content["title"],
        scheme=content["scheme"],
        parameters={
            model: get_candidate(model).parameters(own)
            for model, own in content["parameters"].items()
        },
        chosen=content["chosen"],
        dataset_hash=content["dataset_hash"],
    )


@dataclass(frozen=True)
class ChosenParameters:
    """Parameters from a preset, from files of ``mien tune`` and from the command line together.

    Attributes
    ----------
    parameters : dict of str to dict
        By model; missing ones keep their default.
    models : tuple of str
        The preset's; empty without one.
    scheme : str or None
        The preset's.
    tuned_on : dict of str to str
        By model, the hash of the dataset that its parameters were chosen on.
    """

    parameters: dict[str, dict[str, Any]]
    models: tuple[str, ...]
    scheme: str | None
    tuned_on: dict[str, str]

    def of(self, model: str) -> dict[str, Any]:
        """Return one model's parameters, with those of its parts.

        Raises
        ------
        MienError
            If parameters were named, but of other models only.
        """
        candidate = get_candidate(model)
        own = {model, *candidate.part_names(self.parameters)}
        if self.tuned_on and own.isdisjoint(self.tuned_on):
            raise MienError(
                f"The parameters that were named are of {', '.join(self.tuned_on)}, but --model is "
                f"{model}.",
                f"Write --model {next(iter(self.tuned_on))}.",
            )
        return candidate.gather(self.parameters)


def collect_parameters(
    preset: str | None,
    paths: Sequence[Path],
    assigned: Mapping[str, Mapping[str, Any]],
    *,
    models: Sequence[str] = (),
) -> ChosenParameters:
    """Put parameters together; a file's replace a preset's, and single ones replace both.

    Parameters
    ----------
    preset : str or None
    paths : sequence of Path
        Files of ``mien tune``.
    assigned : mapping of str to mapping
        Single parameters by model.
    models : sequence of str
        Take only these of the preset's models, and what they are made of; all by default.

    Raises
    ------
    MienError
        If there is no such preset, or a file cannot be read.
    """
    base = get_preset(preset) if preset else None
    parameters = dict(base.parameters) if base else {}
    if models:
        given = _join(parameters, assigned)
        wanted = {n for m in models for n in (m, *get_candidate(m).part_names(given))}
        parameters = {model: own for model, own in parameters.items() if model in wanted}
    tuned_on = dict.fromkeys(parameters, base.dataset_hash) if base else {}
    for stored in map(read_parameters, paths):
        parameters[stored.model] = stored.parameters
        tuned_on[stored.model] = stored.dataset_hash
    return ChosenParameters(
        _join(parameters, assigned),
        tuple(base.parameters) if base else (),
        base.scheme if base else None,
        tuned_on,
    )


def _join(
    parameters: Mapping[str, dict[str, Any]], assigned: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    joined = dict(parameters)
    for model, own in assigned.items():
        if own:
            joined[model] = {**joined.get(model, {}), **own}
    return joined
