"""A part of a dataset: some classes, one split, or a smaller sample with the same shares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from mien.errors import MienError
from mien.pipeline.datasets.layout import count
from mien.pipeline.faceset import FaceSet
from mien.pipeline.labels import canonical_label


def select_classes(faceset: FaceSet, classes: Sequence[str]) -> FaceSet:
    """Keep the rows of some classes.

    Rows with an unknown label belong to no class; a note counts those left out.

    Raises
    ------
    MienError
        If a name is not a class of the dataset, or none is given.
    """
    wanted = {canonical_label(name) for name in classes}
    unknown = sorted(wanted - set(faceset.classes))
    if unknown or not wanted:
        came = " and ".join(map(repr, unknown)) if unknown else "none"
        raise MienError(
            f"Expected classes of {faceset.name} ({', '.join(faceset.classes)}), but got {came}."
        )
    labels = faceset.rows["label"]
    without = int((labels == "").sum())
    kept = faceset.take(np.flatnonzero(labels.isin(wanted)).tolist())
    if not without:
        return kept
    note = f"Left out by the choice of classes: {count(without, 'picture')} with an unknown label."
    return replace(kept, notes=(*kept.notes, note))


def select_split(faceset: FaceSet, split: str) -> FaceSet:
    """Keep the rows of one split; upper and lower case do not matter.

    Raises
    ------
    MienError
        If the dataset has no such split.
    """
    splits = faceset.rows["split"]
    chosen = np.flatnonzero(splits.str.lower() == split.lower())
    if not len(chosen) or not split:
        known = ", ".join(sorted(set(splits) - {""})) or "none"
        raise MienError(f"Expected a split of {faceset.name} (it has: {known}), but got {split!r}.")
    return faceset.take(chosen.tolist())


def limit_rows(faceset: FaceSet, limit: int, *, seed: int = 0) -> FaceSet:
    """Keep at most so many usable rows, with the same shares of every class in every split.

    Parameters
    ----------
    faceset : FaceSet
        The dataset.
    limit : int
        Usable rows to keep: those without a reason. Rows with a reason do not count; the same
        share of them is kept, so that the coverage stays what it is.
    seed : int
        Decides which rows are drawn.

    Returns
    -------
    FaceSet
        Rows in their old order. Every class of a split keeps one row at least where ``limit``
        allows it. Unchanged where there are not more usable rows than ``limit``.

    Raises
    ------
    MienError
        If ``limit`` is under 1.
    """
    if limit < 1:
        raise MienError(f"Expected a limit of at least 1 picture, but got {limit}.")
    usable = np.flatnonzero(faceset.rows["reason"] == "")
    if len(usable) <= limit:
        return faceset
    unusable = np.flatnonzero(faceset.rows["reason"] != "")
    generator = np.random.default_rng(seed)
    chosen = draw_stratified(faceset.rows.iloc[usable], usable, limit, generator)
    share = round(len(unusable) * limit / len(usable))
    others = generator.permutation(unusable)[:share]
    note = f"A sample: {limit:,} of {len(usable):,} usable pictures (seed {seed})."
    kept = faceset.take(np.sort(np.concatenate([chosen, others])).tolist())
    return replace(kept, notes=(*kept.notes, note))


def draw_stratified(
    rows: pd.DataFrame, positions: np.ndarray, limit: int, generator: np.random.Generator
) -> np.ndarray:
    """Draw rows with the same share of every class in every split.

    Parameters
    ----------
    rows : DataFrame
        Columns ``split`` and ``label``.
    positions : ndarray of int, shape (len(rows),)
        What to draw: the rows' numbers.
    limit : int
        How many; below ``len(rows)``.
    generator : Generator

    Returns
    -------
    ndarray of int, shape (limit,)
        Not sorted.
    """
    strata = (rows["split"] + "\0" + rows["label"]).to_numpy()
    names, stratum = np.unique(strata.astype(str), return_inverse=True)
    quotas = allot(np.bincount(stratum, minlength=len(names)), limit)
    drawn = [
        generator.permutation(positions[stratum == i])[:quota] for i, quota in enumerate(quotas)
    ]
    return np.concatenate(drawn)


def allot(sizes: np.ndarray, limit: int) -> np.ndarray:
    """Share out ``limit`` places over groups by size, by largest remainders.

    Parameters
    ----------
    sizes : ndarray of int, shape (n_groups,)
        Sizes, 1 or more, whose sum is above ``limit``.
    limit : int
        Places to share out.

    Returns
    -------
    ndarray of int, shape (n_groups,)
        Places, summing to ``limit``, none above its size; one at least for each group where
        ``limit`` is not below the number of groups.
    """
    exact = sizes * (limit / sizes.sum())
    places = np.floor(exact).astype(np.int64)
    order = np.argsort(places - exact, kind="stable")
    places[order[: limit - places.sum()]] += 1
    if limit >= len(sizes):
        places = np.maximum(places, 1)
        while places.sum() > limit:
            places[np.argmax(places)] -= 1
    return places
