"""Scoring an SVM's parameters on folds, from dot products that are kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mien.experiments.candidates import Candidate
from mien.experiments.evaluate import most_frequent
from mien.experiments.folds import Fold, Folds
from mien.experiments.gram_cache import GramCache, predict_fold
from mien.experiments.row_data import RowData

_FEWEST_FOLDS = 5
"""From so many folds on, one inverse costs less than a factorisation for each."""


class SvmScorer:
    """Accuracy of an SVM on folds; dot products are kept and reused from trial to trial.

    Parameters
    ----------
    candidate : Candidate
    data : RowData
    folds : Folds
    seed : int
    memory : int, optional
        Bytes that may be used.

    Notes
    -----
    With the least-squares solver, nothing fitted before the kernel and many folds, the predictions
    of all folds come from one inverse. The unit of gamma (and what families are scaled by) is then
    that of all rows that judge the trials, not of each fold's training rows: one number, the same
    in all folds, in which the parameter that is searched for is given.
    """

    def __init__(
        self,
        candidate: Candidate,
        data: RowData,
        folds: Folds,
        *,
        seed: int,
        memory: int | None = None,
    ) -> None:
        self._candidate = candidate
        self._data = data
        self._folds = folds
        self._seed = seed
        self._cache = GramCache(data, folds, seed=seed, memory=memory)
        self._known: tuple[dict[str, Any], dict[str, np.ndarray]] | None = None

    def score(self, fold: Fold, parameters: Mapping[str, Any]) -> float:
        """Fit on the fold's training rows and return the accuracy on its test rows."""
        predicted = self._predict_held_out(fold, parameters)
        if predicted is None:
            svm = self._candidate.build(parameters, seed=self._seed)[-1]
            predicted = predict_fold(svm, self._cache.fold(fold, parameters))
        return float((predicted == self._data.codes[fold.test]).mean())

    def _predict_held_out(self, fold: Fold, parameters: Mapping[str, Any]) -> np.ndarray | None:
        """Return a fold's predictions from the inverse of all rows; None where that is not exact.

        Balanced class weights are those of each fold's training rows, so they need a fit each.
        """
        alike = parameters["solver"] == "least-squares" and parameters["class_weight"] == "none"
        if not alike or len(self._folds.folds) < _FEWEST_FOLDS or not self._is_partition():
            return None
        if self._known is None or self._known[0] != parameters:
            whole = self._cache.whole(parameters)
            if whole is None:
                return None
            self._known = (dict(parameters), self._hold_out(*whole, parameters))
        return self._known[1][fold.name]

    def _is_partition(self) -> bool:
        """Tell whether every fold's training rows are all rows but its test rows."""
        n = len(self._cache.rows)
        return all(len(fold.train) + len(fold.test) == n for fold in self._folds.folds)

    def _hold_out(
        self, parts: Any, rows: np.ndarray, parameters: Mapping[str, Any]
    ) -> dict[str, np.ndarray]:
        svm = self._candidate.build(parameters, seed=self._seed)[-1]
        codes = self._data.codes[rows]
        folds = self._folds.folds
        visible = [np.isin(fold.test, rows) for fold in folds]
        held_out = [
            np.searchsorted(rows, fold.test[seen])
            for fold, seen in zip(folds, visible, strict=True)
        ]
        scores = svm.score_held_out(svm.make_matrix(parts), codes, held_out)
        found = {}
        for fold, seen, own, left in zip(folds, visible, scores, held_out, strict=True):
            found[fold.name] = np.full(len(fold.test), most_frequent(np.delete(codes, left)))
            found[fold.name][seen] = svm.choose(own)
        return found
