"""A low-rank approximation of a kernel, for more rows than a kernel matrix has room for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.linalg import eigh
from sklearn.base import TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from mien.models.dots import BLOCK
from mien.models.kernel_machine import Block, KernelModel

_SMALLEST = 1e-6


class LandmarkRows(TransformerMixin, KernelModel):
    """Map rows to features whose dot products approximate a kernel (the Nystroem method).

    With the kernel matrix ``K_mm`` between m training rows drawn at random, and ``k`` the kernel
    values of a row with these, the features are ``K_mm^(-1/2) k``.

    Parameters
    ----------
    kernel, gamma, degree, coef0, blocks
        See :class:`mien.models.kernel_machine.KernelModel`.
    n_rows : int
        m; at most the number of training rows.
    random_state : int

    References
    ----------
    Williams and Seeger, Using the Nystroem method to speed up kernel machines, NIPS 2000.

    Notes
    -----
    scikit-learn's ``Nystroem`` does the same for kernels given as functions of two rows; here the
    kernel is mirror-averaged or a weighted sum, and computed in blocks.
    """

    def __init__(
        self,
        *,
        kernel: str = "rbf",
        gamma: float = 2.0,
        degree: int = 3,
        coef0: float = 1.0,
        blocks: Sequence[Block] | None = None,
        n_rows: int = 1000,
        random_state: int = 0,
    ) -> None:
        super().__init__(kernel=kernel, gamma=gamma, degree=degree, coef0=coef0, blocks=blocks)
        self.n_rows = n_rows
        self.random_state = random_state

    def fit(self, X: np.ndarray, y: np.ndarray | None = None) -> LandmarkRows:  # noqa: ARG002
        """Draw the rows and invert the root of their kernel matrix."""
        X = validate_data(self, X, dtype=np.float32)
        self._fit_kernels(X)
        generator = np.random.default_rng(self.random_state)
        chosen = np.sort(generator.permutation(len(X))[: self.n_rows])
        self.rows_ = X[chosen]
        values, vectors = eigh(self._compute_kernel(self.rows_, self.rows_, np.float64))
        kept = values > _SMALLEST * values[-1]
        self.root_ = (vectors[:, kept] / np.sqrt(values[kept])).astype(np.float32)
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Return the features; float32, shape (n, at most m)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float32, reset=False)
        out = np.empty((len(X), self.root_.shape[1]), dtype=np.float32)
        for start in range(0, len(X), BLOCK):
            part = slice(start, start + BLOCK)
            out[part] = self._compute_kernel(X[part], self.rows_, np.float32) @ self.root_
        return out
