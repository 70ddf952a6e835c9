"""A fitted SVM reduced to the arrays that scores need: small in a file, fast for one row."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.pipeline import Pipeline
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from mien.models.column_grid import to_levels
from mien.models.compact_machine import CompactSVC
from mien.models.dots import BLOCK, Dots, compute_squared_norms
from mien.models.fused_view import FusedView, fuse_view
from mien.models.kernel_machine import choose_class, combine_outputs
from mien.models.kernels import Kernel, weigh_kernels
from mien.models.low_rank import LandmarkRows


class FusedMachine(ClassifierMixin, BaseEstimator):
    """Fit a pipeline that ends in a kernel machine, and keep what its scores are made of.

    The steps before the kernel become one change of columns and one projection. A machine with a
    linear kernel becomes one weight for each column and output. Scores are the pipeline's, but for
    rounding.

    Parameters
    ----------
    pipeline : Pipeline
        From :func:`mien.models.svm_pipeline.build_svm`; cloned and fitted.

    Attributes
    ----------
    classes_ : ndarray
    view_ : FusedView
    head_ : LinearHead or KernelHead
    n_features_in_ : int
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        """Fit the pipeline and fuse its steps; shapes (n, d) and (n,)."""
        X, y = validate_data(self, X, y, dtype=np.float32)
        check_classification_targets(y)
        fitted = clone(self.pipeline).fit(X, y)
        steps = dict(fitted.steps)
        machine, landmarks = steps.pop("svm"), steps.pop("landmarks", None)
        grid = steps.pop("grid", None)
        self.classes_ = machine.classes_
        self.one_against_one_ = getattr(machine, "one_against_one", False)
        self.view_ = fuse_view(list(steps.items()))
        if isinstance(machine, CompactSVC):
            self.view_ = self.view_.narrow(machine.directions_)
            machine = machine.machine_
        read = _read_head(machine, landmarks)
        if grid is not None:
            read = replace(read, step=grid.step_)
            if self.view_.projections is not None:
                self.view_, kept = self.view_.trim()
                read = read.keep(kept)
        name = read.kernels[0].name
        if name == "linear":
            self.head_: LinearHead | KernelHead = fold_head(read, self.view_)
        else:
            self.head_ = read.centre() if grid is None else read
        return self

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """Return one score a class, shape (n, n_classes); for two classes shape (n,).

        Raises
        ------
        ValueError
            If X has another number of columns, or values that are not finite.
        """
        check_is_fitted(self)
        if not self._is_ready(X):
            X = validate_data(self, X, dtype=np.float32, reset=False)
        parts = [self._score(X[start : start + BLOCK]) for start in range(0, len(X), BLOCK)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the class of the highest score, shape (n,)."""
        return choose_class(self.decision_function(X), self.classes_)

    def _is_ready(self, X: object) -> bool:
        """Tell at once what scikit-learn's validation, which takes longer than a score, would."""
        return (
            type(X) is np.ndarray
            and X.dtype == np.float32
            and X.ndim == 2
            and X.shape[0] > 0
            and X.shape[1] == self.n_features_in_
            and not hasattr(self, "feature_names_in_")
            and bool(np.isfinite(X).all())
        )

    def _score(self, X: np.ndarray) -> np.ndarray:
        outputs = self.head_.compute(self.view_, X)
        return combine_outputs(outputs, len(self.classes_), one_against_one=self.one_against_one_)


@dataclass(frozen=True)
class LinearHead:
    """Outputs that are linear in the coordinates before the projection.

    Attributes
    ----------
    weights : ndarray of float32, shape (d, n_outputs)
        Zero for antisymmetric coordinates.
    intercept : ndarray, shape (n_outputs,)
    """

    weights: np.ndarray
    intercept: np.ndarray

    def compute(self, view: FusedView, X: np.ndarray) -> np.ndarray:
        """Return the outputs of raw features, shape (n, n_outputs)."""
        return view.gather(X) @ self.weights + self.intercept


@dataclass(frozen=True)
class KernelHead:
    """Outputs that are sums of kernel values with some rows.

    Attributes
    ----------
    rows : ndarray of float32, shape (m, k)
    halves : list of (int, int)
        By kernel, how many symmetric and antisymmetric columns it reads, one after another.
    kernels : tuple of Kernel
    norms : list of ndarray of float32, shape (m,)
        By kernel, the rows' squared lengths; for ``rise`` their dot products with the shift.
    dual_coef : ndarray, shape (m, n_outputs)
    intercept : ndarray, shape (n_outputs,)
    step : ndarray of float32, shape (k,), or None
        What rows are whole multiples of, where they are: pickled, they take 8 bits a number.
    shift : ndarray of float32, shape (k,), or None
        What was subtracted from the rows, and is from what is scored.
    """

    rows: np.ndarray
    halves: list[tuple[int, int]]
    kernels: tuple[Kernel, ...]
    norms: list[np.ndarray]
    dual_coef: np.ndarray
    intercept: np.ndarray
    step: np.ndarray | None = None
    shift: np.ndarray | None = None

    def __getstate__(self) -> dict[str, Any]:
        levels = self.rows if self.step is None else to_levels(self.rows, self.step)
        return {**self.__dict__, "rows": levels}

    def __setstate__(self, state: dict[str, Any]) -> None:
        if state["step"] is not None:
            state = {**state, "rows": state["rows"].astype(np.float32) * state["step"]}
        self.__dict__.update(state)

    def keep(self, mask: np.ndarray) -> KernelHead:
        """Return the head with some of its columns only; the others are zero."""
        edges = np.cumsum([0, *(width for half in self.halves for width in half)])
        counts = [int(mask[a:b].sum()) for a, b in pairwise(edges)]
        return replace(
            self,
            rows=np.ascontiguousarray(self.rows[:, mask]),
            halves=list(zip(counts[::2], counts[1::2], strict=True)),
            step=None if self.step is None else self.step[mask],
        )

    def centre(self) -> KernelHead:
        """Return the head with its rows around the origin, so that rounding errors are smaller.

        They grow with the rows' squared lengths. Distances stay as they are. Polynomial kernels
        become their rise above the value at the rows' mean, which goes into the intercept. A mirror
        turns the sign of antisymmetric columns, which are left alone. So are all columns where a
        polynomial kernel's rise would not be small beside its value at the mean.
        """
        shift = self.rows.mean(axis=0)
        edges = np.cumsum([0, *(width for half in self.halves for width in half)])
        for first, last in zip(edges[1::2], edges[2::2], strict=True):
            shift[first:last] = 0
        rows = self.rows - shift
        spans = [slice(a, b) for a, b in pairwise(edges[::2])]
        squares = [compute_squared_norms(rows[:, span]) for span in spans]
        if self.kernels[0].name == "rbf":
            return replace(self, rows=rows, norms=squares, shift=shift)
        means = [shift[span].astype(np.float64) for span in spans]
        bases = [
            kernel.gamma * float(mean @ mean) + kernel.coef0
            for kernel, mean in zip(self.kernels, means, strict=True)
        ]
        if any(
            base <= kernel.gamma * float(lengths.mean())
            for kernel, base, lengths in zip(self.kernels, bases, squares, strict=True)
        ):
            return self
        level = sum(
            kernel.weight * base**kernel.degree
            for kernel, base in zip(self.kernels, bases, strict=True)
        )
        return replace(
            self,
            rows=rows,
            norms=[
                np.einsum("ij,j->i", rows[:, span], mean, dtype=np.float64).astype(np.float32)
                for span, mean in zip(spans, means, strict=True)
            ],
            kernels=tuple(map(Kernel.rise_above, self.kernels, bases)),
            intercept=self.intercept + level * self.dual_coef.sum(axis=0, dtype=np.float64),
            shift=shift,
        )

    def compute(self, view: FusedView, X: np.ndarray) -> np.ndarray:
        """Return the outputs of raw features, shape (n, n_outputs)."""
        Z = view.transform(X)
        if self.shift is not None:
            Z = Z - self.shift
        if self.step is not None:
            Z = to_levels(Z, self.step) * self.step
        parts, start = [], 0
        for (even, odd), norms, kernel in zip(self.halves, self.norms, self.kernels, strict=True):
            middle, stop = start + even, start + even + odd
            symmetric = Z[:, start:middle] @ self.rows[:, start:middle].T
            if self.shift is not None and kernel.name == "rise":
                symmetric += norms
                symmetric += (Z[:, start:middle] @ self.shift[start:middle])[:, None]
            other = Z[:, middle:stop] @ self.rows[:, middle:stop].T if odd else None
            own = compute_squared_norms(Z[:, start:stop])
            parts.append(Dots(symmetric, other, own, norms))
            start = stop
        return weigh_kernels(parts, self.kernels) @ self.dual_coef + self.intercept


def _read_head(machine: Any, landmarks: LandmarkRows | None) -> KernelHead:
    """Read a fitted machine's rows and coefficients."""
    if landmarks is None:
        kernel: Any = machine
        rows, dual_coef = machine.support_vectors_, machine.dual_coef_
    else:
        kernel = landmarks
        rows, dual_coef = landmarks.rows_, landmarks.root_ @ machine.coef_.T
    edges = np.cumsum([0, *(sum(half) for half in kernel.halves_)])
    norms = [compute_squared_norms(rows[:, a:b]) for a, b in pairwise(edges)]
    return KernelHead(
        rows, kernel.halves_, kernel.kernels_, norms, dual_coef.astype(np.float32),
        machine.intercept_,
    )  # fmt: skip


def fold_head(head: KernelHead, view: FusedView) -> LinearHead:
    """Add up the rows of a machine with linear kernels, and bring the weights before the PCA.

    With a mirror, only the symmetric columns have a weight: ``k(S + A)`` and ``k(S - A)`` of a
    linear kernel average to ``k(S)``.
    """
    weights = np.zeros((head.rows.shape[1], head.dual_coef.shape[1]))
    start = 0
    for (even, odd), kernel in zip(head.halves, head.kernels, strict=True):
        span = slice(start, start + even)
        weights[span] = kernel.weight * kernel.gamma * (head.rows[:, span].T @ head.dual_coef)
        start += even + odd
    weights, constant = view.fold(weights)
    return LinearHead(weights.astype(np.float32), head.intercept + constant)
