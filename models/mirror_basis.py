"""Coordinates in which mirroring a face only turns signs, and steps that keep them so."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.utils.validation import check_is_fitted, validate_data

from mien.errors import MienError
from mien.models.dots import BLOCK

_TALL = 4
"""Rows a column from which components come from the covariance matrix."""


class MirrorBasis(TransformerMixin, BaseEstimator):
    """Turn features into symmetric coordinates, which mirroring keeps, and antisymmetric ones.

    Mirroring a face maps its features x to ``Mx``, with ``(Mx)_i = sign_i x_source(i)``: an
    orthogonal involution. For a pair of columns i and j that change places with the sign s, the
    coordinates are ``(x_i + s x_j) / sqrt(2)``, symmetric, and ``(x_i - s x_j) / sqrt(2)``,
    antisymmetric; a column that stays is symmetric if its sign is +1, else antisymmetric. The
    change of basis is orthonormal. With S and A the dot products in the two halves,

        <x, y> = <Mx, My> = S + A        <x, My> = <Mx, y> = S - A

    so a kernel averaged over the four combinations of faces and mirror images is the mean of
    ``k(S + A)`` and ``k(S - A)``: one matrix product instead of four.

    Parameters
    ----------
    source : ndarray of int, shape (d,)
    sign : ndarray of float32, shape (d,)
    widths : sequence of int, optional
        Columns of each block (a family) that gets its own two halves; one block by default.

    Notes
    -----
    The output has, block after block, the symmetric then the antisymmetric coordinates;
    ``halves`` says how many. Nothing is fitted.
    """

    def __init__(
        self, source: np.ndarray, sign: np.ndarray, widths: Sequence[int] | None = None
    ) -> None:
        self.source = source
        self.sign = sign
        self.widths = widths

    @property
    def halves(self) -> tuple[tuple[int, int], ...]:
        """By block, how many symmetric and antisymmetric coordinates there are."""
        *_, odd, edges = self._plan()
        counts = [int(odd[a:b].sum()) for a, b in pairwise(edges)]
        widths = np.diff(edges).tolist()
        return tuple((width - count, count) for width, count in zip(widths, counts, strict=True))

    def fit(self, X: np.ndarray, y: np.ndarray | None = None) -> MirrorBasis:  # noqa: ARG002
        """Check the number of columns and that mirroring twice changes nothing."""
        X = validate_data(self, X, dtype=np.float32)
        _check_width(X, len(self.source), "mirror")
        self.plan_ = self._plan()[:3]
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Return the coordinates; float32, shape (n, d)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float32, reset=False)
        first, second, (one, other) = self.plan_
        out = np.empty_like(X, order="C")
        for start in range(0, len(X), BLOCK):
            part = slice(start, start + BLOCK)
            np.take(X[part], first, axis=1, out=out[part])
            out[part] *= one
            out[part] += X[part][:, second] * other
        return out

    def _plan(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return for each coordinate its two columns, their factors and its oddness; blocks' edges.

        The lower column of a pair holds its symmetric coordinate, the higher its antisymmetric.
        """
        source, sign = np.asarray(self.source), np.asarray(self.sign, dtype=np.float32)
        column = np.arange(len(source))
        if not ((source[source] == column).all() and (sign * sign[source] == 1).all()):
            raise MienError(
                "A family's mirror is not one: mirroring twice does not give the same columns.",
                "Check the family with: mien features --check.",
            )
        fixed = source == column
        odd = np.where(fixed, sign < 0, column > source)
        lower, higher = np.minimum(column, source), np.maximum(column, source)
        half = np.float32(np.sqrt(0.5))
        one = np.where(fixed, np.float32(1), half)
        other = np.where(fixed, np.float32(0), np.where(odd, -half, half) * sign)
        edges = np.cumsum([0, *(self.widths or [len(source)])])
        block = np.searchsorted(edges, column, side="right")
        order = np.lexsort((column, odd, block))
        factors = np.stack([one, other]).astype(np.float32)
        return lower[order], higher[order], factors[:, order], odd[order], edges


class MirrorScaler(TransformerMixin, BaseEstimator):
    """A scaler fitted on faces and their mirror images, so that it changes both alike.

    A column and its mirror get the same spread and, up to the sign, the same centre: antisymmetric
    coordinates, whose mean over faces and mirror images is zero, are not shifted, and scaling
    a mirrored face is mirroring the scaled face.

    Parameters
    ----------
    scaler : estimator
        With ``partial_fit``: StandardScaler, or MinMaxScaler to a range around zero.
    source : ndarray of int, shape (d,)
    sign : ndarray of float32, shape (d,)
    """

    def __init__(self, scaler: Any, source: np.ndarray, sign: np.ndarray) -> None:
        self.scaler = scaler
        self.source = source
        self.sign = sign

    def fit(self, X: np.ndarray, y: np.ndarray | None = None) -> MirrorScaler:  # noqa: ARG002
        """Fit on rows and mirrored rows."""
        X = validate_data(self, X, dtype=np.float32)
        _check_width(X, len(self.source), "mirror")
        self.scaler_ = clone(self.scaler).partial_fit(X)
        self.scaler_.partial_fit(X[:, self.source] * self.sign)
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Scale; shape (n, d)."""
        check_is_fitted(self)
        return self.scaler_.transform(validate_data(self, X, dtype=np.float32, reset=False))


class BlockPCA(TransformerMixin, BaseEstimator):
    """Principal components of each block, in each half of a mirror basis by itself.

    The antisymmetric half is not centred: its mean over faces and mirror images is zero. Together
    that is the PCA of all faces and their mirror images, whose components are each symmetric or
    antisymmetric.

    Parameters
    ----------
    n_components : int
        Kept of each block, the best of both halves together.
    blocks : sequence of (int, int)
        By block, how many symmetric and antisymmetric columns there are.
    random_state : int
        Of the randomised solvers.

    Notes
    -----
    Columns of components that are not kept are zero, so that the halves' widths (``halves``) are
    known before the fit.
    """

    def __init__(
        self, n_components: int, blocks: Sequence[tuple[int, int]], random_state: int = 0
    ) -> None:
        self.n_components = n_components
        self.blocks = blocks
        self.random_state = random_state

    @property
    def halves(self) -> tuple[tuple[int, int], ...]:
        """By block, how many symmetric and antisymmetric columns the output has."""
        most = self.n_components
        return tuple((min(most, even), min(most, odd)) for even, odd in self.blocks)

    def fit(self, X: np.ndarray, y: np.ndarray | None = None) -> BlockPCA:  # noqa: ARG002
        """Fit on rows of a mirror basis; shape (n, d)."""
        X = validate_data(self, X, dtype=np.float32)
        _check_width(X, sum(map(sum, self.blocks)), "blocks")
        self.steps_: list[tuple[slice, Any, np.ndarray]] = []
        start = 0
        for (even, odd), (keep_even, keep_odd) in zip(self.blocks, self.halves, strict=True):
            fitted = []
            if even:
                fitted.append(self._fit(X, slice(start, start + even), keep_even, odd=False))
            if odd:
                span = slice(start + even, start + even + odd)
                fitted.append(self._fit(X, span, keep_odd, odd=True))
            self.steps_ += self._keep_best(fitted)
            start += even + odd
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Return the components; float32, shape (n, sum of halves)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float32, reset=False)
        parts = [step.transform(X[:, span]) * kept for span, step, kept in self.steps_]
        return np.concatenate(parts, axis=1, dtype=np.float32)

    def _fit(self, X: np.ndarray, span: slice, keep: int, *, odd: bool) -> tuple[slice, Any]:
        half = X[:, span]
        if len(half) < _TALL * half.shape[1]:
            step = TruncatedSVD(keep) if odd else PCA(keep)
            return span, step.set_params(random_state=self.random_state).fit(half)
        # exact, and with so many rows no slower than a randomised sketch
        step = PCA(keep, svd_solver="covariance_eigh")
        step.fit(np.concatenate([half, -half]) if odd else half)
        if odd:
            step.singular_values_ /= np.sqrt(2)
        return span, step

    def _keep_best(self, fitted: list[tuple[slice, Any]]) -> list[tuple[slice, Any, np.ndarray]]:
        values = np.concatenate([step.singular_values_ for _, step in fitted])
        kept = np.zeros(len(values), dtype=np.float32)
        kept[np.argsort(-values, kind="stable")[: self.n_components]] = 1
        counts = np.cumsum([len(step.singular_values_) for _, step in fitted])[:-1]
        return [
            (span, step, own)
            for (span, step), own in zip(fitted, np.split(kept, counts), strict=True)
        ]


def _check_width(X: np.ndarray, columns: int, of: str) -> None:
    if X.shape[1] != columns:
        raise ValueError(f"X has {X.shape[1]} columns, the {of} {columns}")
