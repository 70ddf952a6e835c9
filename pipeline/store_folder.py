"""The folder of a store while it is made: whose it is, what is unfinished, what may be removed."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mien.errors import MienError
from mien.features.registry import get_family
from mien.files import write_json
from mien.pipeline.checksums import CHECKSUMS, Checksums, Damage, read_checksums
from mien.pipeline.store import (
    BLENDSHAPES_FILE,
    FEATURES,
    MANIFEST,
    MESH,
    PARTS,
    PIXELS,
    PLAN,
    ROWS,
    SAMPLES,
    family_file,
)
from mien.pipeline.store_damage import find_damage
from mien.pipeline.store_manifest import read_manifest, read_record
from mien.pipeline.verified import VERIFIED

_JOB = "job"
"""What an unfinished extraction does to a finished store; not of its plan."""


@dataclass(frozen=True)
class Work:
    """What is to be done to a store.

    Attributes
    ----------
    plan : dict
        What it shall hold: a finished store keeps the families that it has.
    missing : tuple of str, or None
        Families that a finished store lacks, or holds in another version; None where everything is
        to be made.
    damage : dict of str to Damage
        By file, what is to be mended in a finished store.
    checksums : Checksums or None
        Of a finished store's whole files.
    """

    plan: dict[str, Any]
    missing: tuple[str, ...] | None
    damage: dict[str, Damage] = field(default_factory=dict)
    checksums: Checksums | None = None


def prepare_folder(folder: Path, plan: dict[str, Any], *, overwrite: bool) -> Work:
    """Find out what a store lacks, and make its folder ready for the work.

    Parameters
    ----------
    folder : Path
    plan : dict
        Everything that decides the store's content; equal plans give equal stores.
    overwrite : bool
        Replace a store of another plan. Files that are not a store's stay.

    Returns
    -------
    Work

    Raises
    ------
    MienError
        If the folder holds an extraction of another plan, or something that is not a store.
    OSError
        If the folder cannot be written.
    """
    checksums = read_checksums(folder)
    finished = _finished_plan(folder, checksums)
    existing = _unfinished_plan(folder) if finished is None else finished
    if existing and _without_families(existing) == _without_families(plan):
        both = {**existing, "families": {**existing["families"], **plan["families"]}}
        if finished is not None:
            held, wanted = existing["families"], plan["families"]
            missing = tuple(name for name, told in wanted.items() if held.get(name) != told)
            damage, sums = find_damage(folder, existing, checksums, but=missing)
            _require_current(folder, held, damage)
            return Work(both, missing, damage, Checksums(existing, sums))
        if existing["families"] == plan["families"]:
            begin(folder, both)
            return Work(both, None)
    if existing is None and _is_occupied(folder):
        raise MienError(
            f"{folder} exists and is not a feature store.", "Choose a new folder with --out."
        )
    if existing is not None and not overwrite:
        raise MienError(
            f"{folder} holds an extraction of other data, families or versions "
            f"({_differences(existing, plan)}).",
            "Choose another folder with --out, or replace it with --overwrite.",
        )
    # in this order, what a kill leaves behind is the old extraction, or an empty new one
    shutil.rmtree(folder / PARTS, ignore_errors=True)
    write_json(folder / PLAN, plan)
    for name in (
        MANIFEST, CHECKSUMS, VERIFIED, ROWS, PIXELS, MESH, BLENDSHAPES_FILE, SAMPLES,
    ):  # fmt: skip
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / FEATURES, ignore_errors=True)
    return Work(plan, None)


def _require_current(
    folder: Path, families: Mapping[str, Any], damage: Mapping[str, Damage]
) -> None:
    """Refuse to mend features of a version that this release does not compute."""
    for name, told in families.items():
        if family_file(name) not in damage or get_family(name).version == told["version"]:
            continue
        raise MienError(
            f"{folder / family_file(name)} is damaged, and of version {told['version']} of the "
            f"family; this release computes version {get_family(name).version}.",
            f"Add --families {name} to the command: it computes this family anew.",
        )


def begin(folder: Path, plan: dict[str, Any], job: Any = None) -> None:
    """Say what is begun; parts that were computed for something else go first.

    Parameters
    ----------
    folder : Path
    plan : dict
    job : object, optional
        As JSON, what is done to a finished store.
    """
    told = plan if job is None else {**plan, _JOB: job}
    if read_record(folder / PLAN) != told:
        shutil.rmtree(folder / PARTS, ignore_errors=True)
    write_json(folder / PLAN, told)


def remove_leftovers(folder: Path) -> None:
    """Remove the parts and plan of a finished extraction, and half files of killed ones."""
    shutil.rmtree(folder / PARTS, ignore_errors=True)
    (folder / PLAN).unlink(missing_ok=True)
    for below in (folder, folder / FEATURES):
        for path in filter(_is_leftover, below.iterdir()):
            path.unlink(missing_ok=True)


def _without_families(plan: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in plan.items() if key != "families"}


def _finished_plan(folder: Path, checksums: Checksums | None) -> dict[str, Any] | None:
    """Return the plan of a finished store, or None.

    The checksums tell it where the manifest is lost. While an extraction is unfinished, they may
    be there without a manifest, too.
    """
    manifest = read_manifest(folder)
    if manifest is not None:
        return manifest.get("plan", {})
    unfinished = not (folder / MANIFEST).exists() and (folder / PLAN).is_file()
    return None if checksums is None or unfinished else checksums.plan


def _unfinished_plan(folder: Path) -> dict[str, Any] | None:
    told = read_record(folder / PLAN)
    return None if told is None else {key: told[key] for key in told if key != _JOB}


def _is_occupied(folder: Path) -> bool:
    """Tell whether there is anything but what a killed start of an extraction leaves."""
    if not folder.is_dir():
        return folder.exists()
    return any(not _is_leftover(path) for path in folder.iterdir())


def _is_leftover(path: Path) -> bool:
    return path.name.startswith(".") and path.name.endswith(".part")


def _differences(old: dict[str, Any], new: dict[str, Any]) -> str:
    return ", ".join(key for key in new if old.get(key) != new[key])
