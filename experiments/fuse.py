"""Fusion: an SVM's and a network's outputs, combined by what inner predictions teach."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mien.errors import MienError
from mien.experiments.calibration_splits import split_inside
from mien.experiments.evaluate import FoldResult, HeldOut
from mien.experiments.folds import Fold
from mien.experiments.row_data import RowData
from mien.experiments.scores import compute_scores
from mien.models.fusion import ScoreCombiner


@dataclass(frozen=True)
class PartOutputs:
    """What an SVM and a network say of the same rows.

    Attributes
    ----------
    rows : ndarray of int64, shape (n,)
        Row numbers.
    svm : ndarray of float32, shape (n, n_classes)
        Scores; NaN in rows without features.
    cnn : ndarray of float32, shape (n, n_classes)
        Probabilities.
    """

    rows: np.ndarray
    svm: np.ndarray
    cnn: np.ndarray


Score = Callable[[Fold], np.ndarray]
"""Fits a part on a fold's training rows and returns its outputs of the test rows."""


def predict_inside(
    data: RowData,
    fold: Fold,
    *,
    inner: int,
    seed: int,
    held_out: HeldOut | None,
    score_svm: Score,
    score_cnn: Score,
) -> PartOutputs:
    """Let the parts predict training rows that they were not fitted on.

    With one inner fold these are the rows that the network, fitted on the fold's training rows,
    held back for early stopping; an SVM fitted on the rest predicts them, and no network is fitted
    a second time. Neither part was fitted on them, but the network's best epoch was chosen by its
    loss on them: its probabilities of them are a little too good. More inner folds do without that:
    in each, both parts are fitted anew.

    Parameters
    ----------
    data : RowData
    fold : Fold
        Its training rows are used, and no others.
    inner : int
        Number of inner folds. From two on, they hold persons, sequences and twins together, as
        :func:`mien.experiments.calibration_splits.split_for_calibration` does.
    seed : int
    held_out : HeldOut or None
        Of the network fitted on all the training rows; read with one inner fold.
    score_svm, score_cnn : callable
        The second is called with two inner folds or more.

    Returns
    -------
    PartOutputs
        Of the held-out rows, with two inner folds or more all training rows.

    Raises
    ------
    MienError
        If a class has fewer rows than there are inner folds.
    """
    if inner == 1:
        if held_out is None:
            raise MienError(
                "The network held back no rows for early stopping.",
                "Combine on inner folds: --set fusion.inner=3.",
            )
        rest = np.setdiff1d(fold.train, held_out.rows)
        only = Fold(f"{fold.name}, inner fold", fold.repeat, None, rest, held_out.rows)
        return PartOutputs(only.test, score_svm(only), held_out.outputs)
    folds = split_inside(data, fold, seed=seed, k=inner)
    return PartOutputs(
        rows=np.concatenate([own.test for own in folds]),
        svm=np.concatenate([score_svm(own) for own in folds]),
        cnn=np.concatenate([score_cnn(own) for own in folds]),
    )


def fuse_folds(
    data: RowData,
    folds: Sequence[Fold],
    parameters: Mapping[str, Any],
    *,
    combiner: ScoreCombiner,
    inside: PartOutputs,
    outputs: Sequence[tuple[np.ndarray, np.ndarray]],
    fit_seconds: float,
    predict_seconds: Sequence[float],
) -> list[FoldResult]:
    """Fit the combining model on inner predictions, and combine what the parts say of test rows.

    Parameters
    ----------
    data : RowData
    folds : sequence of Fold
        All with the same training rows.
    parameters : mapping
        The fusion's, complete.
    combiner : ScoreCombiner
        Not fitted.
    inside : PartOutputs
        From :func:`predict_inside`.
    outputs : sequence of (ndarray, ndarray)
        By fold, the SVM's scores and the network's probabilities of the test rows.
    fit_seconds : float
        What all fits of the parts took.
    predict_seconds : sequence of float
        By fold, what the parts' predictions took.

    Returns
    -------
    list of FoldResult
        In the folds' order.
    """
    started = time.perf_counter()
    combiner.fit(inside.svm, inside.cnn, data.codes[inside.rows])
    fit_seconds += time.perf_counter() - started
    results = []
    for fold, (svm, cnn), seconds in zip(folds, outputs, predict_seconds, strict=True):
        started = time.perf_counter()
        probabilities = combiner.predict_proba(svm, cnn)
        predicted = probabilities.argmax(axis=1)
        true = data.codes[fold.test]
        results.append(
            FoldResult(
                fold=fold,
                true=true,
                predicted=predicted,
                scores=compute_scores(true, predicted, len(data.classes)),
                parameters=dict(parameters),
                train_rows=len(fold.train),
                fit_seconds=fit_seconds,
                predict_seconds=seconds + time.perf_counter() - started,
                curves=None,
                outputs=probabilities.astype(np.float32),
            )
        )
    return results
