"""The comparison: every model on the same saved folds, and what became of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import mien
from mien.errors import MienError
from mien.experiments.candidates import Candidate, get_candidate
from mien.experiments.centring import exclude_references
from mien.experiments.dataset_facts import describe_dataset
from mien.experiments.environment import describe_environment
from mien.experiments.evaluate import evaluate_folds, limit_usable
from mien.experiments.folds import (
    Fold,
    Folds,
    find_twins,
    group_by_training,
    inner_scheme,
    make_folds,
)
from mien.experiments.memory import plan_landmarks, rows_for_trials
from mien.experiments.near_twins import find_copies
from mien.experiments.protocol import describe_protocol, find_placed, score_without
from mien.experiments.report import write_report
from mien.experiments.report.schema import SCHEMA_ID
from mien.experiments.row_data import RowData
from mien.experiments.statistics import compare_models
from mien.experiments.summary import summarise_model
from mien.experiments.tune import choose_rows, make_tuning_folds, tune
from mien.files import write_json

FOLDS_FILE = "folds.json"
_CELLS = "cells"
_FAILURES = (ArithmeticError, LookupError, MemoryError, RuntimeError, TypeError, ValueError)
_NOT_TUNED = ("centre", "combine", "solver")
_TUNED_INSIDE = {"tuned": "anew inside each fold; see the folds in results.json"}


@dataclass(frozen=True)
class Progress:
    """Where a comparison stands.

    Attributes
    ----------
    model : str
    fold : str
    done, total : int
        Fits finished and fits in all.
    note : str
        What is being done: an epoch's loss, a trial.
    """

    model: str
    fold: str
    done: int
    total: int
    note: str = ""


@dataclass(frozen=True)
class ComparisonOptions:
    """What a comparison is asked to do.

    Attributes
    ----------
    models : tuple of str
    scheme : str or None
        The dataset's default when None.
    repeats, seed : int
    parameters : mapping of str to mapping
        Parameters by model; missing ones keep their default.
    nested : bool
        Tune the SVMs anew inside each fold's training rows.
    nested_trials : int
    limit : int or None
        Compare on so many rows, with the shares of splits and classes kept.
    memory : int or None
        Bytes that may be used; a kernel matrix that does not fit is approximated, and the report
        says so.
    command : str
        The command line, for the report.
    tuned_on : mapping of str to str, optional
        By model, the hash of the dataset that its parameters were chosen on.
    """

    models: tuple[str, ...]
    scheme: str | None = None
    repeats: int = 1
    seed: int = 0
    parameters: Mapping[str, Mapping[str, Any]] | None = None
    nested: bool = False
    nested_trials: int = 20
    limit: int | None = None
    memory: int | None = None
    command: str = ""
    tuned_on: Mapping[str, str] | None = None


def compare(
    data: RowData,
    options: ComparisonOptions,
    out: Path,
    *,
    on_progress: Callable[[Progress], None] | None = None,
) -> dict[str, Any]:
    """Evaluate every model on the same folds and write the report.

    Finished fits are kept in ``out`` and not repeated when the same comparison is started again.
    A model that fails is reported as failed; the others go on.

    Parameters
    ----------
    data : RowData
    options : ComparisonOptions
    out : Path
        Folder for ``results.json``, ``report.html``, ``report.md`` and ``folds.json``.
    on_progress : callable, optional

    Returns
    -------
    dict
        The results, of the schema ``mien.results/1``.

    Raises
    ------
    MienError
        If the scheme does not fit the data, a model or parameter is unknown, or every model
        failed.
    """
    candidates = [get_candidate(name) for name in dict.fromkeys(options.models)]
    if not candidates:
        raise MienError("No model was named.", "Name one or more with --models.")
    given = options.parameters or {}
    stray = sorted(set(given) - {candidate.name for candidate in candidates})
    if stray:
        raise MienError(
            f"Parameters were given for {', '.join(stray)}, which is not compared.",
            "Add it to --models.",
        )
    complete = {c.name: c.parameters(given.get(c.name)) for c in candidates}
    rows = data.store.rows
    usable = data.usable
    if any(own.get("centre") == "neutral" for own in complete.values()):
        usable = exclude_references(data, usable)
    folds = make_folds(
        rows,
        scheme=options.scheme,
        repeats=options.repeats,
        seed=options.seed,
        usable=limit_usable(data, usable, options.limit, options.seed),
    )
    _check_centring(folds, complete)
    _write_folds(out, folds)
    runner = _Runner(data, folds, options, out, on_progress)
    models = {c.name: runner.run(c, complete[c.name]) for c in candidates}
    failed = [
        f"{n}: {model['error']}" for n, model in models.items() if model["status"] == "failed"
    ]
    if len(failed) == len(models):
        raise MienError("Every model failed: " + "; ".join(failed))
    grouped = folds.grouped_by == "subject"
    results = {
        "schema": SCHEMA_ID,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": options.command,
        "dataset": describe_dataset(data, folds),
        "protocol": describe_protocol(
            data,
            folds,
            nested=options.nested,
            parameters=complete,
            tuned_on={
                name: told
                for name, told in (options.tuned_on or {}).items()
                if not runner.is_nested(get_candidate(name))
            },
            models=models,
            copies=runner.copies,
        ),
        "models": models,
        "comparisons": compare_models(
            models,
            groups=rows["subject"].tolist() if grouped else None,
            seed=options.seed,
        ),
        "environment": describe_environment(),
    }
    write_report(results, out)
    return results


class _Runner:
    """Runs the fits of one comparison, keeping each one's result in a file of its own."""

    def __init__(
        self,
        data: RowData,
        folds: Folds,
        options: ComparisonOptions,
        out: Path,
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        self._data = data
        self._options = options
        self._cells = out / _CELLS
        self._on_progress = on_progress
        self._groups = group_by_training(folds)
        self._total = len(self._groups) * len(dict.fromkeys(options.models))
        self._done = 0
        self._digest = folds.digest()
        self._twins = find_twins(folds, data.store.rows)
        self.copies = find_copies(folds, data, out)
        self._placed = find_placed(folds, data)

    def run(self, candidate: Candidate, parameters: dict[str, Any]) -> dict[str, Any]:
        """Return a model of the results schema."""
        results: list[dict[str, Any]] = []
        done = self._done
        try:
            landmarks = self._plan_landmarks(candidate, parameters)
            for group in self._groups:
                self._tell(candidate, group[0])
                results += self._fit(candidate, group, parameters, landmarks)
                self._done += 1
        except MienError as error:
            return self._failed(candidate, str(error), done)
        except _FAILURES as error:
            return self._failed(candidate, f"{type(error).__name__}: {error}", done)
        return {
            "title": candidate.title,
            "status": "ok",
            "error": None,
            "view": candidate.view(parameters),
            "solver": self._describe_solver(candidate, results, landmarks),
            "parameters": _TUNED_INSIDE if self.is_nested(candidate) else parameters,
            "folds": results,
            **summarise_model(results, classes=self._data.classes),
            "without_twins": score_without(results, self._twins, len(self._data.classes)),
            "without_near_twins": score_without(results, self.copies, len(self._data.classes)),
            "measured": score_without(results, self._placed, len(self._data.classes)),
        }

    def _failed(self, candidate: Candidate, error: str, done: int) -> dict[str, Any]:
        self._done = done + len(self._groups)
        return {"title": candidate.title, "status": "failed", "error": error}

    def is_nested(self, candidate: Candidate) -> bool:
        """Tell whether the model is tuned inside each fold; a network keeps its parameters."""
        return self._options.nested and candidate.kind == "svm"

    def _plan_landmarks(self, candidate: Candidate, parameters: dict[str, Any]) -> int:
        """Choose how many landmark rows approximate the kernel in all folds; 0 if it fits."""
        if candidate.kind != "svm":
            return 0
        store = self._data.store
        families = store.families if self.is_nested(candidate) else candidate.families(parameters)
        columns = sum(store.features(name).shape[1] for name in families)
        rows = self._most_training_rows
        return plan_landmarks(rows, columns, parameters["solver"], self._options.memory)

    @property
    def _most_training_rows(self) -> int:
        return max(len(group[0].train) for group in self._groups)

    def _describe_solver(
        self, candidate: Candidate, results: list[dict[str, Any]], landmarks: int
    ) -> str:
        """Say how each fold's model was fitted, and on how many rows it was tuned."""
        solvers = (candidate.solver(fold["parameters"], landmarks=landmarks) for fold in results)
        told = ", or: ".join(dict.fromkeys(solvers))
        if self.is_nested(candidate):
            most = self._rows_for_trials()
            if most < self._most_training_rows:
                told += f"; tuned on {most:,} of each fold's training rows, for lack of memory"
        return told

    def _rows_for_trials(self) -> int:
        families = self._data.store.manifest["families"].values()
        return rows_for_trials(sum(f["width"] for f in families), self._options.memory)

    def _fit(
        self,
        candidate: Candidate,
        group: list[Fold],
        parameters: dict[str, Any],
        landmarks: int,
    ) -> list[dict[str, Any]]:
        key = self._key(candidate, group, parameters, landmarks)
        cell = self._cells / f"{candidate.name}-{key}.json"
        if (kept := _read_cell(cell)) is not None:
            return kept
        if self.is_nested(candidate):
            parameters = self._tune_inside(candidate, group[0], parameters)
        checkpoint = cell.with_suffix(".checkpoint") if candidate.kind == "cnn" else None
        if checkpoint:
            checkpoint.parent.mkdir(parents=True, exist_ok=True)

        def tell_epoch(epoch: int, values: dict[str, float]) -> None:
            loss = f"loss {values['loss']:.3f}, validation accuracy {values['val_accuracy']:.1%}"
            self._tell(candidate, group[0], f"epoch {epoch}/{parameters['epochs']}, {loss}")

        results = evaluate_folds(
            candidate,
            self._data,
            group,
            parameters,
            seed=self._options.seed,
            landmarks=landmarks,
            checkpoint=checkpoint,
            on_epoch=tell_epoch,
        )
        content = [result.to_json() for result in results]
        write_json(cell, content)
        if checkpoint:
            checkpoint.unlink(missing_ok=True)
        return content

    def _tune_inside(
        self, candidate: Candidate, fold: Fold, parameters: dict[str, Any]
    ) -> dict[str, Any]:
        """Tune on the fold's training rows only, with inner folds of the same kind."""
        rows = self._data.store.rows
        inside = rows.index.isin(fold.train)
        inner = make_tuning_folds(
            self._data,
            scheme=inner_scheme(rows, fold.train),
            seed=self._options.seed,
            rows=choose_rows(
                self._data, None, self._options.seed, among=inside, memory=self._options.memory
            ),
        )

        def tell_trial(done: int, wanted: int, best: float) -> None:
            self._tell(candidate, fold, f"trial {done}/{wanted}, best {best:.1%}")

        return tune(
            self._data,
            candidate.name,
            folds=inner,
            trials=self._options.nested_trials,
            seed=self._options.seed,
            fixed={name: parameters[name] for name in _NOT_TUNED},
            memory=self._options.memory,
            on_trial=tell_trial,
        ).parameters

    def _key(
        self,
        candidate: Candidate,
        group: list[Fold],
        parameters: dict[str, Any],
        landmarks: int,
    ) -> str:
        manifest = self._data.store.manifest
        told = json.dumps(
            [
                mien.__version__, manifest["dataset_hash"], manifest["families"],
                manifest["detector"], self._digest, [fold.name for fold in group], parameters,
                self._options.seed,
                self._options.nested_trials if self.is_nested(candidate) else None, landmarks,
            ],
            sort_keys=True,
        )  # fmt: skip
        return hashlib.sha256(told.encode()).hexdigest()[:16]

    def _tell(self, candidate: Candidate, fold: Fold, note: str = "") -> None:
        if self._on_progress:
            progress = Progress(candidate.name, fold.name, self._done, self._total, note)
            self._on_progress(progress)


def _read_cell(cell: Path) -> list[dict[str, Any]] | None:
    """Return a finished fit's folds; None if there is no file, or a damaged one."""
    try:
        return json.loads(cell.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _check_centring(folds: Folds, parameters: Mapping[str, Mapping[str, Any]]) -> None:
    centred = [name for name, own in parameters.items() if own.get("centre", "none") != "none"]
    if centred and folds.grouped_by != "subject":
        raise MienError(
            f"{', '.join(centred)}: centre needs whole persons on one side of each fold; "
            f"{folds.scheme} does not keep them together.",
            "Use --cv subject:10 or leave-one-subject-out.",
        )


def _write_folds(out: Path, folds: Folds) -> None:
    try:
        write_json(out / FOLDS_FILE, folds.to_json())
    except OSError as error:
        raise MienError(
            f"{out} cannot be written ({error.strerror}).", "Choose another folder with --out."
        ) from error


def parse_models(text: str) -> tuple[str, ...]:
    """Split ``svm-linear,svm-rbf`` into names, each once."""
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def parse_assignments(texts: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Read ``cnn.epochs=5`` into ``{"cnn": {"epochs": 5}}``; values are JSON, else text.

    Raises
    ------
    MienError
        If a text has not this form.
    """
    parameters: dict[str, dict[str, Any]] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        model, dot, key = name.strip().rpartition(".")
        if not (equals and dot and model and key):
            raise MienError(
                f"--set takes MODEL.PARAMETER=VALUE, not {text!r}.", "For example cnn.epochs=5."
            )
        try:
            parsed = json.loads(value)
        except ValueError:
            parsed = value
        parameters.setdefault(model, {})[key] = parsed
    return parameters
