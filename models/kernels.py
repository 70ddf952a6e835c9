"""Kernel matrices from dot products: computed once, turned into any kernel."""

from __future__ import annotations

import numpy as np

KERNELS: tuple[str, ...] = ("linear", "poly", "rbf")
_BLOCK = 2048


def compute_dot_products(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return all dot products of two sets of rows.

    Parameters
    ----------
    a : ndarray of float32, shape (n, d)
    b : ndarray of float32, shape (m, d)
        When it is ``a`` itself, only one triangle is computed.

    Returns
    -------
    ndarray of float32, shape (n, m)

    Notes
    -----
    Made in blocks of rows: OpenBLAS's symmetric product of 28,709 rows at once ended in a
    segmentation fault.
    """
    same = a is b
    a = np.ascontiguousarray(a, dtype=np.float32)
    b = a if same else np.ascontiguousarray(b, dtype=np.float32)
    dots = np.empty((len(a), len(b)), dtype=np.float32)
    for start in range(0, len(a), _BLOCK):
        part = slice(start, start + _BLOCK)
        first = start if same else 0
        np.matmul(a[part], b[first:].T, out=dots[part, first:])
        if same:
            dots[start + _BLOCK :, part] = dots[part, start + _BLOCK :].T
    return dots


def compute_squared_norms(rows: np.ndarray) -> np.ndarray:
    """Return each row's squared length; float32, shape (n,)."""
    return np.einsum("ij,ij->i", rows, rows, dtype=np.float32)


def compute_kernel_scale(kernel: str, dots: np.ndarray, norms: np.ndarray) -> float:
    """Return the number that makes ``gamma`` free of the features' unit.

    Parameters
    ----------
    kernel : {"linear", "poly", "rbf"}
    dots : ndarray, shape (n, n)
        Dot products between training rows.
    norms : ndarray, shape (n,)
        Their squared lengths.

    Returns
    -------
    float
        For ``rbf`` one over the mean squared distance between training rows, for ``poly`` one over
        the mean squared length, for ``linear`` the same as for ``poly``.
    """
    mean_norm = float(norms.mean(dtype=np.float64))
    spread = mean_norm
    if kernel == "rbf":
        mean_dot = float(np.mean([row.mean(dtype=np.float64) for row in dots]))
        spread = 2.0 * (mean_norm - mean_dot)
    return 1.0 / spread if spread > 1e-12 else 1.0


def apply_kernel(
    dots: np.ndarray,
    row_norms: np.ndarray,
    column_norms: np.ndarray,
    *,
    kernel: str,
    gamma: float,
    degree: int = 3,
    coef0: float = 0.0,
) -> np.ndarray:
    """Turn dot products into a kernel matrix.

    Parameters
    ----------
    dots : ndarray of float32, shape (n, m)
    row_norms : ndarray, shape (n,)
    column_norms : ndarray, shape (m,)
        Squared lengths of the rows and columns.
    kernel : {"linear", "poly", "rbf"}
        ``gamma <x, y>``, ``(gamma <x, y> + coef0) ** degree`` or ``exp(-gamma |x - y|^2)``.
    gamma, degree, coef0
        The kernel's parameters.

    Returns
    -------
    ndarray of float64, shape (n, m)
        libsvm's type. Made in blocks of rows, so that no second matrix of this size is needed.
    """
    out = np.empty(dots.shape, dtype=np.float64)
    for start in range(0, len(dots), _BLOCK):
        part = slice(start, start + _BLOCK)
        block = gamma * dots[part]
        if kernel == "rbf":
            block *= 2.0
            block -= gamma * row_norms[part, None]
            block -= gamma * column_norms[None, :]
            np.minimum(block, 0.0, out=block)
            np.exp(block, out=block)
        elif kernel == "poly":
            block += coef0
            block = block**degree
        out[part] = block
    return out
