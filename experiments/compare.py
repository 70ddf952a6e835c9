"""The comparison: every model on the same saved folds, and what became of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

import mien
from mien.errors import MienError
from mien.experiments.candidates import Candidate, Part, get_candidate
from mien.experiments.cells import Cell, read_cell, write_cell
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
from mien.experiments.fuse import fuse_folds, predict_inside
from mien.experiments.memory import plan_landmarks, rows_for_trials
from mien.experiments.near_twins import find_copies
from mien.experiments.protocol import describe_protocol, find_placed, score_without
from mien.experiments.report import write_report
from mien.experiments.report.schema import SCHEMA_ID
from mien.experiments.row_data import RowData
from mien.experiments.statistics import compare_models
from mien.experiments.summary import summarise_model
from mien.experiments.training_notes import TrainingNotes
from mien.experiments.training_summary import summarise_attempt
from mien.experiments.tune import choose_rows, make_tuning_folds, tune
from mien.files import write_json
from mien.models.cnn.isolated import TrainingProcess

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
        Parameters by model; missing ones keep their default. A fusion's parts take those of their
        own name, whether they are compared themselves or not.
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
    attempts : int
        Fit every network so many times on each fold, with the seeds ``seed``, ``seed + 1`` ... The
        predictions are the first one's; the scores of all are in the results.
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
    attempts: int = 1


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
    known = {name for c in candidates for name in (c.name, *c.part_names(given))}
    if stray := sorted(set(given) - known):
        raise MienError(
            f"Parameters were given for {', '.join(stray)}, which is not compared.",
            "Add it to --models.",
        )
    _check_attempts(options.attempts, candidates)
    complete = {c.name: c.parameters(c.gather(given)) for c in candidates}
    parts = [part for c in candidates for part in c.parts(complete[c.name])]
    if options.nested and parts:
        raise MienError(
            "fusion cannot be compared with nested tuning yet.", "Leave out fusion or --nested."
        )
    every = {part.candidate.name: part.parameters for part in parts} | complete
    rows = data.store.rows
    usable = data.usable
    if any(own.get("centre") == "neutral" for own in every.values()):
        usable = exclude_references(data, usable)
    folds = make_folds(
        rows,
        scheme=options.scheme,
        repeats=options.repeats,
        seed=options.seed,
        usable=limit_usable(data, usable, options.limit, options.seed),
    )
    _check_centring(folds, every)
    _write_folds(out, folds)
    with TrainingProcess() as process:
        runner = _Runner(data, folds, options, out, process, on_progress)
        run = {
            c.name: runner.run(c, complete[c.name])
            for c in sorted(candidates, key=lambda c: c.kind == "fusion")
        }
    models = {c.name: run[c.name] for c in candidates}
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
            parameters=every,
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
        process: TrainingProcess,
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        self._process = process
        self._data = data
        self._options = options
        self._cells = out / _CELLS
        self._on_progress = on_progress
        self._groups = group_by_training(folds)
        self._total = sum(self._count_fits(get_candidate(n)) for n in dict.fromkeys(options.models))
        self._done = 0
        self._failures: dict[str, str] = {}
        self._digest = folds.digest()
        self._twins = find_twins(folds, data.store.rows)
        self.copies = find_copies(folds, data, out)
        self._placed = find_placed(folds, data)

    def run(self, candidate: Candidate, parameters: dict[str, Any]) -> dict[str, Any]:
        """Return a model of the results schema."""
        done = self._done
        try:
            landmarks = self._plan_landmarks(candidate, parameters)
            attempts = [
                self._fit_all(candidate, parameters, landmarks, attempt)
                for attempt in range(self._count_attempts(candidate))
            ]
        except MienError as error:
            return self._failed(candidate, str(error), done)
        except _FAILURES as error:
            return self._failed(candidate, f"{type(error).__name__}: {error}", done)
        results = attempts[0]
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
            **self._summarise_attempts(attempts),
        }

    def _fit_all(
        self, candidate: Candidate, parameters: dict[str, Any], landmarks: int, attempt: int
    ) -> list[dict[str, Any]]:
        """Return all folds of one attempt."""
        results = []
        for group in self._groups:
            results += self._fit(candidate, group, parameters, landmarks, attempt).folds
            self._done += 1
        return results

    def _summarise_attempts(self, attempts: list[list[dict[str, Any]]]) -> dict[str, Any]:
        """Return the key ``attempts``, where a network was fitted more than once."""
        if len(attempts) == 1:
            return {}
        seed, n_classes = self._options.seed, len(self._data.classes)
        told = [
            summarise_attempt(folds, seed=seed + i, n_classes=n_classes)
            for i, folds in enumerate(attempts)
        ]
        return {"attempts": told}

    def _count_attempts(self, candidate: Candidate) -> int:
        return self._options.attempts if candidate.kind == "cnn" else 1

    def _count_fits(self, candidate: Candidate) -> int:
        return len(self._groups) * self._count_attempts(candidate)

    def _failed(self, candidate: Candidate, error: str, done: int) -> dict[str, Any]:
        self._done = done + self._count_fits(candidate)
        self._failures[candidate.name] = error
        return {"title": candidate.title, "status": "failed", "error": error}

    def is_nested(self, candidate: Candidate) -> bool:
        """Tell whether the model is tuned inside each fold; a network keeps its parameters."""
        return self._options.nested and candidate.kind == "svm"

    def _plan_landmarks(self, candidate: Candidate, parameters: dict[str, Any]) -> int:
        """Choose how many landmark rows approximate the kernel in all folds; 0 if it fits."""
        for part in candidate.parts(parameters):
            if part.candidate.kind == "svm":
                return self._plan_landmarks(*part)
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
        attempt: int = 0,
        digest: str = "",
    ) -> Cell:
        """Return what was kept of a fit, or fit; ``digest`` is of the folds, if not the outer."""
        seed = self._options.seed + attempt
        key = self._key(candidate, group, parameters, landmarks, seed, digest)
        cell = self._cells / f"{candidate.name}-{key}.json"
        told = f"attempt {attempt + 1}/{n}" if (n := self._count_attempts(candidate)) > 1 else ""
        self._tell(candidate, group[0], told)
        if (kept := read_cell(cell)) is not None:
            return kept
        if candidate.kind == "fusion":
            fused = self._fuse(candidate, group, parameters, landmarks)
            write_cell(cell, fused)
            return fused
        if self.is_nested(candidate):
            parameters = self._tune_inside(candidate, group[0], parameters)
        options: dict[str, Any] = {}
        checkpoint = cell.with_suffix(".checkpoint")
        if candidate.kind == "cnn":
            options = self._watch(candidate, group[0], parameters["epochs"], checkpoint, told)
        results = evaluate_folds(
            candidate, self._data, group, parameters, seed=seed, landmarks=landmarks, **options
        )
        content = Cell.of(results)
        write_cell(cell, content)
        checkpoint.unlink(missing_ok=True)
        return content

    def _watch(
        self, candidate: Candidate, fold: Fold, epochs: int, checkpoint: Path, told: str
    ) -> dict[str, Any]:
        """Return the options of a network's fit: where it runs, keeps its state and tells news."""
        checkpoint.parent.mkdir(parents=True, exist_ok=True)

        def tell(note: str) -> None:
            self._tell(candidate, fold, f"{told}, {note}" if told else note)

        notes = TrainingNotes(epochs, tell, resumed=checkpoint.exists())
        return {
            "checkpoint": checkpoint,
            "on_epoch": notes.epoch,
            "on_step": notes.step,
            "process": self._process,
        }

    def _fuse(
        self,
        candidate: Candidate,
        group: list[Fold],
        parameters: dict[str, Any],
        landmarks: int,
    ) -> Cell:
        """Combine the parts' own fits; what they say of training rows is kept as fits are, too."""
        parts = candidate.parts(parameters)
        for part in parts:
            if error := self._failures.get(part.candidate.name):
                raise MienError(f"Its part {part.candidate.name} failed: {error}")
        fitted: list[Cell] = []

        def fit(part: Part, folds: list[Fold], digest: str = "") -> Cell:
            self._tell(part.candidate, folds[0])
            approximated = landmarks if part.candidate.kind == "svm" else 0
            fitted.append(
                self._fit(part.candidate, folds, part.parameters, approximated, digest=digest)
            )
            return fitted[-1]

        def score_inside(part: Part) -> Callable[[Fold], np.ndarray]:
            seed = self._options.seed
            return lambda fold: fit(
                part, [fold], Folds("inner", 1, seed, None, (fold,)).digest()
            ).outputs[0]

        svm, cnn = (fit(part, group) for part in parts)
        inside = predict_inside(
            self._data,
            group[0],
            inner=parameters["inner"],
            seed=self._options.seed,
            held_out=cnn.held_out,
            score_svm=score_inside(parts[0]),
            score_cnn=score_inside(parts[1]),
        )
        results = fuse_folds(
            self._data,
            group,
            parameters,
            combiner=candidate.build(parameters, seed=self._options.seed),
            inside=inside,
            outputs=list(zip(svm.outputs, cnn.outputs, strict=True)),
            fit_seconds=sum(cell.folds[0]["fit_seconds"] for cell in fitted),
            predict_seconds=[
                own["predict_seconds"] + other["predict_seconds"]
                for own, other in zip(svm.folds, cnn.folds, strict=True)
            ],
        )
        return Cell.of(results)

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
        seed: int,
        digest: str,
    ) -> str:
        manifest = self._data.store.manifest
        told = json.dumps(
            [
                mien.__version__, manifest["dataset_hash"], manifest["families"],
                manifest["detector"], digest or self._digest, [fold.name for fold in group],
                parameters, seed,
                self._options.nested_trials if self.is_nested(candidate) else None, landmarks,
            ],
            sort_keys=True,
        )  # fmt: skip
        return hashlib.sha256(told.encode()).hexdigest()[:16]

    def _tell(self, candidate: Candidate, fold: Fold, note: str = "") -> None:
        if self._on_progress:
            progress = Progress(candidate.name, fold.name, self._done, self._total, note)
            self._on_progress(progress)


def _check_attempts(attempts: int, candidates: Sequence[Candidate]) -> None:
    if attempts < 1:
        raise MienError(f"A network needs one attempt at least, not {attempts}.")
    if attempts > 1 and not any(candidate.kind == "cnn" for candidate in candidates):
        raise MienError(
            f"Only networks are fitted in {attempts} attempts, and none is compared.",
            "Add one to --models, or leave --attempts out.",
        )


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
