"""A small SVM: few directions of the features, few rows, coefficients fitted on all rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data

from mien.models.gradient_directions import find_directions
from mien.models.kernel_machine import Block
from mien.models.reduced_set import ReducedLeastSquaresSVC

FIRST_CENTRES = 1000
"""Centres of the machine whose gradients choose the directions."""


class CompactSize(NamedTuple):
    """What a compact machine is made of.

    Attributes
    ----------
    components : int
        Principal components of each block that directions are sought among; 0 for all columns.
    directions : int
        Kept of each block; 0 where all components are kept, in 8 bits, and all rows.
    centres : int
        Rows that are kept.
    """

    components: int
    directions: int
    centres: int


class CompactSVC(ReducedLeastSquaresSVC):
    """Least-squares support vector classification on few directions and a reduced set of rows.

    A first machine with a reduced set shows along which directions of the features its scores
    change most; a second is fitted on the coordinates along these.

    Parameters
    ----------
    kernel, gamma, degree, coef0, blocks, C, class_weight, n_centres, random_state
        See :class:`mien.models.reduced_set.ReducedLeastSquaresSVC`.
    n_directions : int
        Kept of each block, the best of both halves of a mirror basis together.

    Attributes
    ----------
    directions_ : Directions
    machine_ : ReducedLeastSquaresSVC
        On the coordinates along the directions, with :attr:`n_centres` rows.

    See Also
    --------
    mien.models.gradient_directions.find_directions
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
        n_directions: int = 128,
        random_state: int = 0,
    ) -> None:
        super().__init__(
            kernel=kernel, C=C, gamma=gamma, degree=degree, coef0=coef0, blocks=blocks,
            class_weight=class_weight, n_centres=n_centres, random_state=random_state,
        )  # fmt: skip
        self.n_directions = n_directions

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        """Choose the directions, then fit along them; shapes (n, d) and (n,)."""
        X, y = validate_data(self, X, y, dtype=np.float32)
        first = self._reduced(self.blocks, FIRST_CENTRES).fit(X, y)
        self.directions_ = find_directions(first, X, self.n_directions)
        weights = [block.weight for block in self.blocks or (Block(0),)]
        pairs = zip(self.directions_.halves, weights, strict=True)
        blocks = tuple(Block(*half, weight) for half, weight in pairs)
        projected = self.directions_.project(X)
        self.machine_ = self._reduced(blocks, self.n_centres).fit(projected, y)
        self.classes_ = self.machine_.classes_
        return self

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """Return one score a class, shape (n, n_classes); for two classes shape (n,)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float32, reset=False)
        return self.machine_.decision_function(self.directions_.project(X))

    def _reduced(self, blocks: Sequence[Block] | None, n_centres: int) -> ReducedLeastSquaresSVC:
        own = self.get_params(deep=False)
        del own["n_directions"]
        return ReducedLeastSquaresSVC(**{**own, "blocks": blocks, "n_centres": n_centres})
