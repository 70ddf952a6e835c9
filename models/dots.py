"""Dot products between rows, in blocks, apart for the two halves of a mirror basis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

BLOCK = 2048
"""Rows that are worked on at a time."""


@dataclass(frozen=True)
class Dots:
    """Dot products between two sets of rows, apart for the two halves of a mirror basis.

    Attributes
    ----------
    symmetric : ndarray of float32, shape (n, m)
        Of the columns that mirroring leaves alone; of all columns where nothing is mirrored.
    antisymmetric : ndarray of float32, shape (n, m), or None
        Of the columns whose sign mirroring turns.
    row_norms, column_norms : ndarray of float32, shapes (n,) and (m,)
        Squared lengths over both halves.
    """

    symmetric: np.ndarray
    antisymmetric: np.ndarray | None
    row_norms: np.ndarray
    column_norms: np.ndarray

    @property
    def nbytes(self) -> int:
        """Memory of the matrices."""
        return self.symmetric.nbytes * (1 if self.antisymmetric is None else 2)

    def take(self, rows: np.ndarray, columns: np.ndarray) -> Dots:
        """Return the dot products of some rows with some columns; positions, as a copy."""
        index = np.ix_(rows, columns)
        other = None if self.antisymmetric is None else self.antisymmetric[index]
        return Dots(self.symmetric[index], other, self.row_norms[rows], self.column_norms[columns])

    def block(self, part: slice) -> Dots:
        """Return some rows with all columns, as a view."""
        other = None if self.antisymmetric is None else self.antisymmetric[part]
        return Dots(self.symmetric[part], other, self.row_norms[part], self.column_norms)


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
    return fill_in_blocks(
        len(a), len(b), a is b, lambda part, first: a[part] @ b[first:].T, np.float32
    )


def compute_squared_norms(rows: np.ndarray) -> np.ndarray:
    """Return each row's squared length; float32, shape (n,)."""
    return np.einsum("ij,ij->i", rows, rows, dtype=np.float32)


def compute_dots(rows: np.ndarray, columns: np.ndarray, *, symmetric: int | None = None) -> Dots:
    """Return the dot products of two sets of rows, apart for the halves of a mirror basis.

    Parameters
    ----------
    rows : ndarray of float32, shape (n, d)
    columns : ndarray of float32, shape (m, d)
        When it is ``rows`` itself, only one triangle is computed.
    symmetric : int, optional
        How many of the d features, from the first, mirroring leaves alone; all by default.

    Returns
    -------
    Dots
    """
    norms = compute_squared_norms(rows)
    other = norms if rows is columns else compute_squared_norms(columns)
    if symmetric is None or symmetric == rows.shape[1]:
        return Dots(compute_dot_products(rows, columns), None, norms, other)
    halves = slice(None, symmetric), slice(symmetric, None)
    products = []
    for half in halves:
        left = rows[:, half]
        products.append(compute_dot_products(left, left if rows is columns else columns[:, half]))
    return Dots(products[0], products[1], norms, other)


def add_dots(parts: Sequence[Dots], weights: Sequence[float]) -> Dots:
    """Return the weighted sum: the dot products of columns side by side, each scaled.

    Parameters
    ----------
    parts : sequence of Dots
        Of the same rows, one a family.
    weights : sequence of float
        What each family's dot products are multiplied by.
    """

    def total(arrays: list[np.ndarray]) -> np.ndarray:
        added = arrays[0] * np.float32(weights[0])
        for array, weight in zip(arrays[1:], weights[1:], strict=True):
            for start in range(0, len(added), BLOCK):
                part = slice(start, start + BLOCK)
                added[part] += array[part] * np.float32(weight)
        return added

    odd = [part.antisymmetric for part in parts if part.antisymmetric is not None]
    return Dots(
        total([part.symmetric for part in parts]),
        total(odd) if odd else None,
        total([part.row_norms for part in parts]),
        total([part.column_norms for part in parts]),
    )


def compute_means(dots: Dots) -> tuple[float, float]:
    """Return the mean squared length and mean dot product, for :func:`compute_kernel_scale`."""
    mean_dot = float(dots.symmetric.mean(dtype=np.float64))
    return float(dots.row_norms.mean(dtype=np.float64)), mean_dot


def compute_row_means(rows: np.ndarray, *, symmetric: int | None = None) -> tuple[float, float]:
    """Return what :func:`compute_means` does, from the features: no matrix is needed."""
    mean_norm = float(compute_squared_norms(rows).mean(dtype=np.float64))
    centre = rows[:, :symmetric].mean(axis=0, dtype=np.float64)
    return mean_norm, float(centre @ centre)


def fill_in_blocks(
    n: int, m: int, same: bool, make: Callable[[slice, int], np.ndarray], dtype: type
) -> np.ndarray:
    """Fill a matrix in blocks of rows.

    Parameters
    ----------
    n, m : int
        Its shape.
    same : bool
        Whether it is symmetric, so that only the upper triangle is computed.
    make : callable
        Called with the rows and the first column; returns that block to the last column.
    dtype : type

    Returns
    -------
    ndarray, shape (n, m)
    """
    out: np.ndarray = np.empty((n, m), dtype=dtype)
    for start in range(0, n, BLOCK):
        part = slice(start, start + BLOCK)
        first = start if same else 0
        out[part, first:] = make(part, first)
        if same:
            out[start + BLOCK :, part] = out[part, start + BLOCK :].T
    return out
