"""Finding what is damaged in a finished store."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mien.pipeline.assembly import ArrayFile, face_arrays, family_arrays
from mien.pipeline.checksums import CHECKSUMS, Checksums, Damage, FileSums, check_file, sum_file
from mien.pipeline.store import MANIFEST, ROWS, SAMPLES
from mien.pipeline.store_manifest import read_manifest


def store_arrays(plan: dict[str, Any]) -> list[ArrayFile]:
    """Return all arrays of a store of that plan."""
    widths = {name: family["width"] for name, family in plan["families"].items()}
    return face_arrays() + family_arrays(widths)


def find_damage(
    folder: Path, plan: dict[str, Any], checksums: Checksums | None, *, but: Collection[str] = ()
) -> tuple[dict[str, Damage], dict[str, FileSums]]:
    """Check all files of a finished store.

    Parameters
    ----------
    folder : Path
    plan : dict
        The store's.
    checksums : Checksums or None
        Without them, shapes and sizes are checked, and the whole files summed up as they are.
    but : collection of str
        Families that are not looked at.

    Returns
    -------
    damage : dict of str to Damage
        By file. The manifest is among them where it cannot be read, and the file of checksums
        where there was none.
    sums : dict of str to FileSums
        Of the files that are whole, and of those that have checksums.
    """
    damage: dict[str, Damage] = {}
    sums: dict[str, FileSums] = {}
    known = {} if checksums is None else checksums.files
    skipped = {array.name for array in family_arrays(dict.fromkeys(but, 0))}
    arrays = {array.name: array for array in store_arrays(plan) if array.name not in skipped}
    for name in (*arrays, ROWS, SAMPLES):
        if name in known:
            sums[name] = known[name]
            found = check_file(folder / name, known[name])
        else:
            found = _check_shape(folder, name, arrays.get(name), plan, sums)
        if found is not None:
            damage[name] = found
    if checksums is None or any(name not in known for name in sums):
        damage[CHECKSUMS] = Damage(None, ())
    if read_manifest(folder) is None:
        damage[MANIFEST] = Damage(None, ())
    return damage, sums


def _check_shape(
    folder: Path,
    name: str,
    array: ArrayFile | None,
    plan: dict[str, Any],
    sums: dict[str, FileSums],
) -> Damage | None:
    """Check a file without checksums; sum it up where nothing is wrong."""
    path, n, part_rows = folder / name, plan["rows"], plan["part_rows"]
    everything = Damage(None, tuple(range(-(-n // part_rows))))
    try:
        if array is not None:
            mapped = np.load(path, mmap_mode="r", allow_pickle=False)
            if mapped.shape != (n, *array.width) or mapped.dtype != array.dtype:
                return everything
            rows = min(part_rows, n)
            block = rows * array.row_bytes
            sums[name] = sum_file(path, head=mapped.offset, block=block, rows=rows)
            return None
        if name == ROWS and len(pd.read_parquet(path)) != n:
            return everything
        sums[name] = sum_file(path)
    except (OSError, ValueError):
        return everything
    return None
