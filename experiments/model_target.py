"""Where mien export writes a model, and in which format."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from mien.errors import MienError
from mien.experiments.candidates import get_candidate
from mien.experiments.evaluate import read_features
from mien.experiments.row_data import RowData
from mien.models.bundle import Bundle, save_bundle
from mien.models.checked_file import Agreement
from mien.models.model_format import FORMATS, refuse_network, suffix_format
from mien.models.onnx_file import require_onnx, save_onnx
from mien.models.skops_file import require_skops, save_skops

CHECKED_ROWS = 1000
"""Faces of the store on which a file's predictions are compared with the model's."""


class ModelTarget(NamedTuple):
    """A file to write a model to.

    Attributes
    ----------
    path : Path
    file_format : str
        One of :data:`mien.models.model_format.FORMATS`.
    """

    path: Path
    file_format: str


def choose_target(out: Path | None, file_format: str | None, model: str) -> ModelTarget:
    """Choose a model's file and format, and find out before the fit whether it can be written.

    Parameters
    ----------
    out : Path, optional
        ``model.`` and the format by default.
    file_format : str, optional
        What the suffix of ``out`` says by default, else joblib.
    model : str
        The candidate's name.

    Raises
    ------
    MienError
        If the format is not known, is not what the suffix says, cannot hold such a model, or needs
        a package that is not installed.
    """
    named = None if out is None else suffix_format(out)
    chosen = file_format or named or "joblib"
    if chosen not in FORMATS:
        raise MienError(f"There is no format {chosen!r}.", f"Choose one of {', '.join(FORMATS)}.")
    if out is not None and named not in (None, chosen):
        raise MienError(
            f"--format is {chosen}, but {out} is named like a {named} file.",
            f"Write --out {out.with_suffix('.' + chosen)}.",
        )
    if chosen != "joblib" and get_candidate(model).kind != "svm":
        raise refuse_network(model, chosen)
    if chosen != "joblib":
        {"skops": require_skops, "onnx": require_onnx}[chosen]()
    return ModelTarget(Path(f"model.{chosen}") if out is None else out, chosen)


def write_model(
    bundle: Bundle, target: ModelTarget, data: RowData, *, max_size: int | None = None
) -> Agreement | None:
    """Write a model in the format that was chosen.

    Parameters
    ----------
    bundle : Bundle
    target : ModelTarget
    data : RowData
        What it was fitted on.
    max_size : int, optional
        Bytes that the file may have.

    Returns
    -------
    Agreement or None
        How far the file's predictions are the model's; None for joblib, which keeps the model
        as it is.

    Raises
    ------
    MienError
        If it cannot be written, is too large, or does not predict what the model does.
    """
    if target.file_format == "joblib":
        save_bundle(bundle, target.path, max_size=max_size)
        return None
    save = {"skops": save_skops, "onnx": save_onnx}[target.file_format]
    rows = draw_faces(data, bundle, CHECKED_ROWS)
    return save(bundle, target.path, rows, max_size=max_size)


def draw_faces(data: RowData, bundle: Bundle, count: int) -> np.ndarray:
    """Return the features of some of a store's usable faces, evenly from its rows.

    Parameters
    ----------
    data : RowData
    bundle : Bundle
        A model that reads features.
    count : int

    Returns
    -------
    ndarray of float32, shape (at most count, width)
    """
    rows = np.flatnonzero(data.usable & data.store.has_face)
    chosen = np.unique(np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(int))
    features, _ = read_features(data, list(bundle.families), rows[chosen])
    return features
