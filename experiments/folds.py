"""Folds: made once, saved, and used by every model."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from mien.errors import MienError
from mien.experiments.connected_rows import connect_rows
from mien.experiments.schemes import (
    BY_PERSON,
    SCHEMES,
    WITHOUT_ARGUMENT,
    count_persons,
    largest_class,
    parse_scheme,
    split_rows,
)

FIT_SPLIT = "Training"
TEST_SPLITS: tuple[str, ...] = ("PublicTest", "PrivateTest", "test")
_DEFAULT_FOLDS = 10


@dataclass(frozen=True)
class Fold:
    """One split of the rows into those to fit on and those to predict.

    Attributes
    ----------
    name : str
    repeat : int
        From 0.
    split : str or None
        The dataset's own name of the test rows (``PublicTest``), if it has one.
    train, test : ndarray of int64
        Row numbers in the store, ascending.
    """

    name: str
    repeat: int
    split: str | None
    train: np.ndarray
    test: np.ndarray


@dataclass(frozen=True)
class Folds:
    """All folds of a comparison.

    Attributes
    ----------
    scheme : str
        As given: ``subject:10``.
    repeats, seed : int
    grouped_by : {"subject", "sequence", None}
        What is kept on one side.
    folds : tuple of Fold
    """

    scheme: str
    repeats: int
    seed: int
    grouped_by: str | None
    folds: tuple[Fold, ...]

    def digest(self) -> str:
        """Hash all indices; SHA-256 in hexadecimal."""
        digest = hashlib.sha256()
        for fold in self.folds:
            digest.update(fold.name.encode())
            for indices in (fold.train, fold.test):
                digest.update(np.ascontiguousarray(indices, dtype="<i8").tobytes())
                digest.update(b"|")
        return digest.hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            "schema": "mien.folds/1",
            "scheme": self.scheme,
            "repeats": self.repeats,
            "seed": self.seed,
            "grouped_by": self.grouped_by,
            "digest": self.digest(),
            "folds": [
                {
                    "name": fold.name,
                    "repeat": fold.repeat,
                    "split": fold.split,
                    "train": fold.train.tolist(),
                    "test": fold.test.tolist(),
                }
                for fold in self.folds
            ],
        }


def default_scheme(rows: pd.DataFrame, groups: np.ndarray | None = None) -> str:
    """Choose the scheme for the rows of a comparison.

    The dataset's own split where it has one, else folds by person where every row's person is
    known, else stratified folds.

    Parameters
    ----------
    rows : DataFrame
        Columns ``label``, ``subject``, ``split``, of the rows that take part.
    groups : ndarray of int, shape (n,), optional
        Rows of one number stay together: there are no more folds than groups.
    """
    splits = set(rows["split"])
    if FIT_SPLIT in splits and splits.intersection(TEST_SPLITS):
        return "official"
    most = max(2, min(_DEFAULT_FOLDS, largest_class(rows["label"].to_numpy(dtype=object))))
    return _by_person_or_class(rows["subject"].to_numpy(dtype=object), most, groups)


def _by_person_or_class(subjects: np.ndarray, k: int, groups: np.ndarray | None) -> str:
    """Choose folds by person where there are two persons to keep apart, else stratified ones."""
    persons = count_persons(subjects)
    if groups is not None and persons:
        persons = len(set(_join(subjects, groups).tolist()))
    if persons >= 2:
        return f"subject:{min(k, persons)}"
    most = k if groups is None else max(2, len(set(groups.tolist())))
    return f"stratified:{min(k, most)}"


def make_folds(
    rows: pd.DataFrame,
    *,
    scheme: str | None = None,
    repeats: int = 1,
    seed: int = 0,
    usable: np.ndarray | None = None,
    groups: np.ndarray | None = None,
) -> Folds:
    """Split a dataset's rows.

    Parameters
    ----------
    rows : DataFrame
        Columns ``label``, ``subject``, ``split``.
    scheme : str, optional
        One of :data:`SCHEMES`; :func:`default_scheme` by default.
    repeats : int
        How often to split anew, each time with another seed.
    seed : int
    usable : ndarray of bool, shape (n,), optional
        Rows that take part; all with a label by default.
    groups : ndarray of int, shape (n,), optional
        Rows of one number are never on both sides of a fold: copies of one picture, frames of one
        sequence. They go to one fold, with the persons that they connect where the scheme is by
        person. Where the scheme itself says which rows are predicted (``official``,
        ``leave-one-subject-out``), training rows of a test row's group are left out of fitting;
        folds that share their training rows go on sharing them.

    Returns
    -------
    Folds
        Without ``groups``, or where they are all within what the scheme keeps together anyway, the
        scheme's own.

    Raises
    ------
    MienError
        If the scheme is unknown, the dataset lacks what it needs, or a fold has nothing to fit on.
    """
    mask = (rows["label"] != "").to_numpy()
    indices = np.flatnonzero(mask if usable is None else mask & usable)
    _require_two_classes(rows, indices)
    taken = rows.iloc[indices]
    own = None if groups is None else groups[indices]
    scheme = scheme or default_scheme(taken, own)
    kind = parse_scheme(scheme)
    if repeats < 1:
        raise MienError(f"--repeats must be at least 1, not {repeats}.")
    if repeats > 1 and kind.name in WITHOUT_ARGUMENT:
        raise MienError(f"The scheme {kind.name!r} is always the same; --repeats must be 1.")
    if kind.name == "official":
        return _leave_out(_official(rows, indices, seed), groups)
    labels = taken["label"].to_numpy(dtype=object)
    subjects = taken["subject"].to_numpy(dtype=object)
    if kind.name in BY_PERSON:
        _require_subjects(kind.name, subjects)
    grouped = kind.name in BY_PERSON or (kind.name == "holdout" and count_persons(subjects) >= 2)
    units = subjects if grouped else None
    if own is not None and kind.name not in WITHOUT_ARGUMENT:
        units = _find_units(units, own)
    folds = tuple(
        Fold(
            name=_fold_name(number, repeat, repeats),
            repeat=repeat,
            split=None,
            train=np.sort(indices[train]),
            test=np.sort(indices[test]),
        )
        for repeat in range(repeats)
        for number, (train, test) in enumerate(split_rows(kind, labels, units, seed + repeat))
    )
    return _leave_out(Folds(scheme, repeats, seed, "subject" if grouped else None, folds), groups)


def _find_units(subjects: np.ndarray | None, groups: np.ndarray) -> np.ndarray | None:
    """Return what stays on one side, shape (n,); None where every row is a unit of its own."""
    if subjects is not None:
        return _join(subjects, groups)
    return groups if len(set(groups.tolist())) < len(groups) else None


def _join(subjects: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Name each row by the first, in the alphabet, of all the persons that groups connect."""
    connected = connect_rows((subjects, groups.astype(str)))
    return pd.Series(subjects).groupby(connected).transform("min").to_numpy(dtype=object)


def _leave_out(folds: Folds, groups: np.ndarray | None) -> Folds:
    """Leave training rows of a test row's group out of fitting."""
    if groups is None:
        return folds
    trained: dict[str, np.ndarray] = {}
    for same in group_by_training(folds):
        train = same[0].train
        tested = groups[np.concatenate([fold.test for fold in same])]
        kept = train[~np.isin(groups[train], tested)]
        if len(kept) == 0:
            raise MienError(
                f"Every training row of {same[0].name} is a copy of a test row, or of one sequence "
                "with one: nothing is left to fit on.",
                "Choose another --cv, or compare with --on-leak warn.",
            )
        trained |= {fold.name: kept for fold in same}
    return replace(
        folds, folds=tuple(replace(fold, train=trained[fold.name]) for fold in folds.folds)
    )


def _fold_name(number: int, repeat: int, repeats: int) -> str:
    name = f"fold {number + 1}"
    return f"repeat {repeat + 1}, {name}" if repeats > 1 else name


def _official(rows: pd.DataFrame, indices: np.ndarray, seed: int) -> Folds:
    splits = rows["split"].to_numpy(dtype=object)[indices]
    train = indices[splits == FIT_SPLIT]
    present = [name for name in TEST_SPLITS if (splits == name).any()]
    if len(train) == 0 or not present:
        found = sorted(set(splits.tolist()) - {""}) or ["none"]
        raise MienError(
            f"The scheme 'official' needs rows of the split {FIT_SPLIT} and of one of "
            f"{', '.join(TEST_SPLITS)}; this store has: {', '.join(found)}.",
            "Choose another --cv: " + ", ".join(SCHEMES) + ".",
        )
    folds = tuple(Fold(name, 0, name, train, indices[splits == name]) for name in present)
    return Folds("official", 1, seed, None, folds)


def _require_subjects(name: str, subjects: np.ndarray) -> None:
    if missing := int((subjects == "").sum()):
        raise MienError(
            f"The scheme {name!r} needs to know the person of every row; {missing} of "
            f"{len(subjects)} rows have none.",
            "Extract with --subjects or --subject-pattern, or choose --cv stratified:10.",
        )
    if len(set(subjects.tolist())) < 2:
        raise MienError(
            f"The scheme {name!r} needs at least two persons; all rows are of {subjects[0]!r}.",
            "Choose --cv stratified:10.",
        )


def _require_two_classes(rows: pd.DataFrame, indices: np.ndarray) -> None:
    found = sorted(set(rows["label"].to_numpy(dtype=object)[indices].tolist()))
    if len(found) < 2:
        raise MienError(
            "A comparison needs rows of at least two classes; this store has "
            + (f"only {found[0]!r}." if found else "no labelled row.")
        )


def count_on_both_sides(folds: Folds, rows: pd.DataFrame) -> dict[str, int | None]:
    """Count what lies on both sides of at least one fold.

    Parameters
    ----------
    folds : Folds
    rows : DataFrame
        Columns ``subject``, ``sequence`` and ``pixels_hash``.

    Returns
    -------
    dict
        ``subjects`` and ``sequences`` (None where the dataset does not name them), and ``twins``:
        test rows whose picture, to the pixel, is also among their fold's training rows.
    """
    return {
        "subjects": _shared_names(folds, rows["subject"].to_numpy(dtype=object)),
        "sequences": _shared_names(folds, rows["sequence"].to_numpy(dtype=object)),
        "twins": len({int(i) for twins in find_twins(folds, rows).values() for i in twins}),
    }


def find_twins(folds: Folds, rows: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return, by fold name, the test rows that have an exact twin among the training rows.

    Parameters
    ----------
    folds : Folds
    rows : DataFrame
        Column ``pixels_hash``; an empty hash is nobody's twin.
    """
    hashes = rows["pixels_hash"].to_numpy(dtype=object)
    found = {}
    for fold in folds.folds:
        known = set(hashes[fold.train].tolist()) - {""}
        found[fold.name] = np.array([i for i in fold.test if hashes[i] in known], dtype=np.int64)
    return found


def _shared_names(folds: Folds, names: np.ndarray) -> int | None:
    if not (names != "").any():
        return None
    shared: set[str] = set()
    for fold in folds.folds:
        shared |= set(names[fold.train].tolist()) & set(names[fold.test].tolist())
    return len(shared - {""})


def group_by_training(folds: Folds) -> list[list[Fold]]:
    """Put folds with the same training rows together, so that one fit serves them all."""
    groups: dict[bytes, list[Fold]] = {}
    for fold in folds.folds:
        groups.setdefault(np.ascontiguousarray(fold.train).tobytes(), []).append(fold)
    return list(groups.values())


def rows_for_tuning(rows: pd.DataFrame) -> np.ndarray:
    """Return which rows may be used to choose parameters; bool, shape (n,).

    Where the dataset has a fixed split, only the rows to fit on: never its test rows.
    """
    splits = rows["split"].to_numpy(dtype=object)
    if (splits == FIT_SPLIT).any() and np.isin(splits, TEST_SPLITS).any():
        return splits == FIT_SPLIT
    return np.ones(len(rows), dtype=bool)


def inner_scheme(
    rows: pd.DataFrame,
    indices: Sequence[int] | np.ndarray,
    k: int = 3,
    groups: np.ndarray | None = None,
) -> str:
    """Choose the scheme inside a training part: by person where persons are known.

    Parameters
    ----------
    rows : DataFrame
        Column ``subject``.
    indices : sequence of int
        Row numbers of the training part.
    k : int
        Folds at most.
    groups : ndarray of int, shape (len(rows),), optional
        See :func:`make_folds`.
    """
    inside = np.asarray(indices)
    subjects = rows["subject"].to_numpy(dtype=object)[inside]
    return _by_person_or_class(subjects, k, None if groups is None else groups[inside])
