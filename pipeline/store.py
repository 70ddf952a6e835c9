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
from mien.features.registry import canonical_spec, get_family
from mien.pipeline.checksums import CHECKSUMS, Checksums, is_sealed, read_checksums
from mien.pipeline.landmarks import FALLBACK
from mien.pipeline.verified import Verifier

STORE_FORMAT = "mien.store/"
STORE_SCHEMA = f"{STORE_FORMAT}2"
MANIFEST = "manifest.json"
ROWS = "rows.parquet"
PIXELS = "pixels.npy"
MESH = "mesh.npy"
BLENDSHAPES_FILE = "blendshapes.npy"
SAMPLES = "samples.json"
FEATURES = "features"
PARTS = "parts"
"""Folder of the finished parts of an extraction that is not finished."""
PLAN = "plan.json"
"""What an unfinished extraction is of."""


def family_file(name: str) -> str:
    """Return a family's array file, relative to the store."""
    return f"{FEATURES}/{name}.npy"


@dataclass(frozen=True)
class FeatureStore:
    """A finished store, opened for reading. Arrays are memory-mapped.

    Attributes
    ----------
    path : Path
        The store's folder.
    manifest : dict
        Schema, dataset name and hash, detector, families with versions and options, counts.
    checksums : Checksums or None
        What a file is checked with before it is read; None in a store of an earlier release.
    """

    path: Path
    manifest: dict[str, Any]
    checksums: Checksums | None = None

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
        if not isinstance(manifest, dict) or not str(manifest.get("schema")).startswith(
            STORE_FORMAT
        ):
            raise MienError(
                f"{folder} is not a feature store: its {MANIFEST} is of something else.",
                "Make one with: mien extract SOURCE --out STORE",
            )
        if manifest.get("schema") != STORE_SCHEMA:
            raise MienError(
                f"{folder} is a store of schema {manifest.get('schema')!r}; this release reads "
                f"{STORE_SCHEMA!r}.",
                "Run mien extract again with --overwrite.",
            )
        checksums = read_checksums(folder)
        if "checksum" in manifest and not is_sealed(manifest):
            raise _damaged_record(manifest_file)
        if checksums is None and "checksum" in manifest:
            raise _damaged_record(folder / CHECKSUMS)
        return cls(folder, manifest, checksums)

    @cached_property
    def _verifier(self) -> Verifier:
        return Verifier(self.path, {} if self.checksums is None else self.checksums.files)

    @cached_property
    def rows(self) -> pd.DataFrame:
        """The table: one row a picture of the source, in its order."""
        self._verifier.require(ROWS)
        try:
            return pd.read_parquet(self.path / ROWS)
        except (OSError, ValueError) as error:
            raise self._damaged(ROWS, error) from error

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
    def blendshapes(self) -> np.ndarray:
        """The landmarker's expression coefficients; float32, shape (n, 52), NaN if none."""
        return self._array(BLENDSHAPES_FILE)

    @cached_property
    def samples(self) -> list[dict[str, str]]:
        """Sample faces with landmarks drawn: ``label``, ``caption``, ``picture`` (a data URI)."""
        self._verifier.require(SAMPLES)
        try:
            return json.loads((self.path / SAMPLES).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise self._damaged(SAMPLES, error) from error

    @cached_property
    def has_face(self) -> np.ndarray:
        """Whether a face was found in each row, and not only placed; bool, shape (n,)."""
        attempt = self.rows["attempt"]
        return ((attempt != "") & ~attempt.str.startswith(FALLBACK)).to_numpy()

    def features(self, name: str) -> np.ndarray:
        """Return a family's array; float32, shape (n, width), NaN in rows without features.

        Raises
        ------
        MienError
            If the store lacks the family or holds another version of it.
        """
        name = canonical_spec(name)
        if name not in self.manifest["families"]:
            raise MienError(
                f"The store {self.path} has no feature family {name!r}; it has "
                f"{', '.join(self.families)}.",
                f"Add it: run the same mien extract command with --families {name}.",
            )
        stored, current = self.manifest["families"][name]["version"], get_family(name).version
        if stored != current:
            raise MienError(
                f"The store {self.path} holds {name} of version {stored}; this release computes "
                f"version {current}.",
                "Run the same mien extract command again: it computes this family anew.",
            )
        return self._array(family_file(name))

    def view(self, families: Sequence[str], indices: np.ndarray) -> np.ndarray:
        """Return the named families side by side for some rows; float32, shape (k, width)."""
        return np.concatenate([self.features(name)[indices] for name in families], axis=1)

    def _array(self, name: str) -> np.ndarray:
        self._verifier.require(name)
        try:
            return np.load(self.path / name, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise self._damaged(name, error) from error

    def _damaged(self, name: str, error: Exception) -> MienError:
        return MienError(
            f"The store's file {self.path / name} cannot be read ({error}).",
            "Run the same mien extract command again; it mends only what is damaged.",
        )


def _damaged_record(file: Path) -> MienError:
    return MienError(
        f"{file} is damaged: it is missing or does not have its checksum.",
        "Run the same mien extract command again; it makes this file anew.",
    )


def _not_a_store(folder: Path) -> tuple[str, str]:
    if (folder / PLAN).is_file():
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
