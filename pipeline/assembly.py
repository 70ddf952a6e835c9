"""Joining the parts of an extraction into the files of a store."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from mien.errors import MienError
from mien.features.faces import BLENDSHAPES
from mien.features.scheme import MESH_POINTS
from mien.files import atomic_path, write_json
from mien.pipeline.detector import ATTEMPTS
from mien.pipeline.face_crop import CNN_SIDE, draw_sample
from mien.pipeline.faceset import FaceSet
from mien.pipeline.parts import PART_COLUMNS
from mien.pipeline.reasons import PictureError
from mien.pipeline.store import BLENDSHAPES_FILE, MESH, PIXELS, ROWS, SAMPLES, family_file

SAMPLES_PER_CLASS = 3


def assemble_store(
    dataset: FaceSet, folder: Path, parts: list[Path], families: dict[str, int]
) -> pd.DataFrame:
    """Join the parts into one array a family, the mesh, the pixels and the table of rows.

    Parameters
    ----------
    dataset : FaceSet
    folder : Path
        The store's folder.
    parts : list of Path
        The parts' files, in the order of their rows.
    families : dict of str to int
        Each family's number of columns.

    Returns
    -------
    DataFrame
        The table that was written.

    Raises
    ------
    MienError
        If a part is damaged; it is removed, so that the next run computes it again.
    OSError
        If a file cannot be written.
    """
    n = len(dataset)
    _join(parts, "pixels", folder / PIXELS, (n, CNN_SIDE, CNN_SIDE), np.uint8)
    _join(parts, "mesh", folder / MESH, (n, MESH_POINTS, 3), np.float32)
    _join(parts, "blendshapes", folder / BLENDSHAPES_FILE, (n, BLENDSHAPES), np.float32)
    join_families(folder, parts, families, n)
    rows = _join_rows(dataset, parts)
    with atomic_path(folder / ROWS) as path:
        rows.to_parquet(path, index=False)
    write_json(folder / SAMPLES, _draw_samples(dataset, rows, folder))
    return rows


def join_families(folder: Path, parts: list[Path], families: dict[str, int], n: int) -> None:
    """Join the parts' features into one array a family; arguments as :func:`assemble_store` has."""
    for name, width in families.items():
        _join(parts, f"family:{name}", folder / family_file(name), (n, width), np.float32)


def _join(
    parts: list[Path], key: str, target: Path, shape: tuple[int, ...], dtype: type[np.generic]
) -> None:
    """Write an ``.npy`` file part by part: unlike a memory map, a full disk is an error to it."""
    header = {
        "descr": np.lib.format.dtype_to_descr(np.dtype(dtype)),
        "fortran_order": False,
        "shape": shape,
    }
    with atomic_path(target) as path, path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        rows = 0
        for (values,) in _read_parts(parts, key):
            file.write(np.ascontiguousarray(values, dtype=dtype).data)
            rows += len(values)
        assert rows == shape[0]


def _read_parts(parts: list[Path], *keys: str) -> Iterator[list[np.ndarray]]:
    """Read some arrays of each part, opening it once."""
    for part in parts:
        try:
            with part.open("rb") as file, np.load(file, allow_pickle=False) as content:
                values = [content[key] for key in keys]
        except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            part.unlink()
            raise MienError(
                f"The part {part} is damaged ({error}); it was removed.",
                "Run the same command again; it computes this part anew.",
            ) from error
        yield values


def _join_rows(dataset: FaceSet, parts: list[Path]) -> pd.DataFrame:
    rows = dataset.rows.copy()
    known = rows["reason"].to_numpy(dtype=str)
    columns = zip(*_read_parts(parts, *PART_COLUMNS), strict=True)
    for name, pieces in zip(PART_COLUMNS, columns, strict=True):
        values = np.concatenate(pieces)
        if name == "reason":
            values = np.where(known != "", known, values)
        rows[name] = values
    return rows


def _draw_samples(dataset: FaceSet, rows: pd.DataFrame, folder: Path) -> list[dict[str, str]]:
    """Draw a few faces of each class, of different persons where persons are known."""
    mesh = np.load(folder / MESH, mmap_mode="r")
    samples = []
    for position, label in enumerate(dataset.classes):
        usable = rows[(rows["label"] == label) & (rows["attempt"] == ATTEMPTS[0].name)]
        if (usable["subject"] != "").any():
            usable = usable.drop_duplicates("subject")
        chosen = usable.sample(min(SAMPLES_PER_CLASS, len(usable)), random_state=position)
        for index in chosen.index:
            try:
                picture = dataset.pictures.read(int(index))
            except PictureError:
                continue
            samples.append(
                {
                    "label": label,
                    "caption": str(chosen.loc[index, "picture"]),
                    "picture": draw_sample(picture, np.asarray(mesh[index])),
                }
            )
    return samples
