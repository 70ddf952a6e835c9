"""Taking a person's looks out of the features: what is subtracted, and what that forbids."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mien.errors import MienError
from mien.experiments.row_data import RowData

CENTRES: tuple[str, ...] = ("none", "person", "neutral")
NEUTRAL = "neutral"


def centre_rows(
    data: RowData, families: Sequence[str], values: np.ndarray, indices: np.ndarray, centre: str
) -> np.ndarray:
    """Subtract what a person looks like anyway.

    Parameters
    ----------
    data : RowData
    families : sequence of str
        What the columns of ``values`` are.
    values : ndarray of float32, shape (k, width)
    indices : ndarray of int64, shape (k,)
        Row numbers of ``values``.
    centre : {"none", "person", "neutral"}
        ``person`` subtracts the mean of the person's rows among ``indices``: no label is used, but
        several pictures of each person are needed. ``neutral`` subtracts the mean of the person's
        neutral pictures, which then are references and neither fitted on nor scored (see
        :func:`exclude_references`).

    Returns
    -------
    ndarray of float32, shape (k, width)

    Raises
    ------
    MienError
        If a person is not known, or has no neutral picture.
    """
    if centre == "none":
        return values
    if centre not in CENTRES:
        raise MienError(f"centre must be one of {', '.join(CENTRES)}, not {centre!r}.")
    persons = data.persons(indices)
    if persons is None:
        raise MienError(
            f"centre={centre} needs to know the person of every row; this dataset does not say.",
            "Extract with --subjects or --subject-pattern, or use centre=none.",
        )
    if centre == "person":
        return values - _mean_by_person(values, persons, persons)
    references = np.flatnonzero(find_references(data))
    looks = data.store.view(families, references)
    return values - _mean_by_person(looks, data.subjects[references].astype(str), persons)


def _mean_by_person(values: np.ndarray, owners: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return the mean of each wanted person's rows, shape (len(wanted), width)."""
    names, codes, counts = np.unique(owners, return_inverse=True, return_counts=True)
    strangers = sorted(set(wanted.tolist()) - set(names.tolist()))
    if strangers:
        raise MienError(f"There is no neutral picture of {strangers[0]} with features.")
    sums = np.zeros((len(names), values.shape[1]), dtype=np.float32)
    np.add.at(sums, codes, values)
    return (sums / counts[:, None].astype(np.float32))[np.searchsorted(names, wanted)]


def find_references(data: RowData) -> np.ndarray:
    """Tell which rows show a known person's neutral face, found by the detector; bool, (n,)."""
    neutral = (data.store.rows["label"] == NEUTRAL).to_numpy()
    return data.usable & neutral & (data.subjects != "") & data.store.has_face


def exclude_references(data: RowData, usable: np.ndarray) -> np.ndarray:
    """Keep the rows that can be fitted and scored where neutral faces are references.

    Parameters
    ----------
    data : RowData
    usable : ndarray of bool, shape (n,)

    Returns
    -------
    ndarray of bool, shape (n,)
        Without all neutral rows, and without persons of whom there is no reference.

    Raises
    ------
    MienError
        If that leaves nothing.
    """
    known = np.isin(data.subjects.astype(str), data.subjects[find_references(data)].astype(str))
    kept = usable & known & (data.store.rows["label"] != NEUTRAL).to_numpy()
    if not kept.any():
        raise MienError(
            "centre=neutral needs persons with a neutral picture and others; the dataset has none.",
            "Use centre=person or centre=none.",
        )
    return kept
