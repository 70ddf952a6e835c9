"""What every classifier on a kernel matrix shares: kernel parameters, features, dot products."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from mien.models.dots import (
    BLOCK,
    Dots,
    compute_means,
    compute_row_means,
)
from mien.models.kernels import (
    KERNELS,
    Kernel,
    compute_kernel_matrix,
    compute_kernel_scale,
    sum_kernels,
)


class Block(NamedTuple):
    """Neighbouring columns that have a kernel of their own.

    Attributes
    ----------
    symmetric, antisymmetric : int
        How many columns of each half of a mirror basis. With antisymmetric columns the kernel is
        averaged over faces and mirror images; see :class:`mien.models.mirror_basis.MirrorBasis`.
    weight : float
        The kernel's share of the sum.
    """

    symmetric: int
    antisymmetric: int = 0
    weight: float = 1.0


class KernelModel(BaseEstimator):
    """A kernel, or a weighted sum of kernels over blocks of columns, in units of the training rows.

    Parameters
    ----------
    kernel : {"rbf", "linear", "poly"}
    gamma : float
        Kernel coefficient as a multiple of one over the mean squared distance between training
        rows (``rbf``) or of one over their mean squared length (``linear``, ``poly``), so that the
        same value means the same on any features.
    degree : int
        Of the polynomial.
    coef0 : float
        Constant of the polynomial.
    blocks : sequence of Block, optional
        Columns with a kernel each; one block of symmetric columns by default.

    Attributes
    ----------
    kernels_ : tuple of Kernel
        With absolute coefficients, one a block; their weights sum to 1.
    """

    def __init__(
        self,
        *,
        kernel: str = "rbf",
        gamma: float = 2.0,
        degree: int = 3,
        coef0: float = 1.0,
        blocks: Sequence[Block] | None = None,
    ) -> None:
        self.kernel = kernel
        self.gamma = gamma
        self.degree = degree
        self.coef0 = coef0
        self.blocks = blocks

    def make_kernels(
        self, means: Sequence[tuple[float, float]], weights: Sequence[float]
    ) -> tuple[Kernel, ...]:
        """Return the kernels with coefficients in the unit of the features.

        Parameters
        ----------
        means : sequence of (float, float)
            By block, mean squared length and mean dot product of the training rows.
        weights : sequence of float
        """
        if self.kernel not in KERNELS:
            raise ValueError(f"kernel must be one of {KERNELS}, not {self.kernel!r}")
        return tuple(
            Kernel(
                self.kernel,
                self.gamma * compute_kernel_scale(self.kernel, *own),
                self.degree,
                self.coef0,
                weight / sum(weights),
            )
            for own, weight in zip(means, weights, strict=True)
        )

    def _fit_kernels(self, X: np.ndarray) -> None:
        blocks = self.blocks or (Block(X.shape[1]),)
        edges = np.cumsum([0, *(block.symmetric + block.antisymmetric for block in blocks)])
        if edges[-1] != X.shape[1]:
            raise ValueError(f"the blocks have {edges[-1]} columns, X has {X.shape[1]}")
        means = [
            compute_row_means(X[:, start:stop], symmetric=block.symmetric)
            for block, start, stop in zip(blocks, edges[:-1], edges[1:], strict=True)
        ]
        self.kernels_ = self.make_kernels(means, [block.weight for block in blocks])
        self.halves_ = [block[:2] for block in blocks]

    def _compute_kernel(self, rows: np.ndarray, columns: np.ndarray, dtype: type) -> np.ndarray:
        return compute_kernel_matrix(rows, columns, self.halves_, self.kernels_, dtype=dtype)


class KernelMachine(ClassifierMixin, KernelModel):
    """A classifier on a kernel matrix, fitted from features or from their dot products.

    A subclass says how the kernel matrix is fitted: it finds which training rows predictions need
    (``support_``), and with what coefficients and constants their kernel values add up to outputs
    (``dual_coef_``, ``intercept_``). The parameters are those of :class:`KernelModel` and

    C : float
        Penalty of an error.
    class_weight : {None, "balanced"} or dict
        ``"balanced"`` multiplies C by one over the class's share.
    """

    precision: type = np.float64
    """The solver's type of numbers."""
    one_against_one: bool = False
    """Whether there is an output for each pair of classes instead of each class."""

    def __init__(
        self,
        *,
        kernel: str = "rbf",
        C: float = 10.0,
        gamma: float = 2.0,
        degree: int = 3,
        coef0: float = 1.0,
        class_weight: str | Mapping[Any, float] | None = None,
        blocks: Sequence[Block] | None = None,
    ) -> None:
        super().__init__(kernel=kernel, gamma=gamma, degree=degree, coef0=coef0, blocks=blocks)
        self.C = C
        self.class_weight = class_weight

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        """Fit on rows of features.

        Parameters
        ----------
        X : array-like, shape (n, d)
        y : array-like, shape (n,)
            Labels of at least two classes.
        """
        X, y = validate_data(self, X, y, dtype=np.float32)
        check_classification_targets(y)
        self._fit_kernels(X)
        self._fit_matrix(self._compute_kernel(X, X, self.precision), y)
        self.support_vectors_ = X[self.support_]
        return self

    def fit_dots(self, parts: Sequence[Dots], y: np.ndarray) -> Self:
        """Fit from dot products between training rows, one a block.

        Predictions then come from :meth:`predict_dots`.
        """
        self._fit_matrix(self.make_matrix(parts), np.asarray(y))
        return self

    def make_matrix(self, parts: Sequence[Dots]) -> np.ndarray:
        """Fix the kernels' units on training rows and return their kernel matrix, shape (n, n)."""
        weights = [block.weight for block in self.blocks or (Block(0),)]
        self.kernels_ = self.make_kernels([compute_means(dots) for dots in parts], weights)
        return sum_kernels(parts, self.kernels_, dtype=self.precision)

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """Return one score a class, shape (n, n_classes); for two classes shape (n,)."""
        check_is_fitted(self, "support_vectors_")
        X = validate_data(self, X, dtype=np.float32, reset=False)
        starts = range(0, len(X), BLOCK)
        scores = [self._score_rows(X[start : start + BLOCK]) for start in starts]
        return np.concatenate(scores)

    def _score_rows(self, X: np.ndarray) -> np.ndarray:
        return self._score(self._compute_kernel(X, self.support_vectors_, self.precision))

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the class of the highest score, shape (n,)."""
        return self.choose(self.decision_function(X))

    def predict_dots(self, parts: Sequence[Dots]) -> np.ndarray:
        """Predict from dot products with *all* training rows, one a block; shapes (n, n_train)."""
        every = np.arange(len(parts[0].row_norms))
        needed = [dots.take(every, self.support_) for dots in parts]
        return self.choose(self._score(sum_kernels(needed, self.kernels_, dtype=self.precision)))

    def choose(self, scores: np.ndarray) -> np.ndarray:
        """Return the class of the highest score."""
        return choose_class(scores, self.classes_)

    @abstractmethod
    def _fit_matrix(self, matrix: np.ndarray, y: np.ndarray) -> None:
        """Fit on a kernel matrix, which may be overwritten.

        Sets ``classes_``, ``support_``, ``dual_coef_`` (shape (n_support, n_outputs)) and
        ``intercept_``.
        """

    def _score(self, matrix: np.ndarray) -> np.ndarray:
        """Turn kernel values with the rows ``support_`` into scores."""
        outputs = matrix @ self.dual_coef_ + self.intercept_
        return combine_outputs(outputs, len(self.classes_), one_against_one=self.one_against_one)


def choose_class(scores: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return the class of the highest score.

    Parameters
    ----------
    scores : ndarray, shape (n, n_classes), for two classes (n,)
        Above 0 speaks for the second of two classes.
    classes : ndarray, shape (n_classes,)

    Returns
    -------
    ndarray, shape (n,)
    """
    chosen = (scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)
    return classes[chosen]


def combine_outputs(
    outputs: np.ndarray, n_classes: int, *, one_against_one: bool = False
) -> np.ndarray:
    """Turn a machine's outputs into one score a class; for two classes the one score there is.

    Parameters
    ----------
    outputs : ndarray, shape (n, n_outputs)
        One a class, or one a pair of classes; a single one for two classes.
    n_classes : int
    one_against_one : bool

    Returns
    -------
    ndarray, shape (n, n_classes), for two classes (n,)
    """
    if n_classes == 2:
        return outputs[:, 0]
    return sum_pairwise_values(outputs, n_classes) if one_against_one else outputs


def sum_pairwise_values(values: np.ndarray, n_classes: int) -> np.ndarray:
    """Turn decision values of class pairs into one score a class.

    Parameters
    ----------
    values : ndarray, shape (n, n_classes * (n_classes - 1) / 2)
        Pairs in the order (0, 1), (0, 2) ... (1, 2) ...; positive speaks for the first class.
    n_classes : int

    Returns
    -------
    ndarray of float64, shape (n, n_classes)
        Sums of ``tanh(value)`` for, and ``-tanh(value)`` against, each class.
    """
    return np.tanh(values) @ share_pairs(n_classes)


def share_pairs(n_classes: int) -> np.ndarray:
    """Return what each pair of classes adds to each class: 1, -1 or 0.

    Parameters
    ----------
    n_classes : int

    Returns
    -------
    ndarray of float64, shape (n_pairs, n_classes)
        Pairs in the order (0, 1), (0, 2) ... (1, 2) ...
    """
    first, second = np.triu_indices(n_classes, k=1)
    share = np.zeros((len(first), n_classes))
    share[np.arange(len(first)), first] = 1.0
    share[np.arange(len(second)), second] = -1.0
    return share
