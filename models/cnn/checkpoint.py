"""One file that holds a training between two epochs, replaced in a single step."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mien.errors import MienError
from mien.files import atomic_path

_FORMAT = "mien-cnn-checkpoint-1"


@dataclass(frozen=True)
class Checkpoint:
    """The content of a checkpoint file.

    Attributes
    ----------
    fingerprint : str
        Hash of the data and parameters of the training.
    progress : dict
        History and early-stopping counters, as JSON holds them.
    variables : list of ndarray
        Weights, generator states and optimiser variables, in the network's order.
    best_weights : list of ndarray
        Weights of the best epoch; empty when there is none.
    """

    fingerprint: str
    progress: dict[str, Any]
    variables: list[np.ndarray]
    best_weights: list[np.ndarray]


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint beside the old one, then put it in its place.

    A process killed at any moment leaves either the old file or the new one, never a part.

    Parameters
    ----------
    path : Path
        The file; its folder is made.
    checkpoint : Checkpoint
        What to write.
    """
    header = {
        "format": _FORMAT,
        "fingerprint": checkpoint.fingerprint,
        "progress": checkpoint.progress,
    }
    arrays = {"header": np.asarray(json.dumps(header))}
    arrays |= {f"variable_{i}": value for i, value in enumerate(checkpoint.variables)}
    arrays |= {f"best_{i}": value for i, value in enumerate(checkpoint.best_weights)}
    with atomic_path(path, durable=True) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def read_checkpoint(path: Path) -> Checkpoint | None:
    """Read a checkpoint.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Checkpoint or None
        None when there is no file.

    Raises
    ------
    MienError
        When the file is something else; it is not overwritten.
    """
    if not path.exists():
        return None
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            header = json.loads(str(arrays["header"]))
            if header["format"] != _FORMAT:
                raise KeyError("format")
            names = arrays.files
            variables = [arrays[name] for name in _numbered(names, "variable_")]
            best_weights = [arrays[name] for name in _numbered(names, "best_")]
    except Exception as error:  # a damaged archive may raise anything
        raise MienError(
            f"Expected a checkpoint of a training at {path}, but it cannot be read as one.",
            "Remove the file, or give another path.",
        ) from error
    return Checkpoint(header["fingerprint"], header["progress"], variables, best_weights)


def _numbered(names: Iterable[str], prefix: str) -> list[str]:
    found = [name for name in names if name.startswith(prefix)]
    return sorted(found, key=lambda name: int(name.removeprefix(prefix)))
