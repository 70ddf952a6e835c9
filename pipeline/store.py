"""The feature store: a folder with a table of rows, one array a family, and a manifest."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mien.errors import MienError
from mien.features.base import get_family

STORE_SCHEMA = "mien.store/1"
MANIFEST = "manifest.json"
ROWS = "rows.parquet"
PIXELS = "pixels.npy"
MESH = "mesh.npy"
SAMPLES = "samples.json"


def family_file(name: str) -> str:
    """Return a family's array file, relative to the store."""
    return f"features/{name}.npy"


@dataclass(frozen=True)
class FeatureStore:
    """A finished store, opened for reading. Arrays are memory-mapped.

    Attributes
    ----------
    path : Path
        The store's folder.
    manifest : dict
        Schema, dataset name and hash, detector, families with versions and options, counts.
    """

    path: Path
    manifest: dict[str, Any]

    @classmethod
    def open(cls, path: str | Path) -> FeatureStore:
        """Open a store.

        Raises
        ------
        MienError
            If the folder is not a finished store, or of a schema or family version that this
            release does not read.
        """
        folder = Path(path)
        manifest_file = folder / MANIFEST
        if not manifest_file.is_file():
            raise MienError(*_not_a_store(folder))
        try:
            manifest = json.loads(manifest_file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise MienError(
                f"{manifest_file} cannot be read ({error}).", "Run mien extract again."
            ) from error
        if manifest.get("schema") != STORE_SCHEMA:
            raise MienError(
                f"{folder} is a store of schema {manifest.get('schema')!r}; this release reads "
                f"{STORE_SCHEMA!r}.",
                "Run mien extract again.",
            )
        return cls(folder, manifest)

    @cached_property
    def rows(self) -> pd.DataFrame:
        """The table: one row a picture of the source, in its order."""
        return pd.read_parquet(self.path / ROWS)

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in order."""
        return tuple(self.manifest["classes"])

    @property
    def families(self) -> tuple[str, ...]:
        """Names of the families that the store holds."""
        return tuple(self.manifest["families"])

    @cached_property
    def pixels(self) -> np.ndarray:
        """Grey face crops for the CNN; uint8, shape (n, 48, 48)."""
        return self._array(PIXELS)

    @cached_property
    def mesh(self) -> np.ndarray:
        """Landmarks in pixels of the original pictures; float32, shape (n, 478, 3), NaN if none."""
        return self._array(MESH)

    @cached_property
    def samples(self) -> list[dict[str, str]]:
        """Sample faces with landmarks drawn: ``label``, ``caption``, ``picture`` (a data URI)."""
        return json.loads((self.path / SAMPLES).read_text(encoding="utf-8"))

    @cached_property
    def has_face(self) -> np.ndarray:
        """Whether each row has landmarks and features; bool, shape (n,)."""
        return (self.rows["attempt"] != "").to_numpy()

    def features(self, name: str) -> np.ndarray:
        """Return a family's array; float32, shape (n, width), NaN in rows without a face.

        Raises
        ------
        MienError
            If the store lacks the family or holds another version of it.
        """
        if name not in self.manifest["families"]:
            raise MienError(
                f"The store {self.path} has no feature family {name!r}; it has "
                f"{', '.join(self.families)}.",
                f"Extract it with --families {','.join((*self.families, name))}.",
            )
        stored, current = self.manifest["families"][name]["version"], get_family(name).version
        if stored != current:
            raise MienError(
                f"The store {self.path} holds {name} of version {stored}; this release computes "
                f"version {current}.",
                "Run mien extract again with --overwrite.",
            )
        return self._array(family_file(name))

    def view(self, families: Sequence[str], indices: np.ndarray) -> np.ndarray:
        """Return the named families side by side for some rows; float32, shape (k, width)."""
        return np.concatenate([self.features(name)[indices] for name in families], axis=1)

    def _array(self, name: str) -> np.ndarray:
        try:
            return np.load(self.path / name, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise MienError(
                f"The store's file {self.path / name} cannot be read ({error}).",
                "Run mien extract again with --overwrite.",
            ) from error


def _not_a_store(folder: Path) -> tuple[str, str]:
    if (folder / "parts").is_dir():
        return (
            f"The extraction into {folder} is not finished.",
            "Run the same mien extract command again; it goes on where it was.",
        )
    if folder.exists():
        return (
            f"{folder} is not a feature store: it has no {MANIFEST}.",
            "Make one with: mien extract SOURCE --out STORE",
        )
    return (
        f"There is no feature store at {folder}.",
        "Make one with: mien extract SOURCE --out STORE",
    )
