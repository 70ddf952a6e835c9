"""What lies on both sides of a fold, found before anything is fitted, and what is done about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mien.errors import MienError
from mien.experiments.comparison_options import ComparisonOptions
from mien.experiments.folds import Fold, Folds, group_by_training, make_folds
from mien.experiments.near_twins import find_copies, keep_twin_pairs
from mien.experiments.row_data import RowData
from mien.files import atomic_path, writing
from mien.pipeline.twins import TwinPairs, group_twins

ON_LEAK: tuple[str, ...] = ("group", "warn", "fail")
KINDS: tuple[str, ...] = ("persons", "sequences", "exact twins", "near twins")
LEAKS_FILE = "leaks.csv"
_COLUMNS = ["fold", "kind", "test_row", "train_row", "similarity", "mirrored"]
_LISTED = 20
_TOLD = 3


@dataclass(frozen=True)
class CheckedFolds:
    """The folds of a comparison, and what an audit of them found.

    Attributes
    ----------
    folds : Folds
        What is fitted and predicted.
    data : RowData
        What the models read; it knows the near twins where they are kept together.
    on_leak : {"group", "warn", "fail"}
    found : DataFrame
        From :func:`find_leaks`, of the folds as the scheme alone makes them.
    remaining : DataFrame
        The same, of ``folds``.
    left_out : mapping of str to int
        By kind, training rows that are left out of fitting.
    copies : mapping of str to ndarray
        By fold, test rows with an exact or near twin among the training rows of ``folds``.
    """

    folds: Folds
    data: RowData
    on_leak: str
    found: pd.DataFrame
    remaining: pd.DataFrame
    left_out: Mapping[str, int]
    copies: Mapping[str, np.ndarray]

    def to_json(self) -> dict[str, Any]:
        """Return the keys ``on_leak`` and ``leaks`` of the results schema's protocol.

        A kind of leak has ``rows``, the test rows that it concerns as the scheme alone makes the
        folds; ``remaining``, those that it still concerns; ``left_out``, training rows that were
        left out of fitting because of it; and ``listed``, the first pairs.
        """
        pictures = self.data.store.rows["picture"]
        told = []
        for kind in KINDS:
            found = self.found[self.found["kind"] == kind]
            if len(found) or self.left_out[kind]:
                listed = found.head(_LISTED)
                told.append(
                    {
                        "kind": kind,
                        "rows": int(found["test_row"].nunique()),
                        "remaining": _count_rows(self.remaining, kind),
                        "left_out": self.left_out[kind],
                        "listed": [
                            {"fold": fold, "test": str(pictures[test]), "train": str(pictures[own])}
                            for fold, test, own in zip(
                                listed["fold"], listed["test_row"], listed["train_row"], strict=True
                            )
                        ],
                    }
                )
        return {"on_leak": self.on_leak, "leaks": told}

    def state(self) -> str:
        """Say what was kept together or left out; empty where nothing had to be."""
        cured = self.found[self.found["kind"] != "persons"]
        if self.on_leak != "group" or not len(cured):
            return ""
        concerned = _count(cured["test_row"].nunique(), "test picture")
        if left_out := sum(self.left_out.values()):
            verb = "was" if left_out == 1 else "were"
            return (
                f" {_count(left_out, 'training picture')} {verb} left out of fitting: copies of "
                "test pictures (to the pixel, in another light or cut, or mirrored), or frames of "
                f"one sequence with them. That concerned {concerned}."
            )
        return (
            " Copies of one picture (to the pixel, in another light or cut, or mirrored) and "
            f"frames of one sequence were kept in one fold; without that, {concerned} would have "
            "had one among the rows that were fitted on."
        )


def check_folds(
    data: RowData, usable: np.ndarray, options: ComparisonOptions, folder: Path
) -> CheckedFolds:
    """Make the folds of a comparison, and see to it that nothing leaks from one side to the other.

    Parameters
    ----------
    data : RowData
    usable : ndarray of bool, shape (n,)
        Rows that take part.
    options : ComparisonOptions
        ``on_leak`` says what is done: ``group`` keeps twins and sequences on one side (see
        :func:`mien.experiments.folds.make_folds`), ``warn`` leaves the scheme's own folds as they
        are, ``fail`` refuses them.
    folder : Path
        For ``leaks.csv``, which lists what was found, and for the twins, which are looked for once.

    Returns
    -------
    CheckedFolds

    Raises
    ------
    MienError
        If there is no such ``on_leak``, the scheme does not fit the data, or something leaks and
        ``on_leak`` is ``fail``.
    """
    if options.on_leak not in ON_LEAK:
        raise MienError(f"--on-leak must be one of {', '.join(ON_LEAK)}, not {options.on_leak!r}.")
    rows = data.store.rows
    plan: dict[str, Any] = {
        "scheme": options.scheme,
        "repeats": options.repeats,
        "seed": options.seed,
        "usable": usable,
    }
    plain = make_folds(rows, **plan)
    taken = _rows_of(plain)
    pairs = keep_twin_pairs(data.store, taken, folder)
    found = find_leaks(plain, data, pairs)
    _write_leaks(found, data, folder)
    if options.on_leak == "fail" and len(found):
        raise _refuse(found, data, folder)
    folds, left_out = plain, dict.fromkeys(KINDS, 0)
    if options.on_leak != "warn":
        data = data.with_near_twins(pairs)
    if options.on_leak == "group":
        together = data.keep_together(np.isin(np.arange(len(rows)), taken))
        folds = make_folds(rows, **plan, groups=together)
        left_out = _count_left_out(plain, folds, data, pairs)
        if folds.grouped_by is None and (rows["sequence"] != "").any():
            folds = replace(folds, grouped_by="sequence")
    remaining = found if folds is plain else find_leaks(folds, data, pairs)
    copies = find_copies(folds, data.store, pairs)
    return CheckedFolds(folds, data, options.on_leak, found, remaining, left_out, copies)


def find_leaks(folds: Folds, data: RowData, pairs: TwinPairs) -> pd.DataFrame:
    """List the test rows that have something in common with a training row of their fold.

    Parameters
    ----------
    folds : Folds
    data : RowData
    pairs : TwinPairs
        Of the folds' rows.

    Returns
    -------
    DataFrame
        A row for each fold, kind of leak (of :data:`KINDS`) and test row, with one of the training
        rows, for near twins the most similar: ``fold``, ``kind``, ``test_row``, ``train_row``,
        ``similarity`` (of twins; NaN for rows that are twins through another row), ``mirrored``. A
        row with an exact twin is not listed as a near twin again.
    """
    kinds = _number_kinds(data, pairs)
    similar = _both_ways(pairs)
    tables = [pd.DataFrame(columns=_COLUMNS)]
    for fold in folds.folds:
        found = {kind: _match(fold, numbers) for kind, numbers in kinds.items()}
        near, exact = found["near twins"], found["exact twins"]
        near = near[~near["test_row"].isin(exact["test_row"])]
        found["near twins"] = _prefer_similar(near, fold, similar)
        exact["similarity"], exact["mirrored"] = 1.0, False
        tables += [own.assign(fold=fold.name, kind=kind) for kind, own in found.items() if len(own)]
    return pd.concat(tables[1:] or tables, ignore_index=True)[_COLUMNS]


def _number_kinds(data: RowData, pairs: TwinPairs) -> dict[str, np.ndarray]:
    """Return, by kind, the number of what each row has in common with others; -1 for nothing."""
    rows = data.store.rows
    names = {"persons": "subject", "sequences": "sequence", "exact twins": "pixels_hash"}
    numbers = {}
    for kind, name in names.items():
        own = rows[name].to_numpy(dtype=object)
        numbers[kind] = np.where(own == "", -1, pd.factorize(own)[0])
    return {**numbers, "near twins": group_twins(len(rows), pairs)}


def _match(fold: Fold, numbers: np.ndarray) -> pd.DataFrame:
    """Pair each test row with the first training row of its number, where there is one."""
    train = pd.DataFrame({"number": numbers[fold.train], "train_row": fold.train})
    train = train[train["number"] >= 0].drop_duplicates("number")
    test = pd.DataFrame({"number": numbers[fold.test], "test_row": fold.test})
    matched = test.merge(train, on="number")[["test_row", "train_row"]]
    return matched.assign(similarity=np.nan, mirrored=None)


def _both_ways(pairs: TwinPairs) -> pd.DataFrame:
    """Return the pairs, each in both directions, the most similar first."""
    a, b = pairs.rows.T
    table = pd.DataFrame(
        {
            "test_row": np.r_[a, b],
            "train_row": np.r_[b, a],
            "similarity": np.tile(pairs.similarity, 2).astype(np.float64),
            "mirrored": np.tile(pairs.mirrored, 2).astype(object),
        }
    )
    return table.sort_values("similarity", ascending=False, kind="stable")


def _prefer_similar(near: pd.DataFrame, fold: Fold, similar: pd.DataFrame) -> pd.DataFrame:
    """Replace training rows of a twin's group by the most similar one, where it is known."""
    own = similar[similar["test_row"].isin(near["test_row"])]
    own = own[own["train_row"].isin(fold.train)].drop_duplicates("test_row")
    rest = near[~near["test_row"].isin(own["test_row"])]
    return pd.concat([part for part in (own, rest) if len(part)] or [near]).sort_values("test_row")


def _count_left_out(plain: Folds, folds: Folds, data: RowData, pairs: TwinPairs) -> dict[str, int]:
    """Count, by kind, the training rows that were left out where the test rows stayed the same.

    What is connected with a test row through others counts as of a sequence, if it is of one: the
    frames beside a copy of a test picture.
    """
    if [fold.test.tolist() for fold in plain.folds] != [f.test.tolist() for f in folds.folds]:
        return dict.fromkeys(KINDS, 0)
    numbers = _number_kinds(data, pairs)
    kept = {fold.name: fold for fold in folds.folds}
    rows: dict[str, set[int]] = {kind: set() for kind in KINDS}
    for same in group_by_training(plain):
        tested = np.concatenate([fold.test for fold in same])
        left = np.setdiff1d(same[0].train, kept[same[0].name].train)
        for kind in ("exact twins", "near twins", "sequences"):
            own = numbers[kind][left]
            shared = (own >= 0) & np.isin(own, numbers[kind][tested])
            rows[kind] |= set(left[shared].tolist())
            left = left[~shared]
        filmed = numbers["sequences"][left] >= 0
        rows["sequences"] |= set(left[filmed].tolist())
        rows["near twins"] |= set(left[~filmed].tolist())
    return {kind: len(own) for kind, own in rows.items()}


def _rows_of(folds: Folds) -> np.ndarray:
    return np.unique(np.concatenate([np.r_[fold.train, fold.test] for fold in folds.folds]))


def _write_leaks(found: pd.DataFrame, data: RowData, folder: Path) -> None:
    pictures = data.store.rows["picture"].to_numpy(dtype=object)
    table = found.assign(
        test=pictures[found["test_row"].to_numpy(dtype=np.int64)],
        train=pictures[found["train_row"].to_numpy(dtype=np.int64)],
    )
    columns = ["fold", "kind", "test_row", "test", "train_row", "train", "similarity", "mirrored"]
    with (
        writing(folder, "Choose another folder with --out."),
        atomic_path(folder / LEAKS_FILE) as path,
    ):
        table[columns].to_csv(path, index=False, float_format="%.4f")


def _refuse(found: pd.DataFrame, data: RowData, folder: Path) -> MienError:
    pictures = data.store.rows["picture"]
    counts, pairs = [], []
    for kind in KINDS:
        own = found[found["kind"] == kind]
        if len(own):
            counts.append(f"{kind}: {_count(own['test_row'].nunique(), 'test picture')}")
            pairs += [
                f"{pictures[test]} and {pictures[train]} ({kind}, {fold})"
                for fold, test, train in zip(
                    own["fold"][:_TOLD], own["test_row"], own["train_row"], strict=False
                )
            ]
    persons = "persons" in set(found["kind"])
    others = set(found["kind"]) - {"persons"}
    advice = ["Use --on-leak group, which keeps twins and sequences in one fold."] if others else []
    advice += ["Use --cv subject:10, which keeps persons in one fold."] if persons else []
    return MienError(
        f"Test pictures have something in common with training pictures of their fold: "
        f"{'; '.join(counts)}. For example {'; '.join(pairs)}. All are in {folder / LEAKS_FILE}.",
        " ".join(advice),
    )


def _count_rows(table: pd.DataFrame, kind: str) -> int:
    return int(table.loc[table["kind"] == kind, "test_row"].nunique())


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
