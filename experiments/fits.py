"""The fits of one comparison, each one's result kept in a file of its own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import mien
from mien.errors import MienError
from mien.experiments.calibration import calibrate_outputs, choose_inner_fold, fill_probabilities
from mien.experiments.candidates import Candidate, Part, get_candidate
from mien.experiments.cells import Cell, read_cell, write_cell
from mien.experiments.comparison_options import ComparisonOptions, Progress
from mien.experiments.evaluate import evaluate_folds
from mien.experiments.folds import Fold, Folds, group_by_training, inner_scheme
from mien.experiments.fuse import fuse_folds, predict_inside
from mien.experiments.memory import plan_landmarks, rows_for_trials
from mien.experiments.row_data import RowData
from mien.experiments.training_notes import TrainingNotes
from mien.experiments.tune import choose_rows, make_tuning_folds, tune
from mien.models.cnn.isolated import TrainingProcess

FAILURES = (
    MienError, ArithmeticError, LookupError, MemoryError, RuntimeError, TypeError, ValueError,
)  # fmt: skip
"""What a fit may raise without ending the comparison."""

_CELLS = "cells"
_NOT_TUNED = ("centre", "combine", "solver")


@dataclass(frozen=True)
class Fitted:
    """A model's fits.

    Attributes
    ----------
    attempts : list of list of dict
        Of each attempt, all folds of the results schema; those of the first have
        ``probabilities``.
    outputs : list of ndarray of float32, shape (n, n_classes)
        By fold of the first attempt; see :class:`mien.experiments.evaluate.FoldResult`.
    remarks : tuple of str
        Why there are no probabilities in some folds.
    """

    attempts: list[list[dict[str, Any]]]
    outputs: list[np.ndarray]
    remarks: tuple[str, ...]


class Fits:
    """Does the fits of a comparison, or takes them from the files of an earlier run.

    Parameters
    ----------
    data : RowData
    folds : Folds
    options : ComparisonOptions
    out : Path
        The comparison's folder.
    process : TrainingProcess
        Trains the networks.
    on_progress : callable, optional
    """

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

    @property
    def seed(self) -> int:
        """Of the first attempt; each further one adds 1."""
        return self._options.seed

    def fit_attempts(self, candidate: Candidate, parameters: dict[str, Any]) -> Fitted:
        """Fit a model on every fold, a network as often as was asked for.

        Raises
        ------
        Exception
            When a fit fails; the rest of the model's fits count as done, and no fusion takes it.
        """
        before = self._done
        try:
            landmarks = self._plan_landmarks(candidate, parameters)
            first = self._fit_first(candidate, parameters, landmarks)
            others = [
                self._fit_again(candidate, parameters, landmarks, attempt)
                for attempt in range(1, self._count_attempts(candidate))
            ]
        except Exception as error:
            self._done = before + self._count_fits(candidate)
            self._failures[candidate.name] = tell_error(error)
            raise
        return Fitted([first.attempts[0], *others], first.outputs, first.remarks)

    def _fit_first(
        self, candidate: Candidate, parameters: dict[str, Any], landmarks: int
    ) -> Fitted:
        """Return the first attempt, with probabilities."""
        results: list[dict[str, Any]] = []
        outputs: list[np.ndarray] = []
        remarks: list[str] = []
        for group in self._groups:
            cell = self._fit(candidate, group, parameters, landmarks)
            likely: list[np.ndarray] | None = cell.outputs
            if candidate.kind == "svm":
                likely = self._calibrate(candidate, group, cell, landmarks, remarks)
            for i, (fold, told) in enumerate(zip(group, cell.folds, strict=True)):
                own = likely and fill_probabilities(self._data, fold, likely[i])
                results.append({**told, "probabilities": own})
            outputs += cell.outputs
            self._done += 1
        return Fitted([results], outputs, tuple(remarks))

    def _fit_again(
        self, candidate: Candidate, parameters: dict[str, Any], landmarks: int, attempt: int
    ) -> list[dict[str, Any]]:
        """Return all folds of a further attempt."""
        results = []
        for group in self._groups:
            results += self._fit(candidate, group, parameters, landmarks, attempt).folds
            self._done += 1
        return results

    def _calibrate(
        self,
        candidate: Candidate,
        group: list[Fold],
        cell: Cell,
        landmarks: int,
        remarks: list[str],
    ) -> list[np.ndarray] | None:
        """Turn an SVM's scores into probabilities; None, with a remark, where that fails."""
        if not self._options.calibrate:
            return None
        try:
            inner = choose_inner_fold(self._data, group[0], seed=self._options.seed)
            own = cell.folds[0]["parameters"]
            scored = self._fit_inside(candidate, inner, own, landmarks, tuned=True)
            return calibrate_outputs(self._data, inner, scored.outputs[0], cell.outputs)
        except FAILURES as error:
            remarks.append(f"No probabilities in {group[0].name}: {tell_error(error)}")
            return None

    def _count_attempts(self, candidate: Candidate) -> int:
        return self._options.attempts if candidate.kind == "cnn" else 1

    def _count_fits(self, candidate: Candidate) -> int:
        return len(self._groups) * self._count_attempts(candidate)

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

    def describe_solver(
        self, candidate: Candidate, parameters: dict[str, Any], results: list[dict[str, Any]]
    ) -> str:
        """Say how each fold's model was fitted, and on how many rows it was tuned."""
        landmarks = self._plan_landmarks(candidate, parameters)
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
        tuned: bool = False,
    ) -> Cell:
        """Return what was kept of a fit, or fit.

        ``digest`` is of the folds, if not the outer; parameters that are ``tuned`` stay.
        """
        seed = self._options.seed + attempt
        nested = self.is_nested(candidate) and not tuned
        key = self._key(group, parameters, landmarks, seed, digest, nested)
        cell = self._cells / f"{candidate.name}-{key}.json"
        told = f"attempt {attempt + 1}/{n}" if (n := self._count_attempts(candidate)) > 1 else ""
        self._tell(candidate, group[0], told)
        if (kept := read_cell(cell)) is not None:
            return kept
        if candidate.kind == "fusion":
            fused = self._fuse(candidate, group, parameters, landmarks)
            write_cell(cell, fused)
            return fused
        if nested:
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

    def _fit_inside(
        self,
        candidate: Candidate,
        inner: Fold,
        parameters: dict[str, Any],
        landmarks: int,
        *,
        tuned: bool = False,
    ) -> Cell:
        """Fit on some of a fold's training rows and predict others of them."""
        digest = Folds("inner", 1, self._options.seed, None, (inner,)).digest()
        return self._fit(candidate, [inner], parameters, landmarks, digest=digest, tuned=tuned)

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

        def approximate(part: Part) -> int:
            return landmarks if part.candidate.kind == "svm" else 0

        def score_inside(part: Part) -> Callable[[Fold], np.ndarray]:
            def score(fold: Fold) -> np.ndarray:
                fitted.append(
                    self._fit_inside(part.candidate, fold, part.parameters, approximate(part))
                )
                return fitted[-1].outputs[0]

            return score

        for part in parts:
            fitted.append(self._fit(part.candidate, group, part.parameters, approximate(part)))
        svm, cnn = fitted
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
            scheme=inner_scheme(rows, fold.train, groups=self._data.keep_together(inside)),
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
        group: list[Fold],
        parameters: dict[str, Any],
        landmarks: int,
        seed: int,
        digest: str,
        nested: bool,
    ) -> str:
        manifest = self._data.store.manifest
        told = json.dumps(
            [
                mien.__version__, manifest["dataset_hash"], manifest["families"],
                manifest["detector"], digest or self._digest, [fold.name for fold in group],
                parameters, seed,
                self._options.nested_trials if nested else None, landmarks,
                *filter(None, [self._data.near_twins_digest]),
            ],
            sort_keys=True,
        )  # fmt: skip
        return hashlib.sha256(told.encode()).hexdigest()[:16]

    def _tell(self, candidate: Candidate, fold: Fold, note: str = "") -> None:
        if self._on_progress:
            progress = Progress(candidate.name, fold.name, self._done, self._total, note)
            self._on_progress(progress)


def tell_error(error: Exception) -> str:
    """Say what went wrong; of an error that is not ours with its kind."""
    return str(error) if isinstance(error, MienError) else f"{type(error).__name__}: {error}"
