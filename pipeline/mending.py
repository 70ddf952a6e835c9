"""Mending a damaged store: what is damaged is computed again, and the rest stays as it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mien.pipeline.assembly import (
    ArrayFile,
    face_arrays,
    read_parts,
    write_array,
    write_rows,
    write_samples,
)
from mien.pipeline.checksums import Damage, FileSums, read_block
from mien.pipeline.faceset import FaceSet
from mien.pipeline.parts import FamilyTask, PartTask
from mien.pipeline.store import ROWS, SAMPLES, family_file
from mien.pipeline.store_damage import store_arrays


@dataclass(frozen=True)
class Mending:
    """What is computed again, and put into the place of what is damaged.

    Attributes
    ----------
    dataset : FaceSet
    folder : Path
        The store's.
    plan : dict
        The store's.
    damage : mapping of str to Damage
        By file.
    sums : mapping of str to FileSums
        Of the store's files.
    part_file : callable
        Returns the file of a part by its number.
    bundle : Path
        The landmarker's verified bundle.
    """

    dataset: FaceSet
    folder: Path
    plan: dict[str, Any]
    damage: Mapping[str, Damage]
    sums: Mapping[str, FileSums]
    part_file: Callable[[int], Path]
    bundle: Path

    def list_parts(self) -> dict[int, tuple[str, ...]]:
        """Return the parts to compute again, each with the families to compute of it."""
        parts: dict[int, set[str]] = defaultdict(set)
        for number in self._parts_to_detect():
            parts[number] = set()
        for name in self.plan["families"]:
            for number in self._damaged(family_file(name)):
                parts[number].add(name)
        return {number: tuple(sorted(names)) for number, names in sorted(parts.items())}

    def make_task(self, number: int, rows: slice) -> PartTask | FamilyTask:
        """Return what a worker needs for one of these parts.

        Faces are detected again only where a file that tells of them is damaged.
        """
        families = self.list_parts()[number]
        target, pictures = self.part_file(number), self._subset(rows)
        if number in self._parts_to_detect():
            unusable = (self.dataset.rows["reason"] != "").to_numpy()[rows]
            return PartTask(
                target=target,
                pictures=pictures,
                skip=tuple(bool(x) for x in unusable),
                families=families,
                bundle=self.bundle,
                detector=self.plan["detector"]["name"],
            )
        _, mesh, blendshapes = (self._read(array, number) for array in face_arrays())
        return FamilyTask(
            target=target, pictures=pictures, families=families, mesh=mesh, blendshapes=blendshapes
        )

    def join(self) -> dict[str, FileSums]:
        """Write the damaged files anew; return the checksums of all."""
        sums = dict(self.sums)
        for array in store_arrays(self.plan):
            if array.name in self.damage:
                pieces = self._read_pieces(array)
                sums[array.name] = write_array(self.folder, array, pieces, self.plan["rows"])
        if ROWS in self.damage:
            parts = [self.part_file(i) for i in range(self._count_parts())]
            _, sums[ROWS] = write_rows(self.dataset, self.folder, parts)
        if SAMPLES in self.damage:
            rows = pd.read_parquet(self.folder / ROWS)
            sums[SAMPLES] = write_samples(self.dataset, rows, self.folder)
        return sums

    def _parts_to_detect(self) -> set[int]:
        if ROWS in self.damage:
            return set(range(self._count_parts()))
        return {number for array in face_arrays() for number in self._damaged(array.name)}

    def _damaged(self, name: str) -> tuple[int, ...]:
        return self.damage[name].blocks if name in self.damage else ()

    def _count_parts(self) -> int:
        return -(-self.plan["rows"] // self.plan["part_rows"])

    def _subset(self, rows: slice) -> Any:
        return self.dataset.pictures.subset(range(rows.start, rows.stop))

    def _read_pieces(self, array: ArrayFile) -> Iterator[np.ndarray]:
        bad = set(self._damaged(array.name))
        for number in range(self._count_parts()):
            if number in bad:
                yield from next(read_parts([self.part_file(number)], array.key))
            else:
                yield self._read(array, number)

    def _read(self, array: ArrayFile, number: int) -> np.ndarray:
        """Read a part's rows from a file of the store, of which they are a block that is whole."""
        with (self.folder / array.name).open("rb") as file:
            content = read_block(file, self.sums[array.name], number)
        return np.frombuffer(content, dtype=array.dtype).reshape(-1, *array.width)
