"""Kernels from dot products, in blocks: one product turned into any kernel, mirrored or not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

KERNELS: tuple[str, ...] = ("linear", "poly", "rbf")
BLOCK = 2048
"""Rows that are worked on at a time."""


@dataclass(frozen=True)
class Kernel:
    """One kernel function of a weighted sum.

    Attributes
    ----------
    name : {"linear", "poly", "rbf"}
        ``gamma <x, y>``, ``(gamma <x, y> + coef0) ** degree`` or ``exp(-gamma |x - y|^2)``.
    gamma : float
        The absolute coefficient.
    degree : int
    coef0 : float
    weight : float
        Its share of the sum.
    """

    name: str
    gamma: float
    degree: int = 3
    coef0: float = 0.0
    weight: float = 1.0

    def evaluate(
        self, dots: np.ndarray, row_norms: np.ndarray, column_norms: np.ndarray
    ) -> np.ndarray:
        """Turn dot products into kernel values.

        Parameters
        ----------
        dots : ndarray of float32, shape (n, m)
        row_norms : ndarray of float32, shape (n,)
        column_norms : ndarray of float32, shape (m,)
            Squared lengths of the rows and columns.

        Returns
        -------
        ndarray of float32, shape (n, m)
        """
        values = self.gamma * dots
        if self.name == "rbf":
            values *= 2.0
            values -= self.gamma * row_norms[:, None]
            values -= self.gamma * column_norms[None, :]
            np.minimum(values, 0.0, out=values)
            np.exp(values, out=values)
        elif self.name == "poly":
            values += self.coef0
            values = _raise(values, self.degree)
        return values


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

    def evaluate(self, kernel: Kernel) -> np.ndarray:
        """Return the kernel's values; with a mirror the mean over the four combinations.

        With S and A the two halves' dot products, ``<x, y> = S + A`` and ``<x, My> = S - A``: the
        mean over (x, y), (Mx, y), (x, My) and (Mx, My) is that of ``k(S + A)`` and ``k(S - A)``.
        """
        norms = self.row_norms, self.column_norms
        if self.antisymmetric is None or kernel.name == "linear":
            return kernel.evaluate(self.symmetric, *norms)
        values = kernel.evaluate(self.symmetric + self.antisymmetric, *norms)
        values += kernel.evaluate(self.symmetric - self.antisymmetric, *norms)
        values *= 0.5
        return values


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
    return _fill(len(a), len(b), a is b, lambda part, first: a[part] @ b[first:].T, np.float32)


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


def compute_kernel_scale(kernel: str, mean_norm: float, mean_dot: float) -> float:
    """Return the number that makes ``gamma`` free of the features' unit.

    Parameters
    ----------
    kernel : {"linear", "poly", "rbf"}
    mean_norm : float
        Mean squared length of the training rows.
    mean_dot : float
        Mean dot product between two of them, in the symmetric half where there is a mirror.

    Returns
    -------
    float
        For ``rbf`` one over the mean squared distance between training rows (and their mirror
        images), for ``poly`` and ``linear`` one over the mean squared length.
    """
    spread = 2.0 * (mean_norm - mean_dot) if kernel == "rbf" else mean_norm
    return 1.0 / spread if spread > 1e-12 else 1.0


def compute_means(dots: Dots) -> tuple[float, float]:
    """Return the mean squared length and mean dot product, for :func:`compute_kernel_scale`."""
    mean_dot = np.mean([row.mean(dtype=np.float64) for row in dots.symmetric])
    return float(dots.row_norms.mean(dtype=np.float64)), float(mean_dot)


def compute_row_means(rows: np.ndarray, *, symmetric: int | None = None) -> tuple[float, float]:
    """Return what :func:`compute_means` does, from the features: no matrix is needed."""
    mean_norm = float(compute_squared_norms(rows).mean(dtype=np.float64))
    centre = rows[:, :symmetric].mean(axis=0, dtype=np.float64)
    return mean_norm, float(centre @ centre)


def sum_kernels(
    parts: Sequence[Dots], kernels: Sequence[Kernel], *, dtype: type = np.float64
) -> np.ndarray:
    """Turn dot products into the weighted sum of kernels, one a part.

    Parameters
    ----------
    parts : sequence of Dots
        Of the same rows and columns.
    kernels : sequence of Kernel
    dtype : type
        ``float64`` is libsvm's.

    Returns
    -------
    ndarray, shape (n, m)
        Made in blocks of rows, so that no second matrix of this size is needed.
    """
    n, m = parts[0].symmetric.shape

    def make(part: slice, _: int) -> np.ndarray:
        return _weigh([dots.block(part) for dots in parts], kernels)

    return _fill(n, m, False, make, dtype)


def compute_kernel_matrix(
    rows: np.ndarray,
    columns: np.ndarray,
    blocks: Sequence[tuple[int, int]],
    kernels: Sequence[Kernel],
    *,
    dtype: type = np.float64,
) -> np.ndarray:
    """Compute a weighted sum of kernels straight from features, without matrices of dot products.

    Parameters
    ----------
    rows : ndarray of float32, shape (n, d)
    columns : ndarray of float32, shape (m, d)
        When it is ``rows`` itself, only one triangle is computed.
    blocks : sequence of (int, int)
        By kernel, how many symmetric and antisymmetric features it reads, one after another.
    kernels : sequence of Kernel
    dtype : type

    Returns
    -------
    ndarray, shape (n, m)
        Besides it only a block of rows is held.
    """
    edges = np.cumsum([0, *(sum(block) for block in blocks)])
    spans = [slice(a, b) for a, b in pairwise(edges)]

    def make(part: slice, first: int) -> np.ndarray:
        dots = [
            compute_dots(rows[part, span], columns[first:, span], symmetric=block[0])
            for span, block in zip(spans, blocks, strict=True)
        ]
        return _weigh(dots, kernels)

    return _fill(len(rows), len(columns), rows is columns, make, dtype)


def _raise(values: np.ndarray, degree: int) -> np.ndarray:
    """Raise to a whole power by multiplication, many times faster than the general power."""
    power = values.copy()
    for _ in range(degree - 1):
        power *= values
    return power


def _weigh(parts: Sequence[Dots], kernels: Sequence[Kernel]) -> np.ndarray:
    total = parts[0].evaluate(kernels[0])
    total *= kernels[0].weight
    for dots, kernel in zip(parts[1:], kernels[1:], strict=True):
        total += kernel.weight * dots.evaluate(kernel)
    return total


def _fill(
    n: int, m: int, same: bool, make: Callable[[slice, int], np.ndarray], dtype: type
) -> np.ndarray:
    """Fill an (n, m) matrix in blocks of rows, of a symmetric one only the upper triangle."""
    out: np.ndarray = np.empty((n, m), dtype=dtype)
    for start in range(0, n, BLOCK):
        part = slice(start, start + BLOCK)
        first = start if same else 0
        out[part, first:] = make(part, first)
        if same:
            out[start + BLOCK :, part] = out[part, start + BLOCK :].T
    return out
