"""Scaling whole families of columns, so that small and wide ones weigh as they shall."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted, validate_data

from mien.models.dots import compute_squared_norms
from mien.models.kernels import compute_kernel_scale

_UNIT = 1e-3


def has_unit_length(norms: np.ndarray) -> bool:
    """Tell from squared lengths whether all rows have the length 1."""
    return bool(np.abs(norms - 1).max() <= _UNIT)


class FamilyScaler(TransformerMixin, BaseEstimator):
    """Scale families of columns to a mean squared distance of 1, times their weight.

    Columns of a family whose rows do not have unit length are z-scored before. A family's squared
    distances and dot products then have its weight in those of all columns side by side.

    Parameters
    ----------
    widths : sequence of int
        Columns of each family, side by side.
    weights : sequence of float
    level : bool
        When false, only multiply by the weights: the columns have been scaled already.
    mirror : (ndarray of int, ndarray of float32), optional
        Source and sign of the columns' mirror. Everything is then fitted on rows and mirrored
        rows, so that scaling a mirrored face is mirroring the scaled face.

    Attributes
    ----------
    mean_, factor_ : ndarray of float32, shape (d,)
        What is subtracted from, and then multiplied by, each column.
    """

    def __init__(
        self,
        widths: Sequence[int],
        weights: Sequence[float],
        *,
        level: bool = True,
        mirror: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> None:
        self.widths = widths
        self.weights = weights
        self.level = level
        self.mirror = mirror

    def fit(self, X: np.ndarray, y: np.ndarray | None = None) -> FamilyScaler:  # noqa: ARG002
        """Fit on rows; shape (n, sum of widths)."""
        X = validate_data(self, X, dtype=np.float32)
        if X.shape[1] != sum(self.widths):
            raise ValueError(f"X has {X.shape[1]} columns, the families {sum(self.widths)}")
        self.mean_ = np.zeros(X.shape[1], dtype=np.float32)
        self.factor_ = np.ones(X.shape[1], dtype=np.float32)
        edges = np.cumsum([0, *self.widths])
        for start, stop, weight in zip(edges[:-1], edges[1:], self.weights, strict=True):
            span = slice(start, stop)
            unit = self._level(X[:, span], span) if self.level else 1.0
            self.factor_[span] *= np.float32(np.sqrt(unit * weight))
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Scale; float32, shape (n, d)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float32, reset=False)
        scaled = X - self.mean_
        scaled *= self.factor_
        return scaled

    def _level(self, values: np.ndarray, span: slice) -> float:
        """Z-score a family unless it has unit length; return one over its mean squared distance."""
        norms = compute_squared_norms(values)
        if not has_unit_length(norms):
            scaler = StandardScaler().fit(values)
            if self.mirror is not None:
                scaler.partial_fit(_mirror(values, span, *self.mirror))
            self.mean_[span] = scaler.mean_
            self.factor_[span] = 1.0 / scaler.scale_
            values = (values - self.mean_[span]) * self.factor_[span]
            norms = compute_squared_norms(values)
        centre = values.mean(axis=0, dtype=np.float64)
        if self.mirror is not None:
            centre = (centre + _mirror(centre[None], span, *self.mirror)[0]) / 2
        mean_norm = float(norms.mean(dtype=np.float64))
        return compute_kernel_scale("rbf", mean_norm, float(centre @ centre))


def _mirror(values: np.ndarray, span: slice, source: np.ndarray, sign: np.ndarray) -> np.ndarray:
    return values[:, source[span] - span.start] * sign[span]
