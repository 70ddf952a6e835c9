"""Is one model better than another, or was it luck? Paired tests over the same rows.

Rows of one person are alike, so a model that suits that person wins many rows at once, and a test
that takes rows as independent finds differences that are not there. Where persons are known, whole
persons are compared. Where the rows were split anew several times, the corrected resampled t-test
decides: it allows for the training rows that the splits share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from mien.experiments.bootstrap import sum_by_unit
from mien.experiments.independent_units import PERSONS, PICTURES, TWINS
from mien.experiments.resampled_test import ResampledTest, compute_resampled_t
from mien.experiments.score_intervals import compute_accuracy_interval
from mien.experiments.summary import choose_split

ALPHA = 0.05
FLIPS = 10_000


@dataclass(frozen=True)
class PairComparison:
    """Two models on the same rows.

    Attributes
    ----------
    difference : float
        Accuracy of the first less accuracy of the second, -1 to 1.
    a_only_right, b_only_right : int
        Rows that only this one got right, summed over repeats.
    p_value : float
        Two-sided: the chance of a difference at least as large between equally good models.
    test : str
        Name of the test.
    """

    difference: float
    a_only_right: int
    b_only_right: int
    p_value: float
    test: str


def compute_mcnemar(a_only_right: int, b_only_right: int) -> float:
    """Compute the two-sided p-value of McNemar's exact test.

    Parameters
    ----------
    a_only_right, b_only_right : int
        Numbers of rows that exactly one of the two got right.

    Returns
    -------
    float
        ``min(1, 2 P(X <= min(a, b)))`` with ``X`` binomial of ``a + b`` draws at one half;
        1 when the two never differ.

    Notes
    -----
    McNemar 1947, *Psychometrika* 12: 153–157; the exact form as in Dietterich 1998, *Neural
    Computation* 10: 1895–1923.
    """
    from scipy.stats import binom

    if a_only_right + b_only_right == 0:
        return 1.0
    tail = binom.cdf(min(a_only_right, b_only_right), a_only_right + b_only_right, 0.5)
    return min(1.0, 2.0 * float(tail))


def compute_sign_flip(differences: ArrayLike, *, flips: int = FLIPS, seed: int = 0) -> float:
    """Compute the two-sided p-value of a sign-flip permutation test.

    Parameters
    ----------
    differences : array-like of int, shape (n_groups,)
        For each person, rows that only the first model got right less rows that only the second
        did. If the models are equally good, either sign is equally likely.
    flips : int, default 10,000
        Random sign patterns to draw.
    seed : int, default 0
        Seed of the draws.

    Returns
    -------
    float
        ``(1 + number of patterns at least as extreme) / (1 + flips)``, never 0.

    Notes
    -----
    The sum of ``n`` random signs is ``2 Binomial(n, 1/2) - n``, so persons with equal absolute
    differences are drawn at once. The estimate with 1 added is that of Phipson & Smyth 2010,
    *Statistical Applications in Genetics and Molecular Biology* 9: 39.
    """
    values = np.asarray(differences, dtype=np.int64)
    sizes, counts = np.unique(np.abs(values[values != 0]), return_counts=True)
    rng = np.random.default_rng(seed)
    signs = 2 * rng.binomial(counts, 0.5, size=(flips, len(counts))) - counts
    extreme = np.abs(signs @ sizes) >= abs(values.sum())
    return (1 + int(extreme.sum())) / (1 + flips)


def compare_pair(
    true: ArrayLike,
    predicted_a: ArrayLike,
    predicted_b: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    unit: str = PERSONS,
    flips: int = FLIPS,
    seed: int = 0,
) -> PairComparison:
    """Compare two models on the same rows.

    Parameters
    ----------
    true, predicted_a, predicted_b : array-like of int, shape (n_rows,)
        Class indices of the same rows in the same order.
    groups : array-like, shape (n_rows,), optional
        The person of each row (or another unit within which rows are alike). Given: a sign-flip
        permutation test over persons. Not given: McNemar's exact test over rows.
    unit : str, default "persons"
        What a group is, in the plural, for the test's name.
    flips, seed : int
        As for :func:`compute_sign_flip`.

    Returns
    -------
    PairComparison
        Unadjusted; see :func:`adjust_holm`.

    Raises
    ------
    ValueError
        If the lengths differ or there are no rows.
    """
    true, first, second = (np.asarray(x) for x in (true, predicted_a, predicted_b))
    if true.ndim != 1 or not true.shape == first.shape == second.shape or not len(true):
        raise ValueError(
            f"expected predictions of both models for the same rows, got shapes {true.shape}, "
            f"{first.shape} and {second.shape}"
        )
    gain = (first == true).astype(np.int64) - (second == true)
    wins, losses = int((gain > 0).sum()), int((gain < 0).sum())
    if groups is None:
        p_value, test = compute_mcnemar(wins, losses), "McNemar, exact"
    else:
        differences = sum_by_unit(gain[:, None], np.asarray(groups))[:, 0]
        p_value = compute_sign_flip(differences, flips=flips, seed=seed)
        test = f"Sign-flip permutation over {len(differences):,} {unit}"
    return PairComparison(float(gain.mean()), wins, losses, p_value, test)


def adjust_holm(p_values: ArrayLike) -> np.ndarray:
    """Adjust p-values for the number of comparisons.

    Parameters
    ----------
    p_values : array-like of float, shape (n_pairs,)
        One a comparison.

    Returns
    -------
    ndarray of float64, shape (n_pairs,)
        In the given order; compare each with the level that shall hold for all of them together.

    Notes
    -----
    Holm 1979, *Scandinavian Journal of Statistics* 6: 65–70: the i-th smallest is multiplied by the
    number of those not smaller, and may not fall below the one before it.
    """
    values = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    scaled = values[order] * np.arange(len(values), 0, -1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(scaled))
    return adjusted


def compare_models(
    models: Mapping[str, Mapping[str, Any]],
    *,
    groups: Sequence[Any] | np.ndarray | None = None,
    unit: str = "persons",
    alpha: float = ALPHA,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Compare every pair of models that did not fail.

    Parameters
    ----------
    models : mapping of str to mapping
        The ``models`` of the results schema; needed are ``title``, ``status`` and ``folds``.
    groups : sequence, optional
        The person (or other unit) of every row of the dataset, addressed by the row numbers in
        ``indices``. An empty string (or None) means that nothing is known: the row is a group of
        its own.
    unit : str, default "persons"
        What a group is, in the plural. Pictures, and groups of twins, which are few, leave
        McNemar's test over rows as it is.
    alpha : float, default 0.05
        Level that holds for all pairs together (Holm).
    seed : int, default 0
        Seed of the sign flips and of the bootstrap.

    Returns
    -------
    list of dict
        The ``comparisons`` of the results schema, in the order of ``models``. ``p_value`` is of the
        test that decides, named by ``test``; ``paired`` and ``resampled`` hold both.

    Raises
    ------
    ValueError
        If two models did not predict the same rows.

    Notes
    -----
    Folds are pooled within a repeat. With several repeats each row is predicted several times; the
    rows (or persons) are then compared with a sign-flip test over the sums of the repeats, because
    McNemar's test would count a row several times; and the corrected resampled t-test over all
    folds (:func:`~mien.experiments.resampled_test.compute_resampled_t`) decides. Where the dataset
    brings its own splits, only the split that decides
    (:func:`~mien.experiments.summary.choose_split`) is compared.

    ``interval`` is of the difference: a 95 % bootstrap over the units, each drawn with the rows of
    both models.
    """
    usable = {name: model for name, model in models.items() if model["status"] == "ok"}
    compared = [
        _compare_two(a, b, usable, groups=groups, unit=unit, seed=seed)
        for a, b in combinations(usable, 2)
    ]
    adjusted = adjust_holm([pair.p_value for pair, _ in compared])
    comparisons = []
    for (a, b), (pair, more), p_adjusted in zip(
        combinations(usable, 2), compared, adjusted.tolist(), strict=True
    ):
        titles = str(usable[a]["title"]), str(usable[b]["title"])
        told = describe_pair(pair, *titles, p_adjusted=p_adjusted, alpha=alpha)
        significant = p_adjusted <= alpha
        verdict = {"p_adjusted": p_adjusted, "significant": significant, "sentence": told}
        comparisons.append({"a": a, "b": b, **asdict(pair), **more, **verdict})
    return comparisons


def _compare_two(
    a: str,
    b: str,
    models: Mapping[str, Mapping[str, Any]],
    *,
    groups: Sequence[Any] | np.ndarray | None,
    unit: str,
    seed: int,
) -> tuple[PairComparison, dict[str, Any]]:
    """Compare two models by the test that decides; return the others' outcomes, too."""
    first, second = (_deciding_folds(models[name]["folds"]) for name in (a, b))
    rows, true, predicted = _sort_predictions(first)
    other_rows, other_true, other = _sort_predictions(second)
    if not (np.array_equal(rows, other_rows) and np.array_equal(true, other_true)):
        raise ValueError(f"{a} and {b} did not predict the same rows")
    repeated = len(np.unique(rows[:, 0])) > 1
    units = _name_groups(rows[:, 1], groups)
    by_group = groups is not None and unit not in (PICTURES, TWINS)
    pair = compare_pair(
        true,
        predicted,
        other,
        groups=units if by_group or repeated else None,
        unit=unit if groups is not None else "rows",
        seed=seed,
    )
    resampled = _resample(first, second)
    gain = (predicted == true).astype(np.int64) - (other == true)
    ends = compute_accuracy_interval(gain, units, seed=seed)
    more = {
        "interval": dict(zip(("low", "high"), ends, strict=True)) if ends else None,
        "paired": {"test": pair.test, "p_value": pair.p_value},
        "resampled": asdict(resampled) if resampled else None,
    }
    if repeated and resampled:
        test = f"Corrected resampled t-test over {resampled.df + 1:,} folds of all repeats"
        pair = replace(pair, p_value=resampled.p_value, test=test)
    return pair, more


def _resample(
    first: Sequence[Mapping[str, Any]], second: Sequence[Mapping[str, Any]]
) -> ResampledTest | None:
    """Test the accuracies of two models' folds; None where the training rows are not known."""
    sizes = [
        [fold.get("train_rows") or 0 for fold in pair] for pair in zip(first, second, strict=True)
    ]
    train = [max(pair) for pair in sizes]
    if not all(train):
        return None
    scores = [
        np.array([np.mean(np.equal(fold["true"], fold["predicted"])) for fold in folds])
        for folds in (first, second)
    ]
    tested = np.mean([len(fold["indices"]) for fold in first])
    return compute_resampled_t(scores[0] - scores[1], test_share=float(tested / np.mean(train)))


def describe_pair(
    pair: PairComparison, title_a: str, title_b: str, *, p_adjusted: float, alpha: float = ALPHA
) -> str:
    """Say in one plain sentence which model is better and how sure that is.

    Parameters
    ----------
    pair : PairComparison
        The comparison of the model called ``title_a`` with the one called ``title_b``.
    title_a, title_b : str
        What to call the models.
    p_adjusted : float
        Its p-value after adjustment.
    alpha : float, default 0.05
        The largest p-value that counts as a difference.

    Returns
    -------
    str
        A sentence with a full stop.
    """
    better, worse = (title_a, title_b) if pair.difference >= 0 else (title_b, title_a)
    name = "McNemar's exact test" if pair.test.startswith("McNemar") else _lower_first(pair.test)
    by = f"{abs(100 * pair.difference):.1f} points"
    basis = f"({name}, Holm-adjusted)"
    chance = f"a difference this large arises by chance in {describe_chance(p_adjusted)} {basis}"
    if p_adjusted <= alpha:
        return f"{better} is better than {worse} by {by}; {chance}."
    if pair.difference == 0:
        return f"{title_a} and {title_b} cannot be told apart: both got equally many rows right."
    if p_adjusted >= 0.995:
        chance = f"no more than chance gives {basis}"
        return f"{better} and {worse} cannot be told apart: they differ by {by}, {chance}."
    return f"{better} and {worse} cannot be told apart: they differ by {by}, and {chance}."


def describe_chance(p_value: float) -> str:
    """Say a p-value as a count: ``"3 of 1,000 repeats"``, ``"31 of 100 repeats"``."""
    if p_value >= 0.0995:
        return f"{round(100 * p_value)} of 100 repeats"
    if p_value >= 0.0005:
        return f"{max(1, round(1000 * p_value))} of 1,000 repeats"
    return "fewer than 1 of 1,000 repeats"


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def _deciding_folds(folds: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    split = choose_split(folds)
    return [fold for fold in folds if split is None or fold.get("split") == split]


def _sort_predictions(
    folds: Sequence[Mapping[str, Any]],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows (repeat, row number), true and predicted classes, sorted."""
    columns = [
        np.column_stack(
            [
                np.full(len(fold["indices"]), fold.get("repeat", 0)),
                np.asarray(fold["indices"], dtype=np.int64),
                np.asarray(fold["true"], dtype=np.int64),
                np.asarray(fold["predicted"], dtype=np.int64),
            ]
        )
        for fold in folds
    ]
    table = np.concatenate(columns)
    table = table[np.lexsort((table[:, 1], table[:, 0]))]
    return table[:, :2], table[:, 2], table[:, 3]


def _name_groups(numbers: np.ndarray, groups: Sequence[Any] | np.ndarray | None) -> np.ndarray:
    """Group of each prediction; a row of which nothing is known is a group of its own."""
    if groups is None:
        return numbers
    return np.array(
        [f"of {groups[i]}" if groups[i] not in ("", None) else f"row {i}" for i in numbers]
    )
