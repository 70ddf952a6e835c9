"""The file of tuned parameters, which ``mien tune`` writes for ``compare`` and ``export``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import mien
from mien.errors import MienError
from mien.experiments.candidates import get_candidate
from mien.experiments.folds import Folds
from mien.experiments.row_data import RowData
from mien.experiments.tune import TuneResult
from mien.files import write_json, writing

PARAMETERS_SCHEMA = "mien.parameters/1"


def write_parameters(target: Path, result: TuneResult, data: RowData, folds: Folds) -> None:
    """Write tuned parameters with where they come from, for ``compare`` and ``export``.

    Raises
    ------
    MienError
        If the file cannot be written.
    """
    content = {
        "schema": PARAMETERS_SCHEMA,
        "mien": mien.__version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "model": result.model,
        "parameters": result.parameters,
        "accuracy": result.accuracy,
        "scheme": folds.scheme,
        "folds_digest": folds.digest(),
        "seed": folds.seed,
        "trials": result.trials,
        "pruned": result.pruned,
        "study": result.study,
        "rows": result.rows,
        "rows_left_out": result.left_out,
        "dataset": data.store.manifest["name"],
        "dataset_hash": data.store.manifest["dataset_hash"],
    }
    with writing(target, "Choose another file with --out."):
        write_json(target, content)


@dataclass(frozen=True)
class StoredParameters:
    """What ``mien tune`` wrote: model, parameters, and the hash of the dataset they come from."""

    model: str
    parameters: dict[str, Any]
    dataset_hash: str


def read_parameters(source: Path) -> StoredParameters:
    """Read tuned parameters.

    Raises
    ------
    MienError
        If the file is missing or was not written by ``mien tune``.
    """
    try:
        content = json.loads(source.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MienError(
            f"The parameters {source} cannot be read ({error}).", "Make them with mien tune."
        ) from error
    try:
        if content["schema"] != PARAMETERS_SCHEMA:
            raise ValueError
        candidate = get_candidate(content["model"])
        parameters = candidate.parameters(content["parameters"])
        return StoredParameters(candidate.name, parameters, str(content["dataset_hash"]))
    except (KeyError, TypeError, ValueError) as error:
        raise MienError(
            f"{source} does not hold parameters of the schema {PARAMETERS_SCHEMA}.",
            "Make them with mien tune.",
        ) from error
