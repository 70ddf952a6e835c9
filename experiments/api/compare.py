"""Comparison as a function: models on the same folds, and the report."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from mien.errors import MienError
from mien.experiments import compare as comparing
from mien.experiments.api.arguments import (
    PathLike,
    StoreLike,
    open_data,
    tell_call,
    to_bytes,
    to_names,
)
from mien.experiments.candidates import DEFAULT_MODELS
from mien.experiments.comparison_options import ComparisonOptions, Progress
from mien.experiments.presets import collect_parameters
from mien.experiments.time_budget import set_time_budget


@dataclass(frozen=True)
class Comparison:
    """What came of a comparison.

    Attributes
    ----------
    folder : Path
        Holds ``report.html``, ``report.md``, ``results.json`` and ``folds.json``.
    results : dict
        The content of ``results.json``.
    """

    folder: Path
    results: dict[str, Any] = field(repr=False)

    @property
    def report(self) -> Path:
        """The report, a page for the browser."""
        return self.folder / "report.html"

    @cached_property
    def summary(self) -> pd.DataFrame:
        """One row a model, in the order that was asked for.

        Columns are ``accuracy``, its 95 % interval ``low`` and ``high``, ``f1_macro`` (all shares
        of 1), ``fit_seconds`` of a fold, ``predict_ms`` of a face, and ``error``, which is empty
        but for a model that failed. Scores are those of the split that decides where the dataset
        brings its own, else means over the folds.
        """
        rows = {name: _summarise(model) for name, model in self.results["models"].items()}
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")


def compare(
    store: StoreLike,
    models: str | Sequence[str] | None = None,
    *,
    out: PathLike,
    preset: str | None = None,
    tuned: PathLike | Sequence[PathLike] = (),
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    cv: str | None = None,
    repeats: int = 1,
    nested: bool = False,
    trials: int = 20,
    row_filter: PathLike | None = None,
    limit: int | None = None,
    memory: int | str | None = None,
    time_budget: str | None = None,
    attempts: int = 1,
    calibrate: bool = True,
    on_leak: str = "group",
    seed: int = 0,
    command: str | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Comparison:
    """Compare models by cross-validation on the same folds, as ``mien compare`` does.

    Finished fits are kept in ``out``: a comparison that was interrupted goes on where it was. A
    model that fails is reported as failed, and the others go on.

    Parameters
    ----------
    store : FeatureStore, str or path
    models : str or sequence of str, optional
        ``["svm-linear", "svm-poly", "svm-rbf", "cnn"]`` by default, or the preset's. Others are
        ``"cnn-modern"``, ``"cnn-compact"`` and ``"fusion"``.
    out : str or path
        Folder for the report and ``results.json``.
    preset : str, optional
        Tuned parameters that come with Mien: ``"fer2013-svm"``.
    tuned : TunedResult, str or path, or sequence of these
        Parameters from :func:`mien.tune` or ``mien tune``.
    parameters : mapping of str to mapping, optional
        Single parameters by model: ``{"cnn": {"epochs": 5}}``.
    cv : str, optional
        ``"subject:10"``, ``"leave-one-subject-out"``, ``"official"``, ``"stratified:5"``,
        ``"random:5"``, ``"holdout:0.2"`` or ``"random-holdout:0.25"``; the dataset's own split, or
        whole persons, by default.
    repeats : int
        Split anew so often.
    nested : bool
        Tune the SVMs anew inside each fold.
    trials : int
        Of each study with ``nested``.
    row_filter : str or path, optional
        Use only the rows that this file of ``mien audit`` keeps.
    limit : int, optional
        Compare on so many rows, with the shares of splits and classes kept.
    memory : int or str, optional
        Bytes that may be used, or ``"8GB"``; 60 % of the machine's by default.
    time_budget : str, optional
        Time that each network's training may take: ``"45m"``.
    attempts : int
        Fit every network so often, with other seeds.
    calibrate : bool
        Give the SVMs' probabilities, too: one more fit a fold.
    on_leak : {"group", "warn", "fail"}
        What is done about twins and sequences on both sides of a fold.
    seed : int
    command : str, optional
        What the report names as its origin; this call by default.
    on_progress : callable, optional
        Called with a :class:`~mien.experiments.comparison_options.Progress`.

    Returns
    -------
    Comparison

    Raises
    ------
    MienError
        If the scheme does not fit the data, a model or parameter is unknown, something leaks and
        was not to, or every model failed.

    Examples
    --------
    >>> import mien
    >>> compared = mien.compare(
    ...     "store", ["svm-linear", "svm-rbf"], cv="subject:2", out="report", calibrate=False
    ... )
    >>> list(compared.summary.index)
    ['svm-linear', 'svm-rbf']
    >>> compared.report.name
    'report.html'
    """
    given = dict(locals())
    data = open_data(store, row_filter)
    named = to_names(models)
    assigned = _check_assigned(parameters)
    chosen = collect_parameters(preset, _to_paths(tuned), assigned, models=named or ())
    compared = (chosen.models or DEFAULT_MODELS) if named is None else named
    options = ComparisonOptions(
        models=compared,
        scheme=cv or chosen.scheme,
        repeats=repeats,
        seed=seed,
        parameters=set_time_budget(
            chosen.parameters, time_budget, models=compared, assigned=assigned
        ),
        nested=nested,
        nested_trials=trials,
        limit=limit,
        memory=to_bytes(memory, "--memory"),
        command=command or tell_call(compare, given),
        tuned_on=chosen.tuned_on,
        attempts=attempts,
        calibrate=calibrate,
        on_leak=on_leak,
    )
    return Comparison(
        Path(out), comparing.compare(data, options, Path(out), on_progress=on_progress)
    )


def _to_paths(tuned: PathLike | Sequence[PathLike]) -> list[Path]:
    return [Path(tuned)] if isinstance(tuned, (str, os.PathLike)) else list(map(Path, tuned))


def _check_assigned(parameters: Mapping[str, Any] | None) -> dict[str, dict[str, Any]]:
    stray = [name for name, own in (parameters or {}).items() if not isinstance(own, Mapping)]
    if stray:
        raise MienError(
            f"Expected the parameters of each model, got a value for {', '.join(stray)}.",
            'For example parameters={"svm-rbf": {"C": 10}}.',
        )
    return {name: dict(own) for name, own in (parameters or {}).items()}


def _summarise(model: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of the summary, from a model of the results schema."""
    if model["status"] == "failed":
        return {"error": model["error"]}
    split = model.get("reported_split")
    means = {name: own["mean"] for name, own in model["summary"].items()}
    scores = means if split is None else model["splits"][split]
    interval = (model.get("intervals") or {}).get("accuracy", {})
    return {
        "accuracy": scores["accuracy"],
        "low": interval.get("low", float("nan")),
        "high": interval.get("high", float("nan")),
        "f1_macro": scores["f1_macro"],
        "fit_seconds": model["timing"]["fit_seconds"],
        "predict_ms": model["timing"]["predict_ms_per_face"],
        "error": "",
    }
