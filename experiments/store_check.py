"""Checking every file of a feature store, and saying what is damaged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import typer

from mien.experiments.console import OUT, escape, working
from mien.pipeline.checksums import CHECKSUMS
from mien.pipeline.extract import PART_ROWS
from mien.pipeline.store import FeatureStore
from mien.pipeline.store_damage import find_damage
from mien.pipeline.verified import forget_verified


def check_store(folder: Path, *, as_json: bool) -> bool:
    """Compare all files of a store with their checksums, and print what is found.

    Parameters
    ----------
    folder : Path
    as_json : bool
        Print JSON for programs: ``files``, and ``damaged``, what is wrong with a file by its name.

    Returns
    -------
    bool
        Whether the store is whole.

    Raises
    ------
    MienError
        If there is no store, or its manifest or its checksums are damaged.
    """
    store = FeatureStore.open(folder)
    with working("checking"):
        damage, sums = find_damage(folder, _plan_of(store), store.checksums)
    without = store.checksums is None
    damage.pop(CHECKSUMS, None)
    told = {name: found.describe(sums.get(name)) for name, found in sorted(damage.items())}
    if told:
        forget_verified(folder)
    if as_json:
        content = {"files": sorted({*sums, *damage}), "checksums": not without, "damaged": told}
        typer.echo(json.dumps(content, indent=1, ensure_ascii=False))
        return not told
    for name, text in told.items():
        OUT.print(f"[bold red]Damaged:[/] {escape(str(folder / name))} {text}")
    if told:
        OUT.print("Run the same mien extract command again; it mends only what is damaged.")
    elif without:
        OUT.print(
            f"{len(sums)} files are there in full size. They have no checksums: the same mien "
            "extract command again makes them."
        )
    else:
        OUT.print(f"{len(sums)} files have their checksums.")
    return not told


def _plan_of(store: FeatureStore) -> dict[str, Any]:
    own = {key: store.manifest[key] for key in ("rows", "families")}
    return {"part_rows": PART_ROWS, **own, **store.manifest["plan"]}
