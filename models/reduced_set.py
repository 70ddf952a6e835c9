"""A least-squares SVM on few rows, fitted on all: what a small model file has room for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve, cholesky, solve_triangular
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from mien.models.dots import BLOCK
from mien.models.kernel_machine import Block
from mien.models.least_squares import LeastSquaresSVC

_JITTERS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)


class ReducedLeastSquaresSVC(LeastSquaresSVC):
    """Least-squares support vector classification with a reduced set of rows.

    The scores are ``k(x, centres) b + intercept`` with few centres, drawn at random from the
    training rows. All training rows are fitted:

        min  b^T K_mm b / 2 + C / 2 sum_i v_i e_i^2,    e_i = t_i - <K_im, b> - intercept

    With all training rows as centres this is :class:`LeastSquaresSVC`.

    Parameters
    ----------
    kernel, gamma, degree, coef0, blocks, C, class_weight
        See :class:`mien.models.least_squares.LeastSquaresSVC`.
    n_centres : int
        m; at most the number of training rows.
    random_state : int
        Of the draw.

    Attributes
    ----------
    support_vectors_ : ndarray of float32, shape (m, d)
        The centres.
    dual_coef_, intercept_, kernels_, classes_
        As of :class:`mien.models.least_squares.LeastSquaresSVC`.

    References
    ----------
    Lee and Mangasarian, RSVM: reduced support vector machines, SDM 2001; Rudi, Carratino and
    Rosasco, FALKON: an optimal large scale kernel method, NIPS 2017.

    Notes
    -----
    With ``K_mm = L L^T`` the rows' features are ``L^-1 k``, whose Gram matrix plus the ridge is
    well conditioned: it is added up block by block in single precision, and the kernel values of
    all rows are never held at once.
    """

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
        n_centres: int = 1000,
        random_state: int = 0,
    ) -> None:
        super().__init__(
            kernel=kernel, C=C, gamma=gamma, degree=degree, coef0=coef0,
            class_weight=class_weight, blocks=blocks,
        )  # fmt: skip
        self.n_centres = n_centres
        self.random_state = random_state

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        """Draw the centres and fit their coefficients on all rows.

        Parameters
        ----------
        X : array-like, shape (n, d)
        y : array-like, shape (n,)
            Labels of at least two classes.
        """
        X, y = validate_data(self, X, y, dtype=np.float32)
        check_classification_targets(y)
        self._fit_kernels(X)
        targets, weights = self._encode(y)
        generator = np.random.default_rng(self.random_state)
        self.support_ = np.sort(generator.permutation(len(X))[: self.n_centres])
        self.support_vectors_ = X[self.support_]
        root = self._root()
        sums = self._add_up(X, targets, weights, root)
        alpha, bias = _solve_ridge(*sums, ridge=1.0 / self.C)
        coefficients = solve_triangular(root, alpha, lower=True, trans="T", check_finite=False)
        self.dual_coef_ = coefficients.astype(np.float32)
        self.intercept_ = bias.astype(np.float32)
        return self

    def _root(self) -> np.ndarray:
        """Return the Cholesky factor of the centres' kernel matrix, float32.

        A little is added to its diagonal: equal centres, or a kernel of low rank, would make it
        singular.
        """
        matrix = self._compute_kernel(self.support_vectors_, self.support_vectors_, np.float64)
        diagonal = matrix.diagonal().copy()
        for jitter in _JITTERS:
            np.fill_diagonal(matrix, diagonal + jitter * diagonal.mean())
            try:
                return cholesky(matrix, lower=True, check_finite=False).astype(np.float32)
            except LinAlgError:
                continue
        raise ValueError(f"the kernel matrix of {len(matrix)} rows is not positive definite")

    def _add_up(
        self, X: np.ndarray, targets: np.ndarray, weights: np.ndarray, root: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the weighted Gram matrix of features, targets and a one, and the targets' width.

        Columns are the m features, the one, and the targets; float64.
        """
        width = len(root) + 1 + targets.shape[1]
        gram = np.zeros((len(root) + 1, width))
        scale = np.sqrt(weights).astype(np.float32)
        for start in range(0, len(X), BLOCK):
            part = slice(start, start + BLOCK)
            values = self._compute_kernel(X[part], self.support_vectors_, np.float32)
            features = solve_triangular(root, values.T, lower=True, check_finite=False)
            rows = np.vstack([features, np.ones(values.shape[0], np.float32), targets[part].T])
            rows *= scale[part]
            gram += rows[: len(gram)] @ rows.T
        return gram[:, : len(gram)], gram[:, len(gram) :]


def _solve_ridge(
    gram: np.ndarray, products: np.ndarray, *, ridge: float
) -> tuple[np.ndarray, np.ndarray]:
    """Solve ridge regression whose last feature is the constant, which is not penalised.

    Parameters
    ----------
    gram : ndarray of float64, shape (m + 1, m + 1)
        Of the features and the constant.
    products : ndarray of float64, shape (m + 1, n_targets)
        Of features and constant with the targets.
    ridge : float

    Returns
    -------
    coefficients : ndarray of float64, shape (m, n_targets)
    intercept : ndarray of float64, shape (n_targets,)
    """
    total, sums = gram[-1, -1], gram[-1, :-1]
    means = products[-1] / total
    centred = gram[:-1, :-1] - np.outer(sums, sums) / total
    centred[np.diag_indices_from(centred)] += ridge
    factor = cho_factor(centred, overwrite_a=True, check_finite=False)
    solution = cho_solve(factor, products[:-1] - np.outer(sums, means), check_finite=False)
    return solution, means - sums @ solution / total
