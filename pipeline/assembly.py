"""Joining the parts of an extraction into the files of a store."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mien.errors import MienError
from mien.features.faces import BLENDSHAPES
from mien.features.scheme import MESH_POINTS
from mien.files import atomic_path
from mien.pipeline.checksums import FileSums, SumsOfWritten, write_summed
from mien.pipeline.detector import ATTEMPTS
from mien.pipeline.face_crop import CNN_SIDE, draw_sample
from mien.pipeline.faceset import FaceSet
from mien.pipeline.parts import PART_COLUMNS
from mien.pipeline.reasons import PictureError
from mien.pipeline.store import BLENDSHAPES_FILE, MESH, PIXELS, ROWS, SAMPLES, family_file

SAMPLES_PER_CLASS = 3


@dataclass(frozen=True)
class ArrayFile:
    """One of a store's arrays.

    Attributes
    ----------
    name : str
        Its file in the store's folder.
    key : str
        Its name in a part.
    width : tuple of int
        Shape of a row.
    dtype : type
    """

    name: str
    key: str
    width: tuple[int, ...]
    dtype: type[np.generic]

    @property
    def row_bytes(self) -> int:
        """Bytes of a row."""
        return int(np.prod(self.width)) * np.dtype(self.dtype).itemsize


def face_arrays() -> list[ArrayFile]:
    """Return the arrays that detection makes."""
    return [
        ArrayFile(PIXELS, "pixels", (CNN_SIDE, CNN_SIDE), np.uint8),
        ArrayFile(MESH, "mesh", (MESH_POINTS, 3), np.float32),
        ArrayFile(BLENDSHAPES_FILE, "blendshapes", (BLENDSHAPES,), np.float32),
    ]


def family_arrays(families: dict[str, int]) -> list[ArrayFile]:
    """Return the arrays of families, whose numbers of columns are given."""
    return [
        ArrayFile(family_file(name), f"family:{name}", (width,), np.float32)
        for name, width in families.items()
    ]


def assemble_store(
    dataset: FaceSet, folder: Path, parts: list[Path], families: dict[str, int]
) -> tuple[pd.DataFrame, dict[str, FileSums]]:
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
    rows : DataFrame
        The table that was written.
    sums : dict of str to FileSums
        Of the files that were written.

    Raises
    ------
    MienError
        If a part is damaged; it is removed, so that the next run computes it again.
    OSError
        If a file cannot be written.
    """
    n = len(dataset)
    sums = _join(face_arrays(), folder, parts, n) | join_families(folder, parts, families, n)
    rows, sums[ROWS] = write_rows(dataset, folder, parts)
    sums[SAMPLES] = write_samples(dataset, rows, folder)
    return rows, sums


def join_families(
    folder: Path, parts: list[Path], families: dict[str, int], n: int
) -> dict[str, FileSums]:
    """Join the parts' features into one array a family, as :func:`assemble_store` does."""
    return _join(family_arrays(families), folder, parts, n)


def write_rows(dataset: FaceSet, folder: Path, parts: list[Path]) -> tuple[pd.DataFrame, FileSums]:
    """Write the table of rows."""
    rows = _join_rows(dataset, parts)
    content = io.BytesIO()
    rows.to_parquet(content, index=False)
    with atomic_path(folder / ROWS, durable=True) as path:
        return rows, write_summed(path, content.getvalue())


def write_samples(dataset: FaceSet, rows: pd.DataFrame, folder: Path) -> FileSums:
    """Write the drawn sample faces; the mesh must be there."""
    text = json.dumps(_draw_samples(dataset, rows, folder), indent=1, ensure_ascii=False)
    with atomic_path(folder / SAMPLES, durable=True) as path:
        return write_summed(path, f"{text}\n".encode())


def write_array(folder: Path, array: ArrayFile, pieces: Iterable[np.ndarray], n: int) -> FileSums:
    """Write an ``.npy`` file piece by piece: unlike a memory map, a full disk is an error to it.

    Parameters
    ----------
    folder : Path
        The store's.
    array : ArrayFile
    pieces : iterable of ndarray
        Runs of rows, in order, all of one length but the last.
    n : int
        Rows in all.
    """
    header = {
        "descr": np.lib.format.dtype_to_descr(np.dtype(array.dtype)),
        "fortran_order": False,
        "shape": (n, *array.width),
    }
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, header)
    with atomic_path(folder / array.name, durable=True) as path, path.open("wb") as file:
        rows, writer = 0, None
        for values in pieces:
            if writer is None:
                writer = SumsOfWritten(file, rows=len(values))
                writer.write(head.getvalue())
            writer.write(np.ascontiguousarray(values, dtype=array.dtype).data)
            rows += len(values)
        assert writer is not None
        assert rows == n
    return writer.finish()


def read_parts(parts: Iterable[Path], *keys: str) -> Iterator[list[np.ndarray]]:
    """Read some arrays of each part, opening it once.

    Raises
    ------
    MienError
        If a part is damaged; it is removed, so that the next run computes it again.
    """
    for part in parts:
        try:
            with part.open("rb") as file, np.load(file, allow_pickle=False) as content:
                values = [content[key] for key in keys]
        except (FileNotFoundError, PermissionError, MemoryError):
            raise
        except Exception as error:  # a damaged archive may raise anything
            part.unlink()
            raise MienError(
                f"The part {part} is damaged ({error}); it was removed.",
                "Run the same command again; it computes this part anew.",
            ) from error
        yield values


def _join(arrays: list[ArrayFile], folder: Path, parts: list[Path], n: int) -> dict[str, FileSums]:
    return {
        array.name: write_array(folder, array, (own for (own,) in read_parts(parts, array.key)), n)
        for array in arrays
    }


def _join_rows(dataset: FaceSet, parts: list[Path]) -> pd.DataFrame:
    rows = dataset.rows.copy()
    known = rows["reason"].to_numpy(dtype=str)
    columns = zip(*read_parts(parts, *PART_COLUMNS), strict=True)
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
