"""Scores of groups of people, where the dataset says who is of which sex, age or ethnicity."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from mien.experiments.score_intervals import compute_accuracy_interval

_COLUMNS: Mapping[str, str] = {
    "sex": "sex",
    "gender": "sex",
    "age": "age",
    "ethnicity": "ethnicity",
    "eth": "ethnicity",
    "race": "ethnicity",
}
"""From a column's name in a table of people to what it is called in a report."""

_UNKNOWN = frozenset(("", "na", "n/a", "nan", "none", "null", "unknown", "?", "-"))
_AGES = (18, 25, 35, 45, 55, 65)


def read_groups(rows: pd.DataFrame) -> dict[str, np.ndarray]:
    """Read who is of which group from a store's rows.

    Parameters
    ----------
    rows : DataFrame
        Columns ``sex`` (or ``gender``), ``age`` in years, ``ethnicity`` (``eth``, ``race``), in
        upper or lower case, where the dataset's table of people has them.

    Returns
    -------
    dict of str to ndarray of str, shape (n,)
        By ``sex``, ``age`` and ``ethnicity``, each row's group, ``""`` where it is not known. Ages
        are put into bands: ``under 18``, ``18–24`` … ``65 and over``. A column without any known
        value is left out.
    """
    found: dict[str, np.ndarray] = {}
    for column in rows.columns:
        name = _COLUMNS.get(str(column).lower())
        if name is None or name in found:
            continue
        read: Callable[[str], str] = _band_age if name == "age" else _clean
        values = np.array([read(value) for value in rows[column]], dtype=object)
        if (values != "").any():
            found[name] = values
    return {name: found[name] for name in ("sex", "age", "ethnicity") if name in found}


def describe_groups(
    right: np.ndarray,
    groups: Mapping[str, np.ndarray],
    *,
    persons: np.ndarray,
    units: np.ndarray,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Return the results schema's ``groups``.

    Parameters
    ----------
    right : ndarray of bool, shape (n,)
    groups : mapping of str to ndarray of str, shape (n,)
        By column, the group of each row, from :func:`read_groups`; empty names are left out.
    persons : ndarray of str, shape (n,)
        The person of each row, or ``""``.
    units : ndarray, shape (n,)
        What the bootstrap draws.
    seed : int, default 0

    Returns
    -------
    list of dict
        ``column`` and ``values``: of each group its rows, persons, accuracy and the ends of its
        bootstrap interval, None of a single person. Columns with one group are there, too: they
        say of whom the figures are.
    """
    described = []
    for column, names in groups.items():
        found = sorted(set(names.tolist()) - {""}, key=_order)
        values = [
            _describe_group(name, names == name, right, persons, units, seed) for name in found
        ]
        if values:
            described.append({"column": column, "values": values})
    return described


def _describe_group(
    name: str,
    inside: np.ndarray,
    right: np.ndarray,
    persons: np.ndarray,
    units: np.ndarray,
    seed: int,
) -> dict[str, Any]:
    ends = compute_accuracy_interval(right[inside], units[inside], seed=seed)
    low, high = ends or (None, None)
    return {
        "value": name,
        "rows": int(inside.sum()),
        "persons": len(set(persons[inside].tolist()) - {""}),
        "accuracy": float(right[inside].mean()),
        "low": low,
        "high": high,
    }


def _clean(value: Any) -> str:
    text = str(value).strip()
    return "" if text.lower() in _UNKNOWN else text.lower().replace("_", " ")


def _band_age(value: Any) -> str:
    try:
        years = float(str(value).strip())
    except ValueError:
        return ""
    if not 0 <= years <= 130:
        return ""
    if years < _AGES[0]:
        return f"under {_AGES[0]}"
    for low, high in pairwise(_AGES):
        if years < high:
            return f"{low}–{high - 1}"
    return f"{_AGES[-1]} and over"


def _order(name: str) -> tuple[bool, str]:
    return not name.startswith("under "), name
