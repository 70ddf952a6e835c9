"""Rows that belong together because they share a name, directly or through other rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def connect_rows(names: Sequence[np.ndarray]) -> np.ndarray:
    """Return the group of each row: rows share a name, directly or through other rows.

    Parameters
    ----------
    names : sequence of ndarray of str, each of shape (n,)
        Persons, or hashes of pixels; an empty name is shared with nobody.

    Returns
    -------
    ndarray of int, shape (n,)
        Groups are numbered from 0.
    """
    n = len(names[0])
    links = []
    for own in names:
        _, first, number = np.unique(own.astype(str), return_index=True, return_inverse=True)
        links.append(np.where(own == "", np.arange(n), first[number]))
    ends = np.concatenate(links)
    starts = np.tile(np.arange(n), len(names))
    graph = coo_array((np.ones(len(ends), dtype=np.int8), (starts, ends)), shape=(n, n))
    return connected_components(graph, directed=False)[1]
