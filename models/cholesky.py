"""Cholesky factorisation of large single-precision matrices, in blocks and in place."""

from __future__ import annotations

import numpy as np
from scipy.linalg import LinAlgError, cholesky, solve_triangular

from mien.errors import MienError

BLOCK = 2048


class NotPositiveDefiniteError(MienError):
    """The matrix has no Cholesky factor in single precision."""


def factor_in_place(matrix: np.ndarray, *, block: int = BLOCK) -> np.ndarray:
    """Replace the lower triangle of a symmetric matrix by its Cholesky factor.

    Parameters
    ----------
    matrix : ndarray of float32, shape (n, n)
        C-contiguous. The part above the diagonal blocks is neither read nor changed.
    block : int
        Rows of a diagonal block.

    Returns
    -------
    ndarray
        ``matrix``, with L where ``L L^T`` is the matrix.

    Raises
    ------
    NotPositiveDefiniteError
        If a pivot is not positive.

    Notes
    -----
    The left-looking algorithm (Golub and Van Loan, Matrix Computations, 4.2): a panel of columns
    loses what the columns to its left explain in one matrix product, its diagonal block is
    factored, the rest of the panel solved for. SciPy's ``cho_factor`` of 28,709 single-precision
    rows at once ended in a segmentation fault.
    """
    n = len(matrix)
    for start in range(0, n, block):
        stop = min(start + block, n)
        panel = matrix[start:, start:stop] - matrix[start:, :start] @ matrix[start:stop, :start].T
        size = stop - start
        try:
            corner = cholesky(panel[:size], lower=True, check_finite=False)
        except LinAlgError as error:
            raise NotPositiveDefiniteError(
                f"The kernel matrix of {n:,} rows with its ridge is not positive definite in "
                "single precision.",
                "Choose a smaller C, or a smaller degree and coef0.",
            ) from error
        matrix[start:stop, start:stop] = corner
        if stop < n:
            matrix[stop:, start:stop] = _solve_lower(corner, panel[size:].T).T
    return matrix


def solve_factored(factor: np.ndarray, right: np.ndarray, *, block: int = BLOCK) -> np.ndarray:
    """Solve ``L L^T X = right``.

    Parameters
    ----------
    factor : ndarray of float32, shape (n, n)
        From :func:`factor_in_place`.
    right : ndarray, shape (n, k)
    block : int

    Returns
    -------
    ndarray of float32, shape (n, k)
    """
    n = len(factor)
    x = np.array(right, dtype=np.float32)
    starts = range(0, n, block)
    for start in starts:
        part = slice(start, start + block)
        x[part] -= factor[part, :start] @ x[:start]
        x[part] = _solve_lower(factor[part, part], x[part])
    for start in reversed(starts):
        part, below = slice(start, start + block), slice(start + block, n)
        x[part] -= factor[below, part].T @ x[below]
        x[part] = _solve_lower(factor[part, part], x[part], transposed=True)
    return x


def invert_factor_in_place(factor: np.ndarray, *, block: int = BLOCK) -> np.ndarray:
    """Replace L in the lower triangle by its inverse W; what is above the diagonal becomes zero.

    Parameters
    ----------
    factor : ndarray of float32, shape (n, n)
        From :func:`factor_in_place`.
    block : int

    Returns
    -------
    ndarray
        ``factor``. The inverse of the factored matrix is ``W^T W``, so that its block for the
        rows and columns B is ``W[:, B]^T W[:, B]``: no other part of it need be formed.
    """
    n = len(factor)
    starts = range(0, n, block)
    for start in starts:
        stop = min(start + block, n)
        corner = factor[start:stop, start:stop].copy()
        for left in starts[: start // block]:
            span = slice(left, left + block)
            product = factor[start:stop, left:start] @ factor[left:start, span]
            factor[start:stop, span] = -_solve_lower(corner, product)
        identity = np.eye(stop - start, dtype=np.float32)
        factor[start:stop, start:stop] = _solve_lower(corner, identity)
        factor[start:stop, stop:] = 0
    return factor


def _solve_lower(factor: np.ndarray, right: np.ndarray, *, transposed: bool = False) -> np.ndarray:
    return solve_triangular(
        factor, right, lower=True, trans="T" if transposed else "N", check_finite=False
    )
