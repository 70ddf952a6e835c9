"""How far persons lie apart: a model may read some well and others not at all."""

from __future__ import annotations

from typing import Any

import numpy as np

WORST_PERSONS = 5


def describe_persons(right: np.ndarray, persons: np.ndarray) -> dict[str, Any] | None:
    """Return the results schema's ``persons``.

    Parameters
    ----------
    right : ndarray of bool, shape (n,)
    persons : ndarray of str, shape (n,)
        The person of each row; rows of an empty name are left out.

    Returns
    -------
    dict or None
        ``persons``, their number; ``accuracy``, the quartiles over persons' accuracies; ``worst``,
        the :data:`WORST_PERSONS` with the lowest, the name deciding between equals. None where no
        person is known.
    """
    known = persons != ""
    if not known.any():
        return None
    names, codes = np.unique(persons[known].astype(str), return_inverse=True)
    rows = np.bincount(codes)
    accuracy = np.bincount(codes, weights=right[known]) / rows
    quartiles = np.quantile(accuracy, (0, 0.25, 0.5, 0.75, 1)).tolist()
    worst = np.argsort(accuracy, kind="stable")[:WORST_PERSONS]
    return {
        "persons": len(names),
        "accuracy": dict(zip(("min", "q1", "median", "q3", "max"), quartiles, strict=True)),
        "worst": [
            {"person": str(names[i]), "rows": int(rows[i]), "accuracy": float(accuracy[i])}
            for i in worst
        ],
    }
