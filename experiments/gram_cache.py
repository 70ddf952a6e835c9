"""Dot products between rows, kept and shared over folds, kernels, weights and trials."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from mien.experiments.evaluate import most_frequent, read_features, require_two_classes
from mien.experiments.folds import Fold, Folds
from mien.experiments.memory import default_memory
from mien.experiments.row_data import RowData
from mien.models.dots import (
    Dots,
    add_dots,
    compute_dots,
    compute_means,
    compute_squared_norms,
)
from mien.models.family_scaler import has_unit_length
from mien.models.kernel_machine import KernelMachine
from mien.models.kernels import compute_kernel_scale
from mien.models.svm_pipeline import build_view, find_blocks
from mien.models.weighted_families import WeightedFamily, family_names, parse_families

_SHARE = 0.5
"""Of the memory that may be used; the rest is for a fold's copies and its kernel matrix."""


@dataclass(frozen=True)
class FoldDots:
    """What a kernel machine needs of one fold.

    Attributes
    ----------
    train, test : tuple of Dots
        Of training rows, and of test rows, with the training rows; one for each kernel of a sum.
    train_codes : ndarray of int64, shape (n_train,)
    visible : ndarray of bool, shape (len(fold.test),)
        Which test rows have features: those in ``test``.
    """

    train: tuple[Dots, ...]
    test: tuple[Dots, ...]
    train_codes: np.ndarray
    visible: np.ndarray

    @property
    def nbytes(self) -> int:
        """Memory of the matrices."""
        return sum(dots.nbytes for dots in (*self.train, *self.test))


class GramCache:
    """Computes dot products once for each feature family, within bounds of memory.

    What is not fitted is shared: one matrix over all rows serves every fold, C, gamma, degree,
    coef0, weight and trial. A scaler or PCA is fitted on the fold's training rows; its matrices
    are kept fold by fold. The ones that were not used for longest are dropped first.

    Parameters
    ----------
    data : RowData
    folds : Folds
    seed : int
        Of a PCA.
    memory : int, optional
        Bytes that may be used in all; :func:`default_memory` by default.
    among : tuple of str
        Only rows that have these families, whichever are read.
    """

    def __init__(
        self,
        data: RowData,
        folds: Folds,
        *,
        seed: int = 0,
        memory: int | None = None,
        among: tuple[str, ...] = (),
    ) -> None:
        self._among = among
        self._data = data
        self._seed = seed
        self._limit = int(_SHARE * (default_memory() if memory is None else memory))
        self._kept: OrderedDict[tuple, Any] = OrderedDict()
        self._norms: dict[str, np.ndarray] = {}
        sides = [side for fold in folds.folds for side in (fold.train, fold.test)]
        self.rows = np.unique(np.concatenate(sides))

    def fold(
        self, fold: Fold, parameters: Mapping[str, Any], *, level: bool | None = None
    ) -> FoldDots:
        """Return a fold's dot products.

        Parameters
        ----------
        fold : Fold
        parameters : mapping
            Complete parameters of an SVM.
        level : bool, optional
            Whether families are scaled to the same mean squared distance; by default where there
            are several and no scaler is asked for.

        Raises
        ------
        MienError
            If the training rows with features are of one class.
        """
        if parameters["pca"] or parameters["centre"] != "none":
            names = ("families", "combine", "centre", "scaler", "pca", "mirror")
            key = ("all", fold.name, *(parameters[name] for name in names))
            return self._keep(key, lambda: self._compute_fold(fold, parameters))
        families = parse_families(parameters["families"])
        present = self._present(family_names(parameters["families"]))
        train, test = (side[present[self._position(side)]] for side in (fold.train, fold.test))
        codes = self._data.codes[train]
        require_two_classes(codes, f"The training rows of {fold.name}")
        if level is None:
            level = len(families) > 1 and parameters["scaler"] == "none"
        parts = [self._family(train, test, family, parameters, level) for family in families]
        visible = present[self._position(fold.test)]
        return FoldDots(*_combine(parts, families, parameters, level), codes, visible)

    def whole(self, parameters: Mapping[str, Any]) -> tuple[tuple[Dots, ...], np.ndarray] | None:
        """Return the dot products of all rows, in units of all rows, where no scaler is fitted.

        Returns
        -------
        parts : tuple of Dots
        rows : ndarray of int64
            The row numbers; those that have features.
        None
            If a scaler, a PCA or a centre is fitted on training rows.
        """
        families = parse_families(parameters["families"])
        if parameters["pca"] or parameters["centre"] != "none" or parameters["scaler"] != "none":
            return None
        rows = self.rows[self._present(tuple(family.name for family in families))]
        level = len(families) > 1
        if level and not all(self._is_unit(family.name, rows) for family in families):
            return None
        none = rows[:0]
        parts = [self._family(rows, none, family, parameters, level) for family in families]
        return _combine(parts, families, parameters, level)[0], rows

    def _family(
        self,
        train: np.ndarray,
        test: np.ndarray,
        family: WeightedFamily,
        parameters: Mapping[str, Any],
        level: bool,
    ) -> tuple[Dots, Dots]:
        """Return one family's dot products of training rows, and of test with training rows."""
        name, mirror, scaler = family.name, parameters["mirror"], parameters["scaler"]
        if scaler == "none" and not (level and not self._is_unit(name, train)):
            shared = self._keep((name, mirror), lambda: self._compute_shared(name, mirror))
            inner, outer = self._position(train), self._position(test)
            return shared.take(inner, inner), shared.take(outer, inner)
        own = {"families": name, "mirror": mirror, "scaler": scaler}
        key = (train.tobytes(), test.tobytes(), name, mirror, scaler, level)
        return self._keep(key, lambda: self._compute_scaled(train, test, own, level))

    def _compute_shared(self, name: str, mirror: str) -> Dots:
        values = np.nan_to_num(self._data.store.view((name,), self.rows), copy=False)
        return self._compute(values, values[:0], {"families": name, "mirror": mirror}, False)[0][0]

    def _compute_scaled(
        self, train: np.ndarray, test: np.ndarray, own: Mapping[str, Any], level: bool
    ) -> tuple[Dots, Dots]:
        fitted, seen = (self._data.store.view((own["families"],), side) for side in (train, test))
        inner, outer = self._compute(fitted, seen, own, level)
        return inner[0], outer[0]

    def _compute_fold(self, fold: Fold, parameters: Mapping[str, Any]) -> FoldDots:
        names, centre = family_names(parameters["families"]), parameters["centre"]
        train, present = read_features(self._data, names, fold.train, centre=centre)
        codes = self._data.codes[fold.train][present]
        require_two_classes(codes, f"The training rows of {fold.name}")
        test, visible = read_features(self._data, names, fold.test, centre=centre)
        return FoldDots(*self._compute(train, test, parameters), codes, visible)

    def _compute(
        self,
        train: np.ndarray,
        test: np.ndarray,
        parameters: Mapping[str, Any],
        level: bool | None = None,
    ) -> tuple[tuple[Dots, ...], tuple[Dots, ...]]:
        """Fit the steps before the kernel on training rows; return both sides' dot products."""
        steps = build_view(parameters, seed=self._seed, level=level)
        if steps:
            view = Pipeline(steps).fit(train)
            train = np.asarray(view.transform(train), dtype=np.float32)
            empty = np.empty((0, train.shape[1]), dtype=np.float32)
            test = np.asarray(view.transform(test), dtype=np.float32) if len(test) else empty
        inner, outer, start = [], [], 0
        for even, odd, _ in find_blocks(parameters) or ((train.shape[1], 0, 1.0),):
            fitted, seen = (rows[:, start : start + even + odd] for rows in (train, test))
            inner.append(compute_dots(fitted, fitted, symmetric=even))
            outer.append(compute_dots(seen, fitted, symmetric=even))
            start += even + odd
        return tuple(inner), tuple(outer)

    def _present(self, names: tuple[str, ...]) -> np.ndarray:
        """Tell which of all rows have the features of all families; bool, shape (len(rows),)."""
        finite = [np.isfinite(self._squared_norms(name)) for name in (*names, *self._among)]
        return np.all(finite, axis=0)

    def _is_unit(self, name: str, rows: np.ndarray) -> bool:
        return has_unit_length(self._squared_norms(name)[self._position(rows)])

    def _squared_norms(self, name: str) -> np.ndarray:
        if name not in self._norms:
            self._norms[name] = compute_squared_norms(self._data.store.view((name,), self.rows))
        return self._norms[name]

    def _position(self, rows: np.ndarray) -> np.ndarray:
        return np.searchsorted(self.rows, rows)

    def _keep(self, key: tuple, make: Callable[[], Any]) -> Any:
        if key not in self._kept:
            self._kept[key] = make()
        self._kept.move_to_end(key)
        while len(self._kept) > 1 and sum(map(_size, self._kept.values())) > self._limit:
            self._kept.popitem(last=False)
        return self._kept[key]


def predict_fold(svm: KernelMachine, dots: FoldDots) -> np.ndarray:
    """Fit on a fold's training rows and predict its test rows, shape (len(fold.test),).

    Rows without features are of the training rows' most frequent class.
    """
    svm.fit_dots(dots.train, dots.train_codes)
    predicted = np.full(len(dots.visible), most_frequent(dots.train_codes))
    if dots.visible.any():
        predicted[dots.visible] = svm.predict_dots(dots.test)
    return predicted


def _size(kept: Any) -> int:
    return sum(dots.nbytes for dots in kept) if isinstance(kept, tuple) else kept.nbytes


def _combine(
    parts: list[tuple[Dots, Dots]],
    families: tuple[WeightedFamily, ...],
    parameters: Mapping[str, Any],
    level: bool,
) -> tuple[tuple[Dots, ...], tuple[Dots, ...]]:
    """Join families: side by side, weighed and scaled by training rows, or apart."""
    train, test = zip(*parts, strict=True)
    if len(parts) == 1 or parameters["combine"] == "kernels":
        return train, test
    units = [compute_kernel_scale("rbf", *compute_means(d)) if level else 1.0 for d in train]
    weights = [unit * family.weight for unit, family in zip(units, families, strict=True)]
    return (add_dots(train, weights),), (add_dots(test, weights),)
