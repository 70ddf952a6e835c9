"""Export as a function: the model fitted on all rows, as one file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mien.experiments.api.arguments import (
    PathLike,
    StoreLike,
    assign_parameters,
    open_data,
    to_bytes,
)
from mien.experiments.candidates import get_candidate
from mien.experiments.export import fit_bundle
from mien.experiments.presets import collect_parameters
from mien.experiments.time_budget import set_time_budget
from mien.experiments.training_notes import TrainingNotes
from mien.experiments.writable import check_writable
from mien.models.bundle import Bundle, save_bundle


def export(
    store: StoreLike,
    model: str = "svm-rbf",
    *,
    out: PathLike = "model.joblib",
    preset: str | None = None,
    tuned: PathLike | None = None,
    parameters: Mapping[str, Any] | None = None,
    split: str | None = None,
    row_filter: PathLike | None = None,
    memory: int | str | None = None,
    max_size: int | str | None = None,
    time_budget: str | None = None,
    seed: int = 0,
    on_note: Callable[[str], None] | None = None,
    on_fitted: Callable[[Bundle], None] | None = None,
) -> Path:
    """Fit a model on all rows and write it as one file, as ``mien export`` does.

    Parameters
    ----------
    store : FeatureStore, str or path
    model : str
        ``"svm-linear"``, ``"svm-poly"``, ``"svm-rbf"``, ``"cnn"``, ``"cnn-modern"``,
        ``"cnn-compact"`` or ``"fusion"``.
    out : str or path
        The file, which :func:`mien.load` reads.
    preset : str, optional
        Tuned parameters that come with Mien: ``"fer2013-svm"``.
    tuned : TunedResult, str or path, optional
        Parameters from :func:`mien.tune` or ``mien tune``.
    parameters : mapping, optional
        Single parameters, ``{"C": 10}``; those of a fusion's parts by their name,
        ``{"svm-rbf": {"C": 10}}``.
    split : str, optional
        Fit only on this split: ``"Training"``.
    row_filter : str or path, optional
        Use only the rows that this file of ``mien audit`` keeps.
    memory : int or str, optional
        Bytes that may be used, or ``"8GB"``; 60 % of the machine's by default.
    max_size : int or str, optional
        Bytes that the file may have, or ``"50MB"``; a larger SVM is reduced.
    time_budget : str, optional
        Time that a network's training may take: ``"45m"``.
    seed : int
    on_note : callable, optional
        Called with a line of text on what a network's training is at.
    on_fitted : callable, optional
        Called with the fitted :class:`~mien.models.bundle.Bundle`, when it is written.

    Returns
    -------
    Path
        ``out``.

    Raises
    ------
    MienError
        If there is no such model or split, a parameter is not allowed, no model is small enough,
        or the file cannot be written.

    Examples
    --------
    >>> import mien
    >>> mien.export("store", "svm-rbf", parameters={"C": 10}, out="model.joblib").name
    'model.joblib'
    """
    target, data = Path(out), open_data(store, row_filter)
    check_writable(target)
    assigned = assign_parameters(parameters, model)
    size = to_bytes(max_size, "--max-size")
    chosen = collect_parameters(preset, [] if tuned is None else [Path(tuned)], assigned)
    budgeted = set_time_budget(chosen.parameters, time_budget, models=(model,), assigned=assigned)
    given = replace(chosen, parameters=budgeted).of(model)
    notes = TrainingNotes(_count_epochs(model, given), on_note) if on_note else None
    bundle = fit_bundle(
        data,
        model,
        given,
        split=split,
        seed=seed,
        memory=to_bytes(memory, "--memory"),
        max_size=size,
        on_epoch=notes.epoch if notes else None,
        on_step=notes.step if notes else None,
    )
    save_bundle(bundle, target, max_size=size)
    if on_fitted:
        on_fitted(bundle)
    return target


def _count_epochs(model: str, given: Mapping[str, Any]) -> int:
    """Return the epochs that the model's network, or its part's, is trained for at most."""
    candidate = get_candidate(model)
    complete = candidate.parameters(given)
    fitted = (complete, *(part.parameters for part in candidate.parts(complete)))
    return next((int(own["epochs"]) for own in fitted if "epochs" in own), 0)
