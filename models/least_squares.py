"""Least-squares support vector machines: all classes, and all folds, from one factorisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve
from sklearn.utils.class_weight import compute_class_weight

from mien.models.cholesky import factor_in_place, invert_factor_in_place, solve_factored
from mien.models.kernel_machine import KernelMachine, combine_outputs


class LeastSquaresSVC(KernelMachine):
    """Least-squares support vector classification, one against the rest.

    With targets +1 for a class and -1 for the rest, the squared errors e are penalised:

        min  |w|^2 / 2 + C / 2 sum_i v_i e_i^2,    e_i = t_i - <w, phi(x_i)> - b

    whose solution is linear: ``(K + diag(1 / (C v))) alpha + 1 b = t`` and ``1^T alpha = 0``. One
    Cholesky factor of the matrix serves all classes.

    Parameters
    ----------
    kernel, gamma, degree, coef0, blocks
        See :class:`mien.models.kernel_machine.KernelModel`.
    C : float
        Penalty of a squared error: the ridge is ``1 / C``.
    class_weight : {None, "balanced"} or dict
        ``v`` of the rows of each class; ``"balanced"`` is one over the class's share.

    Attributes
    ----------
    classes_ : ndarray
    support_vectors_ : ndarray of float32, shape (n, d)
        All training rows.
    dual_coef_ : ndarray of float32, shape (n, n_classes), for two classes (n, 1)
    intercept_ : ndarray of float32, shape (n_classes,), for two classes (1,)
    kernels_ : tuple of Kernel
        With absolute coefficients.

    References
    ----------
    Suykens and Vandewalle, Least squares support vector machine classifiers, Neural Processing
    Letters 1999.
    """

    precision = np.float32

    def _fit_matrix(self, matrix: np.ndarray, y: np.ndarray) -> None:
        targets = self._prepare(matrix, y)
        self.support_ = np.arange(len(matrix))
        solution = _solve(factor_in_place(matrix), targets)
        self.dual_coef_, self.intercept_ = solution.alpha, solution.bias

    def score_held_out(
        self, matrix: np.ndarray, y: np.ndarray, held_out: Sequence[np.ndarray]
    ) -> list[np.ndarray]:
        """Score rows as machines fitted without them would, from one inverse.

        Parameters
        ----------
        matrix : ndarray of float32, shape (n, n)
            From :meth:`make_matrix`; overwritten.
        y : ndarray, shape (n,)
        held_out : sequence of ndarray of int
            Positions of the rows of each fold, which is fitted on all others.

        Returns
        -------
        list of ndarray
            By fold, what ``decision_function`` gives of a machine fitted on the other rows, with
            the same kernel and the same weights of rows.

        Notes
        -----
        With M the matrix of the system with the bias and B the rows held out, their residuals are
        ``((M^-1)_BB)^-1 alpha_B`` (An, Liu and Venkatesh, Fast cross-validation algorithms for
        least squares support vector machine and kernel ridge regression, Pattern Recognition
        2007). With ``A = K + ridge``, ``eta = A^-1 1`` and ``s = 1^T eta`` that block is
        ``(A^-1)_BB - eta_B eta_B^T / s``.
        """
        targets = self._prepare(matrix, y)
        factor = factor_in_place(matrix)
        solution = _solve(factor, targets)
        inverse = invert_factor_in_place(factor)
        scores = []
        for rows in held_out:
            columns = inverse[:, rows][rows.min() :] if len(rows) else inverse[:, rows]
            block = (columns.T @ columns).astype(np.float64)
            block -= np.outer(solution.eta[rows], solution.eta[rows]) / solution.eta.sum()
            residuals = solve(block, solution.alpha[rows], assume_a="pos")
            scores.append(combine_outputs(targets[rows] - residuals, len(self.classes_)))
        return scores

    def _prepare(self, matrix: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Add the ridge to the matrix and return the targets; shape (n, n_targets)."""
        targets, weights = self._encode(y)
        matrix[np.diag_indices_from(matrix)] += (1.0 / (self.C * weights)).astype(np.float32)
        return targets

    def _encode(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the targets, shape (n, n_targets), and the weights of the rows' squared errors."""
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("There must be rows of two classes at least; got one class.")
        if not self.C > 0:
            raise ValueError(f"C must be above 0, not {self.C}")
        weights = compute_class_weight(self.class_weight, classes=self.classes_, y=y)[codes]
        signs = np.where(codes[:, None] == np.arange(len(self.classes_)), 1.0, -1.0)
        return (signs if len(self.classes_) > 2 else signs[:, 1:]).astype(np.float32), weights


@dataclass(frozen=True)
class _Solution:
    """The solution of the system with the bias, and ``eta = A^-1 1``."""

    alpha: np.ndarray
    bias: np.ndarray
    eta: np.ndarray


def _solve(factor: np.ndarray, targets: np.ndarray) -> _Solution:
    ones = np.ones((len(targets), 1), dtype=np.float32)
    solved = solve_factored(factor, np.hstack([targets, ones])).astype(np.float64)
    nu, eta = solved[:, :-1], solved[:, -1]
    bias = nu.sum(axis=0) / eta.sum()
    alpha = nu - np.outer(eta, bias)
    return _Solution(alpha.astype(np.float32), bias.astype(np.float32), eta)
