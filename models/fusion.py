"""One answer from two models: a logistic regression on an SVM's scores and a network's answer."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.utils.extmath import softmax
from sklearn.utils.validation import check_is_fitted

from mien.errors import MienError
from mien.models.calibrated import read_logits
from mien.models.class_columns import spread_probabilities, spread_scores

LEAST_PROBABILITY = 1e-5
"""What a network's probabilities are raised to before their logarithm is taken."""


class ScoreCombiner(BaseEstimator):
    """A multinomial logistic regression on an SVM's scores and a network's probabilities.

    It sees each score in units of its standard deviation, and the logarithm of each probability.
    What it is fitted on must be of rows that neither model was fitted on: both are too sure of
    those.

    Parameters
    ----------
    C : float, default=0.1
        Inverse strength of the L2 penalty.

    Attributes
    ----------
    mean_, scale_ : ndarray of float64, shape (n_classes,)
        Of the scores.
    coef_, intercept_ : ndarray of float64, shapes (2 * n_classes, n_classes) and (n_classes,)
        From standardised scores and log-probabilities to logits; an intercept of minus infinity
        for a class that none of the rows had.

    References
    ----------
    Wolpert, Stacked generalization, Neural Networks 5, 1992.
    """

    def __init__(self, C: float = 0.1) -> None:
        self.C = C

    def fit(self, scores: np.ndarray, probabilities: np.ndarray, y: np.ndarray) -> Self:
        """Fit on held-out rows.

        Parameters
        ----------
        scores : ndarray, shape (n, n_classes)
            An SVM's, of all classes; rows with NaN, which it cannot read, are left out.
        probabilities : ndarray, shape (n, n_classes)
            A network's.
        y : ndarray of int, shape (n,)
            Class indices.

        Raises
        ------
        MienError
            If the rows with scores are of fewer than two classes.
        """
        readable = np.isfinite(scores).all(axis=1)
        y = np.asarray(y)[readable]
        classes = np.unique(y)
        if len(classes) < 2:
            raise MienError(
                "The held-out rows that have features, on which an SVM and a network are "
                f"combined, are of {len(classes)} classes; two are needed.",
                "Use more pictures, or more inner folds: --set fusion.inner=3.",
            )
        scores = np.asarray(scores, dtype=np.float64)[readable]
        self.mean_, self.scale_ = scores.mean(axis=0), scores.std(axis=0)
        self.scale_[self.scale_ == 0] = 1.0
        columns = self._to_columns(scores, probabilities[readable])
        regression = LogisticRegression(C=self.C, max_iter=1000).fit(columns, y)
        n_classes = scores.shape[1]
        self.coef_ = np.zeros((2 * n_classes, n_classes))
        self.intercept_ = np.full(n_classes, -np.inf)
        self.coef_[:, classes], self.intercept_[classes] = read_logits(regression)
        return self

    def predict_proba(self, scores: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
        """Combine a row's scores and probabilities; the network alone answers where there are none.

        Parameters
        ----------
        scores : ndarray, shape (n, n_classes)
            NaN in rows that the SVM cannot read.
        probabilities : ndarray, shape (n, n_classes)

        Returns
        -------
        ndarray of float64, shape (n, n_classes)
        """
        check_is_fitted(self)
        combined = np.array(probabilities, dtype=np.float64)
        readable = np.isfinite(scores).all(axis=1)
        if readable.any():
            columns = self._to_columns(scores[readable], combined[readable])
            combined[readable] = softmax(columns @ self.coef_ + self.intercept_, copy=False)
        return combined

    def _to_columns(self, scores: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
        likely = np.clip(np.asarray(probabilities, dtype=np.float64), LEAST_PROBABILITY, 1.0)
        return np.hstack([(scores - self.mean_) / self.scale_, np.log(likely)])


class FusionClassifier(ClassifierMixin, BaseEstimator):
    """A fitted SVM, a fitted network and what combines them, as one classifier.

    Parameters
    ----------
    svm : object
        Fitted, with ``decision_function`` of features and with class indices as its classes.
    network : object
        Fitted, with ``predict_proba`` of pixels and with class indices as its classes.
    combiner : ScoreCombiner
        Fitted.
    n_classes : int

    Attributes
    ----------
    classes_ : ndarray of int, shape (n_classes,)
        All class indices.
    """

    def __init__(self, svm: Any, network: Any, combiner: ScoreCombiner, n_classes: int) -> None:
        self.svm = svm
        self.network = network
        self.combiner = combiner
        self.n_classes = n_classes

    @property
    def classes_(self) -> np.ndarray:
        """All class indices; int64, shape (n_classes,)."""
        return np.arange(self.n_classes)

    def predict_proba(self, X: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """Return probabilities.

        Parameters
        ----------
        X : tuple of ndarray
            Features, float32 of shape (n, d), with NaN in rows that have none; and grey pixels,
            uint8 of shape (n, 48, 48).

        Returns
        -------
        ndarray of float64, shape (n, n_classes)
        """
        features, pixels = X
        scores = score_readable(self.svm, features, self.n_classes)
        found = self.network.predict_proba(pixels)
        probabilities = spread_probabilities(found, self.network.classes_, self.n_classes)
        return self.combiner.predict_proba(scores, probabilities)

    def predict(self, X: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """Return the most probable class, shape (n,)."""
        return self.predict_proba(X).argmax(axis=1)


def score_readable(svm: Any, features: np.ndarray, n_classes: int) -> np.ndarray:
    """Compute an SVM's scores of the rows that it can read.

    Parameters
    ----------
    svm : object
        Fitted, with class indices as its classes.
    features : ndarray of float32, shape (n, d)
    n_classes : int

    Returns
    -------
    ndarray of float32, shape (n, n_classes)
        As :func:`~mien.models.class_columns.spread_scores` gives them; NaN in rows whose features
        are not all finite.
    """
    scores = np.full((len(features), n_classes), np.nan, dtype=np.float32)
    readable = np.isfinite(features).all(axis=1)
    if readable.any():
        found = svm.decision_function(features if readable.all() else features[readable])
        scores[readable] = spread_scores(found, svm.classes_, n_classes)
    return scores
