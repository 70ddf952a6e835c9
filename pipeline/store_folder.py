"""The folder of a store while it is made: whose it is, what is unfinished, what may be removed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mien.errors import MienError
from mien.features.faces import BLENDSHAPES
from mien.features.scheme import MESH_POINTS
from mien.files import write_json
from mien.pipeline.face_crop import CNN_SIDE
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
    STORE_FORMAT,
    family_file,
)


def prepare_folder(
    folder: Path, plan: dict[str, Any], *, overwrite: bool
) -> tuple[dict[str, Any], tuple[str, ...] | None]:
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
    plan : dict
        What the store shall hold: a finished store keeps the families that it has.
    missing : tuple of str, or None
        Families that a finished store lacks, or holds in another version; None where everything is
        to be made.

    Raises
    ------
    MienError
        If the folder holds an extraction of another plan, or something that is not a store.
    OSError
        If the folder cannot be written.
    """
    existing = _existing_plan(folder)
    if existing and _without_families(existing) == _without_families(plan):
        finished = (folder / MANIFEST).is_file()
        if finished and _is_whole(folder, existing):
            return _prepare_extension(folder, existing, plan["families"])
        both = {**existing, "families": {**existing["families"], **plan["families"]}}
        if finished or existing["families"] == plan["families"]:
            (folder / MANIFEST).unlink(missing_ok=True)
            _begin(folder, both)
            return both, None
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
    for name in (MANIFEST, ROWS, PIXELS, MESH, BLENDSHAPES_FILE, SAMPLES):
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / FEATURES, ignore_errors=True)
    return plan, None


def _without_families(plan: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in plan.items() if key != "families"}


def _prepare_extension(
    folder: Path, existing: dict[str, Any], wanted: dict[str, Any]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    held = existing["families"]
    missing = tuple(name for name, told in wanted.items() if held.get(name) != told)
    plan = {**existing, "families": {**held, **wanted}}
    if missing:
        _begin(folder, plan)
    return plan, missing


def _begin(folder: Path, plan: dict[str, Any]) -> None:
    """Say what is begun; parts that were computed for something else go first."""
    if _read_plan(folder / PLAN) != plan:
        shutil.rmtree(folder / PARTS, ignore_errors=True)
    write_json(folder / PLAN, plan)


def _existing_plan(folder: Path) -> dict[str, Any] | None:
    """Return the plan of the extraction that the folder holds, or None if it holds none."""
    manifest = _read_plan(folder / MANIFEST)
    return _read_plan(folder / PLAN) if manifest is None else manifest.get("plan", {})


def _read_plan(path: Path) -> dict[str, Any] | None:
    """Read a plan or a manifest; None for anything else."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, ValueError):
        return None
    known = isinstance(content, dict) and str(content.get("schema")).startswith(STORE_FORMAT)
    return content if known else None


def _is_occupied(folder: Path) -> bool:
    """Tell whether there is anything but what a killed start of an extraction leaves."""
    if not folder.is_dir():
        return folder.exists()
    return any(not _is_leftover(path) for path in folder.iterdir())


def _is_leftover(path: Path) -> bool:
    return path.name.startswith(".") and path.name.endswith(".part")


def _is_whole(folder: Path, plan: dict[str, Any]) -> bool:
    """Tell whether a finished store still has all its files."""
    n = plan["rows"]
    shapes: dict[str, tuple[int, ...]] = {
        PIXELS: (n, CNN_SIDE, CNN_SIDE),
        MESH: (n, MESH_POINTS, 3),
        BLENDSHAPES_FILE: (n, BLENDSHAPES),
    }
    for name, family in plan["families"].items():
        shapes[family_file(name)] = (n, family["width"])
    try:
        whole = all(np.load(folder / f, mmap_mode="r").shape == s for f, s in shapes.items())
        return whole and len(pd.read_parquet(folder / ROWS)) == n and (folder / SAMPLES).is_file()
    except (OSError, ValueError):
        return False


def remove_leftovers(folder: Path) -> None:
    """Remove the parts and plan of a finished extraction, and half files of killed ones."""
    shutil.rmtree(folder / PARTS, ignore_errors=True)
    (folder / PLAN).unlink(missing_ok=True)
    for below in (folder, folder / FEATURES):
        for path in filter(_is_leftover, below.iterdir()):
            path.unlink(missing_ok=True)


def _differences(old: dict[str, Any], new: dict[str, Any]) -> str:
    return ", ".join(key for key in new if old.get(key) != new[key])
