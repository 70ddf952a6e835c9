"""Probabilities from scores, calibrated on rows that were held out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.utils.extmath import softmax
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

Splits = Sequence[tuple[np.ndarray, np.ndarray]]
_FOLDS = 3


class Logits(NamedTuple):
    """What turns scores into probabilities.

    Attributes
    ----------
    classes : ndarray, shape (n_classes,)
    coef, intercept : ndarray of float64, shapes (n_scores, n_classes) and (n_classes,)
        From scores to the logits of the classes.
    """

    classes: np.ndarray
    coef: np.ndarray
    intercept: np.ndarray

    def predict_proba(self, scores: np.ndarray) -> np.ndarray:
        """Return probabilities; float64, shape (n, n_classes)."""
        return softmax(_to_columns(scores) @ self.coef + self.intercept, copy=False)


def fit_logits(scores: np.ndarray, y: np.ndarray) -> Logits:
    """Fit a multinomial logistic regression on scores.

    Parameters
    ----------
    scores : ndarray of float, shape (n, n_scores) or (n,)
        Of rows that the scoring model was not fitted on.
    y : ndarray, shape (n,)
        Their classes, two or more.
    """
    regression = LogisticRegression(max_iter=1000).fit(_to_columns(scores), y)
    return Logits(regression.classes_, *read_logits(regression))


class CalibratedClassifier(ClassifierMixin, BaseEstimator):
    """A classifier whose scores a multinomial logistic regression turns into probabilities.

    The regression is fitted on scores of rows that were held out; the classifier itself is then
    fitted on all rows.

    Parameters
    ----------
    estimator : estimator
        With ``decision_function``; cloned.

    Attributes
    ----------
    classes_ : ndarray
    estimator_ : estimator
        Fitted on all rows.
    coef_, intercept_ : ndarray of float64, shapes (n_scores, n_classes) and (n_classes,)
        From scores to the logits of the classes.

    References
    ----------
    Platt, Probabilistic outputs for support vector machines, 1999; Kull et al., Beyond temperature
    scaling: obtaining well-calibrated multi-class probabilities with Dirichlet calibration,
    NeurIPS 2019 (matrix scaling).

    Notes
    -----
    Unlike scikit-learn's ``CalibratedClassifierCV``, it looks at the scores of all classes at once.
    On 4,000 held-out rows of FER2013's Training (``patch_hog``, RBF, fitted on 4,000 others) log
    loss and calibration error were 1.013 and 0.022 for the mirrored least-squares SVM and 1.046 and
    0.024 for libsvm's; by one temperature 1.087 and 0.034, and 1.083 and 0.045; by a factor and a
    shift of each class 1.042 and 0.030, and 1.056 and 0.023.
    """

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def fit(self, X: np.ndarray, y: np.ndarray, *, splits: Splits | None = None) -> Self:
        """Fit on rows.

        Parameters
        ----------
        X : ndarray of float32, shape (n, d)
        y : ndarray, shape (n,)
        splits : sequence of (ndarray of int, ndarray of int), optional
            Rows to fit on and rows to score; all rows are scored, each once. Rows that belong
            together must be on one side. By default three folds, stratified by class.
        """
        X, y = validate_data(self, X, y)
        check_classification_targets(y)
        return self.fit_scored(X, y, self.score_held_out(X, y, splits=splits))

    def score_held_out(
        self, X: np.ndarray, y: np.ndarray, *, splits: Splits | None = None
    ) -> np.ndarray:
        """Score each row by an estimator that was not fitted on it.

        Parameters
        ----------
        X, y, splits
            As for :meth:`fit`.

        Returns
        -------
        ndarray of float, shape (n, n_scores) or (n,)
        """
        cv = _FOLDS if splits is None else splits
        return cross_val_predict(self.estimator, X, y, cv=cv, method="decision_function")

    def fit_scored(self, X: np.ndarray, y: np.ndarray, held_out: np.ndarray) -> Self:
        """Fit on rows whose held-out scores are known, from :meth:`score_held_out`."""
        self.classes_, self.coef_, self.intercept_ = fit_logits(held_out, y)
        self.estimator_ = clone(self.estimator).fit(X, y)
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return probabilities; float64, shape (n, n_classes)."""
        check_is_fitted(self)
        if type(X) is not np.ndarray:  # the estimator checks arrays
            X = validate_data(self, X, reset=False)
        logits = Logits(self.classes_, self.coef_, self.intercept_)
        return logits.predict_proba(self.estimator_.decision_function(X))

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the most probable class, shape (n,)."""
        chosen = self.predict_proba(X).argmax(axis=1)
        return self.classes_[chosen]


def _to_columns(scores: np.ndarray) -> np.ndarray:
    scores = scores.astype(np.float64)
    return scores[:, None] if scores.ndim == 1 else scores


def read_logits(regression: LogisticRegression) -> tuple[np.ndarray, np.ndarray]:
    """Read what gives the logits of every class; two classes share what one column says.

    Parameters
    ----------
    regression : LogisticRegression
        Fitted.

    Returns
    -------
    coef, intercept : ndarray of float64, shapes (n_columns, n_classes) and (n_classes,)
    """
    coef, intercept = regression.coef_, regression.intercept_
    if len(coef) == 1:
        coef, intercept = np.vstack([-coef, coef]) / 2, np.hstack([-intercept, intercept]) / 2
    return coef.T, intercept
