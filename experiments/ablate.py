"""What each feature family is worth: alone, and added to the best set of families."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mien.errors import MienError
from mien.experiments.candidates import Candidate, get_candidate
from mien.experiments.evaluate import limit_usable
from mien.experiments.folds import (
    FIT_SPLIT,
    Fold,
    Folds,
    inner_scheme,
    make_folds,
)
from mien.experiments.gram_cache import GramCache, predict_fold
from mien.experiments.near_twins import find_twin_pairs
from mien.experiments.row_data import RowData
from mien.experiments.tune import choose_rows
from mien.features.registry import canonical_spec

CHOSEN_ON = "PublicTest"
"""The only test rows that families are chosen on."""


@dataclass(frozen=True)
class Score:
    """Accuracy of one set of families.

    Attributes
    ----------
    families : tuple of str
    accuracy : float
        Share of all test rows that were right.
    """

    families: tuple[str, ...]
    accuracy: float


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
    around : tuple of Score or None
        Each family added to the best set, or taken out of it where it is in, in the order of
        ``alone``. None for a family that is the whole set.
    """

    model: str
    folds: Folds
    alone: tuple[Score, ...]
    steps: tuple[Score, ...]
    around: tuple[Score | None, ...]

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
    fitted on each fold's training rows. Copies of one picture, near ones too, and frames of one
    sequence are never on both sides of a fold.

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
    toggled = [_toggle(steps[-1].families, score.families[0]) for score in alone]
    around = tuple(scorer.score(names) if names else None for names in toggled)
    return Ablation(model, folds, tuple(alone), tuple(steps), around)


def _toggle(held: tuple[str, ...], name: str) -> tuple[str, ...]:
    if name not in held:
        return (*held, name)
    return tuple(other for other in held if other != name)


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
        groups = _find_groups(data, usable)
        return make_folds(rows, scheme="official", seed=seed, usable=usable, groups=groups)
    usable = choose_rows(data, limit, seed)
    groups = _find_groups(data, usable)
    chosen = scheme or inner_scheme(rows, usable.nonzero()[0], 3, groups)
    return make_folds(rows, scheme=chosen, seed=seed, usable=usable, groups=groups)


def _find_groups(data: RowData, usable: np.ndarray) -> np.ndarray:
    pairs = find_twin_pairs(data.store, usable.nonzero()[0])
    return data.with_near_twins(pairs).keep_together(usable)


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
        self._known: dict[frozenset[str], Score] = {}
        self._cache = GramCache(data, folds, seed=seed, among=names)

    def score(self, families: tuple[str, ...]) -> Score:
        key = frozenset(families)
        if key not in self._known:
            self._known[key] = self._compute(families)
            if self._on_score:
                self._on_score(self._known[key], len(self._known))
        return self._known[key]

    def _compute(self, families: tuple[str, ...]) -> Score:
        right = [
            self._predict(families, fold) == self._data.codes[fold.test]
            for fold in self._folds.folds
        ]
        return Score(families, float(np.concatenate(right).mean()))

    def _predict(self, families: tuple[str, ...], fold: Fold) -> np.ndarray:
        parameters = self._candidate.parameters({"families": "+".join(families)})
        dots = self._cache.fold(fold, parameters, level=True)
        svm = self._candidate.build(parameters, seed=self._seed)[-1]
        return predict_fold(svm, dots)
