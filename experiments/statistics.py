"""Is one model better than another, or was it luck? Paired tests over the same rows.

Rows of one person are alike, so a model that suits that person wins many rows at once, and a test
that takes rows as independent finds differences that are not there. Where folds are grouped by
person, whole persons are compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

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
    unit: str = "persons",
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
        differences = _sum_by_group(gain, groups)
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
        The person of every row of the dataset, addressed by the row numbers in ``indices``. An
        empty string (or None) means that nothing is known: the row is a group of its own.
    unit : str, default "persons"
        What a group is, in the plural.
    alpha : float, default 0.05
        Level that holds for all pairs together (Holm).
    seed : int, default 0
        Seed of the sign flips.

    Returns
    -------
    list of dict
        The ``comparisons`` of the results schema, in the order of ``models``.

    Raises
    ------
    ValueError
        If two models did not predict the same rows.

    Notes
    -----
    Folds are pooled within a repeat. With several repeats each row is predicted several times; the
    rows (or persons) are then compared with a sign-flip test over the sums of the repeats, because
    McNemar's test would count a row several times. Where the dataset brings its own splits, only
    the split that decides (:func:`~mien.experiments.summary.choose_split`) is compared.
    """
    usable = {name: model for name, model in models.items() if model["status"] == "ok"}
    tables = {name: _sort_predictions(model["folds"]) for name, model in usable.items()}
    pairs = []
    for a, b in combinations(usable, 2):
        rows, true, first = tables[a]
        other_rows, other_true, second = tables[b]
        if not (np.array_equal(rows, other_rows) and np.array_equal(true, other_true)):
            raise ValueError(f"{a} and {b} did not predict the same rows")
        keys, of = _choose_groups(rows[:, 1], groups, unit)
        pairs.append((a, b, compare_pair(true, first, second, groups=keys, unit=of, seed=seed)))
    adjusted = adjust_holm([pair.p_value for _, _, pair in pairs])
    comparisons = []
    for (a, b, pair), p_adjusted in zip(pairs, adjusted.tolist(), strict=True):
        titles = str(usable[a]["title"]), str(usable[b]["title"])
        told = describe_pair(pair, *titles, p_adjusted=p_adjusted, alpha=alpha)
        significant = p_adjusted <= alpha
        verdict = {"p_adjusted": p_adjusted, "significant": significant, "sentence": told}
        comparisons.append({"a": a, "b": b, **asdict(pair), **verdict})
    return comparisons


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


def _sum_by_group(gain: np.ndarray, groups: ArrayLike) -> np.ndarray:
    """Sum the gains of each group."""
    keys = np.asarray(groups)
    if keys.shape != gain.shape:
        raise ValueError(f"expected a group for each of {len(gain)} rows, got {keys.shape}")
    _, codes = np.unique(keys, return_inverse=True)
    sums = np.zeros(codes.max() + 1, dtype=np.int64)
    np.add.at(sums, codes, gain)
    return sums


def _sort_predictions(
    folds: Sequence[Mapping[str, Any]],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows (repeat, row number), true and predicted classes of the deciding split, sorted."""
    split = choose_split(folds)
    kept = [fold for fold in folds if split is None or fold.get("split") == split]
    columns = [
        np.column_stack(
            [
                np.full(len(fold["indices"]), fold.get("repeat", 0)),
                np.asarray(fold["indices"], dtype=np.int64),
                np.asarray(fold["true"], dtype=np.int64),
                np.asarray(fold["predicted"], dtype=np.int64),
            ]
        )
        for fold in kept
    ]
    table = np.concatenate(columns)
    table = table[np.lexsort((table[:, 1], table[:, 0]))]
    return table[:, :2], table[:, 2], table[:, 3]


def _choose_groups(
    numbers: np.ndarray, groups: Sequence[Any] | np.ndarray | None, unit: str
) -> tuple[np.ndarray | None, str]:
    """Group of each prediction and what a group is; none if rows are independent."""
    if groups is not None:
        names = [f"of {groups[i]}" if groups[i] not in ("", None) else f"row {i}" for i in numbers]
        return np.asarray(names), unit
    if len(np.unique(numbers)) < len(numbers):
        return numbers, "rows"
    return None, unit
