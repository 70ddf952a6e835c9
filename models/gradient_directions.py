"""The directions of the features along which a fitted machine's scores change most."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.linalg import eigh

from mien.models.dots import BLOCK, compute_dots
from mien.models.kernel_machine import KernelMachine


@dataclass(frozen=True)
class Directions:
    """Orthonormal directions in each half of each block, as columns.

    Attributes
    ----------
    spans : tuple of slice
        The columns of each half, one after another; halves without columns are empty.
    vectors : tuple of ndarray of float32, shapes (span, kept)
    """

    spans: tuple[slice, ...]
    vectors: tuple[np.ndarray, ...]

    @property
    def halves(self) -> tuple[tuple[int, int], ...]:
        """By block, how many symmetric and antisymmetric directions there are."""
        counts = [vectors.shape[1] for vectors in self.vectors]
        return tuple(zip(counts[::2], counts[1::2], strict=True))

    def project(self, X: np.ndarray) -> np.ndarray:
        """Return the coordinates along the directions; float32, shape (n, sum of halves)."""
        parts = [X[:, s] @ own for s, own in zip(self.spans, self.vectors, strict=True)]
        return np.concatenate(parts, axis=1)


def find_directions(machine: KernelMachine, X: np.ndarray, n_directions: int) -> Directions:
    """Find the directions along which the scores of a machine change most.

    Parameters
    ----------
    machine : KernelMachine
        Fitted on features.
    X : ndarray of float32, shape (n, d)
        Rows at which the scores' gradients are taken.
    n_directions : int
        Kept of each block, the best of both its halves together.

    Returns
    -------
    Directions
        Eigenvectors of the mean outer product of the gradients of all outputs.

    References
    ----------
    Trivedi, Wang, Kpotufe and Shakhnarovich, A consistent estimator of the expected gradient
    outerproduct, UAI 2014; Radhakrishnan, Beaglehole, Pandit and Belkin, Mechanism for feature
    learning in neural networks and backpropagation-free machine learning models, Science 2024.

    Notes
    -----
    Scores of a mirror-averaged kernel are the same for a mirrored row, so gradients in the
    antisymmetric half change their sign: the mean over rows and mirrored rows has no entries
    between the halves. Unlike in the second paper, features are only rotated, not stretched.
    """
    edges = np.cumsum([0, *(width for half in machine.halves_ for width in half)])
    spans = tuple(slice(int(a), int(b)) for a, b in pairwise(edges))
    moments = [np.zeros((s.stop - s.start,) * 2) for s in spans]
    for start in range(0, len(X), BLOCK):
        _add_gradients(moments, machine, X[start : start + BLOCK], spans)
    vectors: list[np.ndarray] = []
    for first in range(0, len(moments), 2):
        vectors += _keep_best(moments[first : first + 2], n_directions)
    return Directions(spans, tuple(vectors))


def _add_gradients(
    moments: list[np.ndarray], machine: KernelMachine, X: np.ndarray, spans: tuple[slice, ...]
) -> None:
    """Add the outer products of the gradients at some rows to each half's moments.

    With the slopes p and m of the kernel at ``S + A`` and ``S - A``, a row's gradient is
    ``sum_j b_j (p + m) c_j`` in the symmetric half and ``sum_j b_j (p - m) c_j`` in the
    antisymmetric one; for ``rbf`` minus ``sum_j b_j (p + m)`` times the row itself.
    """
    rows = machine.support_vectors_
    for i, kernel in enumerate(machine.kernels_):
        even, odd = spans[2 * i : 2 * i + 2]
        whole = slice(even.start, odd.stop)
        dots = compute_dots(X[:, whole], rows[:, whole], symmetric=even.stop - even.start)
        plus, minus = kernel.compute_slopes(dots)
        total = plus if minus is None else plus + minus
        for output in machine.dual_coef_.T.astype(np.float32):
            share = np.float32(kernel.weight) * output
            own = (total @ share)[:, None] if kernel.name == "rbf" else np.float32(0)
            gradients = [(total * share) @ rows[:, even] - own * X[:, even]]
            if minus is not None:
                gradients.append(((plus - minus) * share) @ rows[:, odd] - own * X[:, odd])
            for moment, gradient in zip(moments[2 * i :], gradients, strict=False):
                moment += gradient.T @ gradient


def _keep_best(moments: list[np.ndarray], n_directions: int) -> list[np.ndarray]:
    """Return each half's eigenvectors that are among the block's best."""
    found = [eigh(moment) if len(moment) else (np.empty(0), np.empty((0, 0))) for moment in moments]
    values = np.concatenate([own for own, _ in found])
    kept = np.zeros(len(values), dtype=bool)
    kept[np.argsort(-values, kind="stable")[:n_directions]] = True
    masks = np.split(kept, [len(moments[0])])
    return [
        np.ascontiguousarray(vectors[:, mask], dtype=np.float32)
        for (_, vectors), mask in zip(found, masks, strict=True)
    ]
