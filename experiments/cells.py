"""What is kept of a finished fit: its folds as JSON, and beside them what it said of each row."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mien.experiments.evaluate import FoldResult, HeldOut
from mien.files import atomic_path


@dataclass(frozen=True)
class Cell:
    """A finished fit, and its predictions of the folds that it serves.

    Attributes
    ----------
    folds : list of dict
        Of the results schema.
    outputs : list of ndarray of float32, shape (n, n_classes)
        By fold, class scores or probabilities of its test rows; see
        :class:`mien.experiments.evaluate.FoldResult`.
    held_out : HeldOut or None
        A network's.
    """

    folds: list[dict[str, Any]]
    outputs: list[np.ndarray]
    held_out: HeldOut | None

    @classmethod
    def of(cls, results: Sequence[FoldResult]) -> Cell:
        """Take what is kept from results that share one fit."""
        folds = [result.to_json() for result in results]
        return cls(folds, [result.outputs for result in results], results[0].held_out)


def write_cell(target: Path, cell: Cell) -> None:
    """Write a cell: ``target`` and, with the suffix ``.npz``, its arrays; each atomically.

    The arrays come first, with the JSON text's checksum: without them, or with others, it is of no
    finished write, or damaged. Both are on the disk when this returns.
    """
    text = json.dumps(cell.folds, indent=1, ensure_ascii=False) + "\n"
    arrays: dict[str, Any] = {
        f"outputs_{i}": own.astype(np.float32) for i, own in enumerate(cell.outputs)
    }
    if cell.held_out is not None:
        arrays["held_out_rows"] = cell.held_out.rows
        arrays["held_out_outputs"] = cell.held_out.outputs.astype(np.float32)
    arrays["text_crc32"] = np.uint32(zlib.crc32(text.encode()))
    with (
        atomic_path(target.with_suffix(".npz"), durable=True) as path,
        path.open("wb") as file,
    ):
        np.savez(file, **arrays)
    with atomic_path(target, durable=True) as path:
        path.write_text(text, encoding="utf-8")


def read_cell(source: Path) -> Cell | None:
    """Return a finished fit; None if a file of it is missing or damaged."""
    try:
        text = source.read_text(encoding="utf-8")
        folds = json.loads(text)
        with (
            source.with_suffix(".npz").open("rb") as file,
            np.load(file, allow_pickle=False) as arrays,
        ):
            if arrays.get("text_crc32", known := zlib.crc32(text.encode())) != known:
                return None
            outputs = [arrays[f"outputs_{i}"] for i in range(len(folds))]
            held_out = (
                HeldOut(arrays["held_out_rows"], arrays["held_out_outputs"])
                if "held_out_rows" in arrays
                else None
            )
    except Exception:  # a damaged archive may raise anything
        return None
    return Cell(folds, outputs, held_out)
