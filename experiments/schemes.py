"""Cross-validation schemes: how their names are read, and how they split rows."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from sklearn.model_selection import (
    BaseCrossValidator,
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    LeaveOneGroupOut,
    ShuffleSplit,
    StratifiedKFold,
    StratifiedShuffleSplit,
)

from mien.errors import MienError
from mien.experiments.grouped_folds import GroupedFolds

SCHEMES: tuple[str, ...] = (
    "subject:K",
    "leave-one-subject-out",
    "official",
    "stratified:K",
    "random:K",
    "holdout:SHARE",
    "random-holdout:SHARE",
)
BY_PERSON: tuple[str, ...] = ("subject", "leave-one-subject-out")
WITHOUT_ARGUMENT: tuple[str, ...] = ("official", "leave-one-subject-out")
_HOLDOUT_PARTS = 20


@dataclass(frozen=True)
class Scheme:
    """A scheme as read: its name, and the number of folds or the share held out."""

    name: str
    count: int = 0
    share: float = 0.0


def parse_scheme(scheme: str) -> Scheme:
    """Read a scheme as ``--cv`` takes it: ``subject:10``.

    Raises
    ------
    MienError
        If there is no such scheme, or its number or share is wrong.
    """
    name, colon, argument = scheme.partition(":")
    if name in WITHOUT_ARGUMENT and not colon:
        return Scheme(name)
    if name in ("random", "stratified", "subject"):
        return Scheme(name, count=_parse_count(name, argument))
    if name in ("holdout", "random-holdout"):
        return Scheme(name, share=_parse_share(name, argument))
    raise MienError(
        f"There is no cross-validation scheme {scheme!r}.", f"Use one of: {', '.join(SCHEMES)}."
    )


def split_rows(
    scheme: Scheme, labels: np.ndarray, units: np.ndarray | None, seed: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Split rows by a scheme.

    Parameters
    ----------
    scheme : Scheme
        Any but ``official``.
    labels : ndarray of str, shape (n,)
    units : ndarray, shape (n,), or None
        What the scheme shall keep on one side: persons, or groups of rows that belong together.
    seed : int

    Returns
    -------
    list of (ndarray, ndarray)
        Positions to fit on and to predict, of each fold.

    Raises
    ------
    MienError
        If there are too few rows or units.
    """
    splitter, taken = _splitter(scheme, labels, units, seed)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The least populated class", UserWarning)
            parts = list(splitter.split(labels, labels, units))
    except ValueError as error:
        raise MienError(
            f"The {len(labels):,} rows cannot be split by {scheme.name} ({error}).",
            "Use fewer folds or another --cv: " + ", ".join(SCHEMES) + ".",
        ) from error
    if not taken:
        return parts
    test = np.concatenate([test for _, test in parts[:taken]])
    return [(np.setdiff1d(np.arange(len(labels)), test), test)]


def _splitter(
    scheme: Scheme, labels: np.ndarray, units: np.ndarray | None, seed: int
) -> tuple[BaseCrossValidator, int]:
    """Return the splitter, and how many of its parts make the one test part; 0 for all folds."""
    if scheme.name == "leave-one-subject-out":
        return LeaveOneGroupOut(), 0
    if scheme.name == "random-holdout":
        kind = ShuffleSplit if units is None else GroupShuffleSplit
        return kind(n_splits=1, test_size=scheme.share, random_state=seed), 1
    if scheme.name == "holdout" and units is None:
        splitter = StratifiedShuffleSplit(n_splits=1, test_size=scheme.share, random_state=seed)
        return splitter, 1
    if scheme.name == "holdout":
        most = min(_count(units), largest_class(labels), _HOLDOUT_PARTS)
        taken, k = _nearest_fraction(scheme.share, max(2, most))
        return GroupedFolds(k, shuffle=True, random_state=seed), taken
    if scheme.name == "random":
        _limit(scheme.count, len(labels), "rows")
    if units is not None:
        what = (
            "persons, those with a picture in common counted as one"
            if scheme.name == "subject"
            else "groups of rows that stay together"
        )
        _limit(scheme.count, _count(units), what)
    kfold: type[KFold | GroupKFold | StratifiedKFold | GroupedFolds]
    if scheme.name == "random":
        kfold = KFold if units is None else GroupKFold
    else:
        _limit(scheme.count, largest_class(labels), "rows in the largest class")
        kfold = StratifiedKFold if units is None else GroupedFolds
    return kfold(scheme.count, shuffle=True, random_state=seed), 0


def _count(units: np.ndarray | None) -> int:
    return 0 if units is None else len(set(units.tolist()))


def _nearest_fraction(share: float, most: int) -> tuple[int, int]:
    """Return parts and whole, of at most ``most``, with something left on both sides."""
    nearest = Fraction(share).limit_denominator(most)
    if nearest <= 0:
        return 1, most
    if nearest >= 1:
        return most - 1, most
    return nearest.numerator, nearest.denominator


def _limit(k: int, most: int, what: str) -> None:
    if k > most:
        raise MienError(
            f"{k} folds were asked for, but there are only {most} {what}.",
            "Use fewer folds.",
        )


def largest_class(labels: np.ndarray) -> int:
    """Count the rows of the largest class; 0 without rows."""
    return max(Counter(labels.tolist()).values(), default=0)


def count_persons(subjects: np.ndarray | None) -> int:
    """Count the persons; 0 if any row's person is not known."""
    names = set() if subjects is None else set(subjects.tolist())
    return 0 if "" in names else len(names)


def _parse_count(name: str, argument: str) -> int:
    if not (argument.isascii() and argument.isdecimal()) or int(argument) < 2:
        raise MienError(
            f"The scheme {name!r} needs a number of folds of at least 2, not {argument!r}.",
            f"Write for example --cv {name}:5.",
        )
    return int(argument)


def _parse_share(name: str, argument: str) -> float:
    try:
        share = float(argument)
    except ValueError:
        share = -1.0
    if not 0 < share < 1:
        raise MienError(
            f"The scheme {name!r} needs a share between 0 and 1, not {argument!r}.",
            f"Write for example --cv {name}:0.2.",
        )
    return share
