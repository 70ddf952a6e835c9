"""What a model's file tells of itself, without loading the model."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mien.errors import MienError
from mien.models.bundle import load_bundle
from mien.models.bundle_check import measure_difference
from mien.models.bundle_file import find_damage, read_card
from mien.models.bundle_versions import find_differences, require_families
from mien.models.model_format import find_reader


def describe_model(path: Path) -> dict[str, Any]:
    """Read a model's card, and compare it with its file and with what is installed here.

    Parameters
    ----------
    path : Path

    Returns
    -------
    dict
        The record (see :func:`mien.models.bundle_record.to_record`); ``file``: ``path``,
        ``bytes``, ``sha256`` and ``damage`` (empty of an intact file); ``differences``: versions
        ``then`` and ``here`` by name; ``problem``: why its features cannot be computed here, or
        empty.

    Raises
    ------
    MienError
        If there is no such file, or it has no card; if it is a damaged skops or ONNX file.
    """
    if not path.is_file():
        raise MienError(f"There is no model at {path}.", "Make one with mien export.")
    if reader := find_reader(path):
        return _compare(path, reader.read_record(path), _hash(path), damage="")
    card = read_card(path)
    if card is None:
        raise MienError(
            f"{path} has no card: it was exported by an earlier release (schema mien.bundle/1), "
            "or is not a model. It was not opened further, since that can run code which it holds.",
            "Export it again; or, if you trust where it comes from, use it with mien predict.",
        )
    return _compare(path, card.record, card.sha256, damage=find_damage(path, card))


def _compare(path: Path, record: Mapping[str, Any], sha256: str, *, damage: str) -> dict[str, Any]:
    versions = record.get("versions") or {}
    try:
        require_families(path, record.get("families") or {}, versions)
        problem = ""
    except MienError as error:
        problem = error.message
    return {
        **record,
        "file": {
            "path": str(path),
            "bytes": path.stat().st_size,
            "sha256": sha256,
            "damage": damage,
        },
        "differences": find_differences(versions),
        "problem": problem,
    }


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_model(path: Path) -> float | None:
    """Load a model and predict its reference inputs again. This runs what the file holds.

    Returns
    -------
    float or None
        The largest difference of a probability; None of a model without reference inputs.

    Raises
    ------
    MienError
        If the model cannot be loaded, as :func:`mien.models.bundle.load_bundle` says.
    """
    return measure_difference(load_bundle(path, on_note=lambda _: None))
