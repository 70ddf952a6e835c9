"""Kernels from dot products: one product turned into any kernel, mirrored or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from mien.models.dots import Dots, compute_dots, fill_in_blocks

KERNELS: tuple[str, ...] = ("linear", "poly", "rbf")


@dataclass(frozen=True)
class Kernel:
    """One kernel function of a weighted sum.

    Attributes
    ----------
    name : {"linear", "poly", "rbf", "rise"}
        ``gamma <x, y>``, ``(gamma <x, y> + coef0) ** degree``, ``exp(-gamma |x - y|^2)``, or
        ``(1 + gamma <x, y>) ** degree - 1``, which :meth:`rise_above` makes.
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

    def evaluate(self, dots: Dots) -> np.ndarray:
        """Return the kernel's values; with a mirror the mean over the four combinations.

        With S and A the two halves' dot products, ``<x, y> = S + A`` and ``<x, My> = S - A``: the
        mean over (x, y), (Mx, y), (x, My) and (Mx, My) is that of ``k(S + A)`` and ``k(S - A)``.

        Parameters
        ----------
        dots : Dots
            Of shape (n, m).

        Returns
        -------
        ndarray of float32, shape (n, m)
        """
        if dots.antisymmetric is None or self.name == "linear":
            return self._apply(dots.symmetric, dots)
        values = self._apply(dots.symmetric + dots.antisymmetric, dots)
        values += self._apply(dots.symmetric - dots.antisymmetric, dots)
        values *= 0.5
        return values

    def compute_slopes(self, dots: Dots) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the derivatives by the dot product, of which the mean over the mirror is made.

        Parameters
        ----------
        dots : Dots
            Of shape (n, m).

        Returns
        -------
        plus : ndarray of float32, shape (n, m)
            Of the kernel's share at ``S + A``.
        minus : ndarray of float32, shape (n, m), or None
            Of its share at ``S - A``, where there is a mirror.
        """
        if dots.antisymmetric is None:
            return self._slope(dots.symmetric, dots), None
        plus = self._slope(dots.symmetric + dots.antisymmetric, dots)
        minus = self._slope(dots.symmetric - dots.antisymmetric, dots)
        return 0.5 * plus, 0.5 * minus

    def _slope(self, products: np.ndarray, dots: Dots) -> np.ndarray:
        if self.name == "rbf":
            return 2.0 * self.gamma * self._apply(products, dots)
        if self.name == "linear" or self.degree == 1:
            return np.full_like(products, self.gamma)
        lower = replace(self, degree=self.degree - 1)
        return self.degree * self.gamma * lower._apply(products, dots)

    def _apply(self, products: np.ndarray, dots: Dots) -> np.ndarray:
        values = self.gamma * products
        if self.name == "rbf":
            values *= 2.0
            values -= self.gamma * dots.row_norms[:, None]
            values -= self.gamma * dots.column_norms[None, :]
            np.minimum(values, 0.0, out=values)
            np.exp(values, out=values)
        elif self.name == "poly":
            values += self.coef0
            values = _raise(values, self.degree)
        elif self.name == "rise":
            step = values.copy()
            for _ in range(self.degree - 1):
                values += values * step
                values += step
        return values

    def rise_above(self, base: float) -> Kernel:
        """Return ``poly`` less its value where ``gamma <x, y> + coef0`` is the base.

        Dot products are then counted from there. A rise that is small beside the value is rounded
        with an error that is as small.

        Parameters
        ----------
        base : float
            Above 0.
        """
        weight = self.weight * base**self.degree
        return Kernel("rise", self.gamma / base, self.degree, weight=weight)


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
        return weigh_kernels([dots.block(part) for dots in parts], kernels)

    return fill_in_blocks(n, m, False, make, dtype)


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
        return weigh_kernels(dots, kernels)

    return fill_in_blocks(len(rows), len(columns), rows is columns, make, dtype)


def _raise(values: np.ndarray, degree: int) -> np.ndarray:
    """Raise to a whole power by multiplication, many times faster than the general power."""
    power = values.copy()
    for _ in range(degree - 1):
        power *= values
    return power


def weigh_kernels(parts: Sequence[Dots], kernels: Sequence[Kernel]) -> np.ndarray:
    """Return the weighted sum of kernels, one a part; float32, shape (n, m)."""
    total = kernels[0].evaluate(parts[0])
    total *= kernels[0].weight
    for dots, kernel in zip(parts[1:], kernels[1:], strict=True):
        total += kernel.weight * kernel.evaluate(dots)
    return total
