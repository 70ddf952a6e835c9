"""Fitting one candidate on a fold's training rows and predicting its test rows."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mien.errors import MienError
from mien.experiments.candidates import Candidate
from mien.experiments.centring import centre_rows
from mien.experiments.folds import Fold
from mien.experiments.row_data import RowData
from mien.experiments.scores import compute_scores
from mien.models.class_columns import spread_probabilities, spread_scores
from mien.models.kernel_machine import choose_class
from mien.pipeline.datasets.selection import draw_stratified

if TYPE_CHECKING:
    from mien.models.cnn.isolated import TrainingProcess
    from mien.models.cnn.jobs import NewsCallback

FACELESS = (
    "A picture in which no face was found is fitted on and scored like any other: a model that "
    "reads features sees landmarks that a fallback placed; the CNN reads the pixels. Where there "
    "are no features at all, the answer is the most frequent class of the training rows; of a "
    "fusion, its network's."
)


def limit_usable(data: RowData, usable: np.ndarray, limit: int | None, seed: int) -> np.ndarray:
    """Keep at most ``limit`` of the usable rows, with the shares of splits and classes kept.

    Parameters
    ----------
    data : RowData
    usable : ndarray of bool, shape (n,)
    limit : int or None
    seed : int

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    positions = np.flatnonzero(usable)
    if limit is None or len(positions) <= limit:
        return usable
    generator = np.random.default_rng(seed)
    kept = np.zeros_like(usable)
    kept[draw_stratified(data.store.rows.iloc[positions], positions, limit, generator)] = True
    return kept


@dataclass(frozen=True)
class HeldOut:
    """What a network says of the training rows that it held back for early stopping.

    Attributes
    ----------
    rows : ndarray of int64, shape (k,)
        Row numbers.
    outputs : ndarray of float32, shape (k, n_classes)
        Probabilities.
    """

    rows: np.ndarray
    outputs: np.ndarray


@dataclass(frozen=True)
class FoldResult:
    """One candidate's predictions of one fold's test rows.

    Attributes
    ----------
    fold : Fold
    true, predicted : ndarray of int64
        Class indices of ``fold.test``.
    scores : dict of str to float
    parameters : dict
    train_rows : int
        Rows that were fitted on.
    fit_seconds, predict_seconds : float
        Of a training that was gone on with, the seconds of all its parts.
    curves : dict of lists, or None
        A network's loss and accuracy by epoch.
    outputs : ndarray of float32, shape (len(fold.test), n_classes)
        Scores of an SVM, NaN in rows without features; probabilities of another model.
    held_out : HeldOut or None
        A network's.
    training : dict, or None
        What a network tells of its training: epochs, pictures seen, why it stopped ...
    """

    fold: Fold
    true: np.ndarray
    predicted: np.ndarray
    scores: dict[str, float]
    parameters: dict[str, Any]
    train_rows: int
    fit_seconds: float
    predict_seconds: float
    curves: dict[str, list[float]] | None
    outputs: np.ndarray
    held_out: HeldOut | None = None
    training: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return a fold of the results schema."""
        return {
            "name": self.fold.name,
            "repeat": self.fold.repeat,
            "split": self.fold.split,
            "indices": self.fold.test.tolist(),
            "true": self.true.tolist(),
            "predicted": self.predicted.tolist(),
            "scores": self.scores,
            "parameters": self.parameters,
            "train_rows": self.train_rows,
            "fit_seconds": self.fit_seconds,
            "predict_seconds": self.predict_seconds,
            "curves": self.curves,
            "training": self.training,
        }


def evaluate_folds(
    candidate: Candidate,
    data: RowData,
    folds: Sequence[Fold],
    parameters: Mapping[str, Any],
    *,
    seed: int,
    landmarks: int = 0,
    checkpoint: Path | None = None,
    on_epoch: NewsCallback | None = None,
    on_step: NewsCallback | None = None,
    process: TrainingProcess | None = None,
) -> list[FoldResult]:
    """Fit once on the training rows that all the folds share, and predict each fold's test rows.

    Parameters
    ----------
    candidate : Candidate
    data : RowData
    folds : sequence of Fold
        All with the same training rows.
    parameters : mapping
        Complete parameters of the candidate.
    seed : int
    landmarks : int
        Approximate an SVM's kernel with so many training rows; 0 for the exact kernel.
    checkpoint : Path, optional
        Where a network keeps its state after each epoch.
    on_epoch : callable, optional
        Called with (epoch, values) by networks.
    on_step : callable, optional
        Called with (share of the training done, values) by networks, inside an epoch.
    process : TrainingProcess, optional
        Where networks are fitted; by default in a process of their own.

    Returns
    -------
    list of FoldResult
        In the folds' order.
    """
    if candidate.kind == "cnn":
        fitted = _fit_predict_cnn(
            candidate, data, folds, parameters, seed,
            checkpoint=checkpoint, on_progress=on_epoch, on_step=on_step, process=process,
        )  # fmt: skip
    else:
        fitted = _fit_predict_svm(candidate, data, folds, parameters, seed, landmarks)
    return [
        FoldResult(
            fold=fold,
            true=data.codes[fold.test],
            predicted=predicted,
            scores=compute_scores(data.codes[fold.test], predicted, len(data.classes)),
            parameters=dict(parameters),
            train_rows=fitted.train_rows,
            fit_seconds=fitted.fit_seconds,
            predict_seconds=seconds,
            curves=fitted.curves,
            training=fitted.training,
            outputs=outputs,
            held_out=fitted.held_out,
        )
        for fold, predicted, outputs, seconds in zip(
            folds, fitted.predicted, fitted.outputs, fitted.predict_seconds, strict=True
        )
    ]


@dataclass(frozen=True)
class _Fitted:
    predicted: list[np.ndarray]
    train_rows: int
    fit_seconds: float
    predict_seconds: list[float]
    outputs: list[np.ndarray]
    held_out: HeldOut | None = None
    curves: dict[str, list[float]] | None = None
    training: dict[str, Any] | None = None


def read_features(
    data: RowData, families: Sequence[str], indices: np.ndarray, *, centre: str = "none"
) -> tuple[np.ndarray, np.ndarray]:
    """Return features and which of the rows have them.

    Parameters
    ----------
    data : RowData
    families : sequence of str
    indices : ndarray of int64
        Row numbers; with ``centre="person"`` they must hold whole persons.
    centre : {"none", "person", "neutral"}
        What is subtracted; see :func:`mien.experiments.centring.centre_rows`.

    Returns
    -------
    features : ndarray of float32, shape (k, width)
        Of the rows that have them.
    present : ndarray of bool, shape (len(indices),)
    """
    values = data.store.view(families, indices)
    present = np.isfinite(values).all(axis=1)
    values = values if present.all() else values[present]
    return centre_rows(data, families, values, indices[present], centre), present


def require_two_classes(codes: np.ndarray, what: str) -> None:
    """Refuse to fit on one class.

    Raises
    ------
    MienError
        If the class indices of the rows that have features are not of two classes at least.
    """
    if len(set(codes.tolist())) < 2:
        raise MienError(
            f"{what} that have features are of fewer than two classes.",
            "Use fewer folds or more pictures.",
        )


def most_frequent(codes: np.ndarray) -> int:
    """Return the most frequent class index; the lowest of several."""
    return int(np.bincount(codes).argmax())


def _fit_predict_svm(
    candidate: Candidate,
    data: RowData,
    folds: Sequence[Fold],
    parameters: Mapping[str, Any],
    seed: int,
    landmarks: int,
) -> _Fitted:
    families = candidate.families(parameters)
    centre = str(parameters["centre"])
    features, present = read_features(data, families, folds[0].train, centre=centre)
    train = data.codes[folds[0].train][present]
    require_two_classes(train, f"The training rows of {folds[0].name}")
    estimator = candidate.build(parameters, seed=seed, landmarks=landmarks)
    started = time.perf_counter()
    estimator.fit(features, train)
    fit_seconds = time.perf_counter() - started
    n_train = len(features)
    del features
    predictions, outputs, seconds = [], [], []
    for fold in folds:
        rows, visible = read_features(data, families, fold.test, centre=centre)
        started = time.perf_counter()
        predicted = np.full(len(fold.test), most_frequent(train))
        scores = np.full((len(fold.test), len(data.classes)), np.nan, dtype=np.float32)
        if visible.any():
            found = estimator.decision_function(rows)
            predicted[visible] = choose_class(found, estimator.classes_)
            scores[visible] = spread_scores(found, estimator.classes_, len(data.classes))
        outputs.append(scores)
        seconds.append(time.perf_counter() - started)
        predictions.append(predicted)
    return _Fitted(predictions, n_train, fit_seconds, seconds, outputs)


def _fit_predict_cnn(
    candidate: Candidate,
    data: RowData,
    folds: Sequence[Fold],
    parameters: Mapping[str, Any],
    seed: int,
    **options: Any,
) -> _Fitted:
    from mien.models.cnn.isolated import fit_predict_isolated

    train = folds[0].train
    result = fit_predict_isolated(
        candidate.build(parameters, seed=seed),
        np.asarray(data.store.pixels[train]),
        data.codes[train],
        [np.asarray(data.store.pixels[fold.test]) for fold in folds],
        groups=data.groups(train),
        **options,
    )
    tested = sum(len(fold.test) for fold in folds)
    spread = partial(spread_probabilities, classes=result.classes, n_classes=len(data.classes))
    return _Fitted(
        predicted=[result.classes[p.argmax(axis=1)] for p in result.probabilities],
        train_rows=len(train),
        fit_seconds=max(result.fit_seconds, result.training.get("seconds", 0.0)),
        predict_seconds=[result.predict_seconds * len(f.test) / tested for f in folds],
        curves=result.history,
        training={**result.training, "time_budget": parameters["time_budget"]},
        outputs=[spread(p) for p in result.probabilities],
        held_out=HeldOut(train[held_back], spread(result.validation_probabilities))
        if len(held_back := result.validation_rows)
        else None,
    )
