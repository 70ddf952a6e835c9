"""Export as a function: the model fitted on all rows, as one file."""

from __future__ import annotations

import os
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
from mien.experiments.export_bundle import CardOptions
from mien.experiments.model_card.write import check_ending, write_card
from mien.experiments.model_target import choose_target, write_model
from mien.experiments.presets import collect_parameters
from mien.experiments.report import read_results
from mien.experiments.time_budget import set_time_budget
from mien.experiments.training_notes import TrainingNotes
from mien.experiments.writable import check_writable
from mien.models.bundle import Bundle
from mien.models.bundle_record import to_record
from mien.models.checked_file import Agreement


def export(
    store: StoreLike,
    model: str = "svm-rbf",
    *,
    out: PathLike | None = None,
    preset: str | None = None,
    tuned: PathLike | None = None,
    parameters: Mapping[str, Any] | None = None,
    split: str | None = None,
    row_filter: PathLike | None = None,
    memory: int | str | None = None,
    max_size: int | str | None = None,
    results: PathLike | Mapping[str, Any] | None = None,
    abstain_below: float | None = None,
    target_accuracy: float | None = None,
    licence: str = "",
    card: PathLike | None = None,
    time_budget: str | None = None,
    file_format: str | None = None,
    seed: int = 0,
    on_note: Callable[[str], None] | None = None,
    on_written: Callable[[Bundle, Agreement | None], None] | None = None,
) -> Path:
    """Fit a model on all rows and write it as one file, as ``mien export`` does.

    Parameters
    ----------
    store : FeatureStore, str or path
    model : str
        ``"svm-linear"``, ``"svm-poly"``, ``"svm-rbf"``, ``"cnn"``, ``"cnn-modern"``,
        ``"cnn-compact"`` or ``"fusion"``.
    out : str or path, optional
        The file, which :func:`mien.load` reads; ``model.joblib`` by default.
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
    results : str, path or mapping, optional
        A ``results.json`` of :func:`mien.compare`, or its content, whose figures the model shall
        carry; by default they are of held-out training rows.
    abstain_below : float, optional
        Let the model abstain where its highest probability is lower.
    target_accuracy : float, optional
        Let it abstain so often that this share of its answers is right.
    licence : str
        What must be known before the model is used or passed on.
    card : str or path, optional
        Write the model card, too: a file ``.md`` or ``.html``.
    time_budget : str, optional
        Time that a network's training may take: ``"45m"``.
    file_format : {"joblib", "skops", "onnx"}, optional
        What the suffix of ``out`` says by default.
    seed : int
    on_note : callable, optional
        Called with a line of text on what a network's training is at.
    on_written : callable, optional
        Called with the fitted :class:`~mien.models.bundle.Bundle` and, but for joblib, how far the
        file's predictions are the model's.

    Returns
    -------
    Path
        The file.

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
    described = CardOptions(_read_results(results), abstain_below, target_accuracy, licence)
    described.check()
    data = open_data(store, row_filter)
    target = choose_target(None if out is None else Path(out), file_format, model)
    check_writable(target.path)
    page = None if card is None else Path(card)
    if page:
        check_ending(page)
        check_writable(page)
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
        card=described,
        on_epoch=notes.epoch if notes else None,
        on_step=notes.step if notes else None,
    )
    agreement = write_model(bundle, target, data, max_size=size)
    if page:
        write_card(to_record(bundle), page)
    if on_written:
        on_written(bundle, agreement)
    return target.path


def _read_results(given: PathLike | Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    return read_results(Path(given)) if isinstance(given, (str, os.PathLike)) else given


def _count_epochs(model: str, given: Mapping[str, Any]) -> int:
    """Return the epochs that the model's network, or its part's, is trained for at most."""
    candidate = get_candidate(model)
    complete = candidate.parameters(given)
    fitted = (complete, *(part.parameters for part in candidate.parts(complete)))
    return next((int(own["epochs"]) for own in fitted if "epochs" in own), 0)
