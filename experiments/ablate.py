"""What each feature family is worth: alone, and added to the best set of families."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.preprocessing import StandardScaler

from mien.errors import MienError
from mien.experiments.candidates import Candidate, get_candidate
from mien.experiments.evaluate import (
    limit_usable,
    most_frequent,
    read_features,
    require_two_classes,
)
from mien.experiments.folds import (
    FIT_SPLIT,
    Fold,
    Folds,
    find_twins,
    inner_scheme,
    make_folds,
)
from mien.experiments.row_data import RowData
from mien.experiments.tune import choose_rows
from mien.features.registry import canonical_spec
from mien.models.kernels import compute_dot_products, compute_kernel_scale, compute_squared_norms

CHOSEN_ON = "PublicTest"
"""The only test rows that families are chosen on."""
_UNIT = 1e-3


@dataclass(frozen=True)
class Score:
    """Accuracy of one set of families.

    Attributes
    ----------
    families : tuple of str
    accuracy : float
        Share of all test rows that were right.
    without_twins : float
        The same, of the rows without an exact twin among the rows fitted on in their fold.
    """

    families: tuple[str, ...]
    accuracy: float
    without_twins: float


@dataclass(frozen=True)
class Ablation:
    """The result.

    Attributes
    ----------
    model : str
    folds : Folds
    alone : tuple of Score
        Each family by itself, best first.
    steps : tuple of Score
        The best set as it grew, one family a step.
    around : tuple of Score
        Each family added to the best set, or taken out of it where it is in, in the order of
        ``alone``.
    """

    model: str
    folds: Folds
    alone: tuple[Score, ...]
    steps: tuple[Score, ...]
    around: tuple[Score, ...]

    @property
    def best(self) -> Score:
        """The best set."""
        return self.steps[-1]


def ablate(
    data: RowData,
    families: Sequence[str] | None = None,
    *,
    model: str = "svm-rbf",
    scheme: str | None = None,
    limit: int | None = None,
    seed: int = 0,
    on_score: Callable[[Score, int], None] | None = None,
) -> Ablation:
    """Score families alone, then add to the best the one that helps most, until none does.

    Families are joined by a sum of kernels' distances: each family's columns are scaled so that
    its mean squared distance between training rows is 1, so that small and wide families weigh
    alike. Columns of a family that does not have unit length are z-scored first. All of that is
    fitted on each fold's training rows.

    Parameters
    ----------
    data : RowData
    families : sequence of str, optional
        All that the store holds by default.
    model : str
        An SVM, with its default parameters.
    scheme : str, optional
        Training and PublicTest where the dataset has them, else three folds, by person where
        persons are known. Other test rows of the dataset are never used.
    limit : int, optional
        Use so many rows, with the shares of splits and classes kept.
    seed : int
    on_score : callable, optional
        Called with each score and how many sets are scored so far.

    Returns
    -------
    Ablation
        The best set was chosen by these scores: its own is a little too good.

    Raises
    ------
    MienError
        If the model is not an SVM, a family is missing, or the scheme does not fit.
    """
    candidate = get_candidate(model)
    if candidate.kind != "svm":
        raise MienError(f"{model} reads no feature families.", "Use an SVM: --model svm-rbf.")
    named = data.store.families if families is None else families
    names = tuple(dict.fromkeys(map(canonical_spec, named)))
    if not names:
        raise MienError("No feature family was named.", "Name one or more with --families.")
    folds = _make_folds(data, scheme, limit, seed)
    scorer = _Scorer(data, candidate, folds, names, seed, on_score)
    alone = sorted((scorer.score((name,)) for name in names), key=lambda s: -s.accuracy)
    steps = [alone[0]]
    while len(steps[-1].families) < len(names):
        held = steps[-1].families
        tried = [scorer.score((*held, name)) for name in names if name not in held]
        best = max(tried, key=lambda score: score.accuracy)
        if best.accuracy <= steps[-1].accuracy:
            break
        steps.append(best)
    around = [scorer.score(_toggle(steps[-1].families, s.families[0])) for s in alone]
    return Ablation(model, folds, tuple(alone), tuple(steps), tuple(around))


def _toggle(held: tuple[str, ...], name: str) -> tuple[str, ...]:
    if name not in held:
        return (*held, name)
    return tuple(other for other in held if other != name) or held


def _make_folds(data: RowData, scheme: str | None, limit: int | None, seed: int) -> Folds:
    """Split the rows that families may be chosen on: of a dataset's own test rows only PublicTest.

    PublicTest is scored under the dataset's own split alone, never mixed with the rows fitted on.
    """
    rows = data.store.rows
    splits = rows["split"].to_numpy(dtype=object)
    own = np.isin(splits, (FIT_SPLIT, CHOSEN_ON))
    has_own = {FIT_SPLIT, CHOSEN_ON} <= set(splits[data.usable].tolist())
    if scheme == "official" and not has_own:
        raise MienError(
            f"--cv official needs the splits {FIT_SPLIT} and {CHOSEN_ON}: choosing families is a "
            "choice, and no other test rows may be used for one.",
            "Leave --cv out.",
        )
    if scheme in (None, "official") and has_own:
        usable = limit_usable(data, data.usable & own, limit, seed)
        return make_folds(rows, scheme="official", seed=seed, usable=usable)
    usable = choose_rows(data, limit, seed)
    chosen = scheme or inner_scheme(rows, usable.nonzero()[0], 3)
    return make_folds(rows, scheme=chosen, seed=seed, usable=usable)


@dataclass(frozen=True)
class _Products:
    """A family's dot products in one fold, scaled to a mean squared distance of 1."""

    train: np.ndarray
    test: np.ndarray
    test_norms: np.ndarray


class _Scorer:
    """Scores sets of families; each family's dot products are computed once a fold."""

    def __init__(
        self,
        data: RowData,
        candidate: Candidate,
        folds: Folds,
        names: tuple[str, ...],
        seed: int,
        on_score: Callable[[Score, int], None] | None,
    ) -> None:
        self._data, self._candidate, self._seed = data, candidate, seed
        self._folds, self._on_score = folds, on_score
        self._twins = find_twins(folds, data.store.rows)
        self._known: dict[frozenset[str], Score] = {}
        self._rows = [self._visible(fold, names) for fold in folds.folds]
        self._products = {
            name: [_compute_products(data, name, *rows) for rows in self._rows] for name in names
        }

    def _visible(self, fold: Fold, names: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Return the fold's training and test rows that have all families."""
        train, test = (
            rows[np.all([read_features(self._data, (n,), rows)[1] for n in names], axis=0)]
            for rows in (fold.train, fold.test)
        )
        require_two_classes(self._data.codes[train], f"The training rows of {fold.name}")
        return train, test

    def score(self, families: tuple[str, ...]) -> Score:
        key = frozenset(families)
        if key not in self._known:
            self._known[key] = self._compute(families)
            if self._on_score:
                self._on_score(self._known[key], len(self._known))
        return self._known[key]

    def _compute(self, families: tuple[str, ...]) -> Score:
        right, apart = [], []
        for number, fold in enumerate(self._folds.folds):
            right.append(self._predict(families, number, fold) == self._data.codes[fold.test])
            apart.append(~np.isin(fold.test, self._twins[fold.name]))
        correct, single = np.concatenate(right), np.concatenate(apart)
        return Score(families, float(correct.mean()), float(correct[single].mean()))

    def _predict(self, families: tuple[str, ...], number: int, fold: Fold) -> np.ndarray:
        train, test = self._rows[number]
        parts = [self._products[name][number] for name in families]
        codes = self._data.codes[train]
        svm = self._candidate.build(self._candidate.parameters(), seed=self._seed)[-1]
        svm.fit_dot_products(_add([part.train for part in parts]), codes)
        predicted = np.full(len(fold.test), most_frequent(codes))
        if len(test):
            norms = _add([part.test_norms for part in parts])
            dots = _add([part.test for part in parts])
            predicted[np.isin(fold.test, test)] = svm.predict_dot_products(dots, norms)
        return predicted


def _add(arrays: list[np.ndarray]) -> np.ndarray:
    total = arrays[0].copy()
    for array in arrays[1:]:
        total += array
    return total


def _compute_products(data: RowData, name: str, train: np.ndarray, test: np.ndarray) -> _Products:
    fitted, seen = data.store.view((name,), train), data.store.view((name,), test)
    norms = compute_squared_norms(fitted)
    if np.abs(norms - 1).max() > _UNIT:
        scaler = StandardScaler().fit(fitted)
        fitted, seen = scaler.transform(fitted), seen if not len(seen) else scaler.transform(seen)
        norms = compute_squared_norms(fitted)
    dots = compute_dot_products(fitted, fitted)
    scale = np.float32(compute_kernel_scale("rbf", dots, norms))
    dots *= scale
    return _Products(
        dots, compute_dot_products(seen, fitted) * scale, compute_squared_norms(seen) * scale
    )
