"""Model files that are read again, and compared with the original, before they count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mien.errors import MienError
from mien.files import atomic_path, writing
from mien.models.bundle import Bundle, check_size

TOLERANCE = 1e-4
"""Largest difference of a probability."""


@dataclass(frozen=True)
class Agreement:
    """How far two models agree on some rows.

    Attributes
    ----------
    rows : int
    other_labels : int
        Rows whose most probable class differs.
    difference : float
        Largest difference of a probability; NaN if one of them is no number.
    """

    rows: int
    other_labels: int
    difference: float


def compare_models(model: Bundle, other: Bundle, features: np.ndarray) -> Agreement:
    """Predict the same rows with two models; float32, shape (n, width)."""
    expected, found = (one.predict_proba(features) for one in (model, other))
    return Agreement(
        rows=len(features),
        other_labels=int((expected.argmax(axis=1) != found.argmax(axis=1)).sum()),
        difference=float(np.abs(expected - found).max(initial=0.0)),
    )


def write_checked(
    bundle: Bundle,
    target: Path,
    features: np.ndarray,
    *,
    write: Callable[[Path], None],
    load: Callable[[Path], Bundle],
    max_size: int | None = None,
) -> Agreement:
    """Write a model's file, read it again and compare it with the original.

    Parameters
    ----------
    bundle : Bundle
    target : Path
    features : ndarray of float32, shape (n, width)
        Rows that both predict.
    write, load : callable
        Called with a path.
    max_size : int, optional
        Bytes that the file may have.

    Returns
    -------
    Agreement
        A label differs only where two probabilities are as good as equal.

    Raises
    ------
    MienError
        If the file cannot be written, would be larger than ``max_size``, or gives probabilities
        that differ by more than :data:`TOLERANCE`. The target is then as it was.
    """
    with (
        writing(target, "Choose another file with --out."),
        atomic_path(target, durable=True) as path,
    ):
        write(path)
        check_size(path.stat().st_size, max_size)
        found = compare_models(bundle, load(path), features)
        if not found.difference <= TOLERANCE:
            raise MienError(
                f"{target} was not written: read again, its probabilities differ from the "
                f"model's by up to {found.difference:.2g} on {found.rows:,} rows; at most "
                f"{TOLERANCE:g} was expected.",
                "Write the model as joblib: leave --format out.",
            )
    return found
