"""Whether a model predicts here what it predicted where it was made.

A bundle carries a few inputs and the probabilities that the exporting process computed of them. The
inputs are drawn at random: features around the training rows' means, pixels as coarse blocks. They
show no person.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mien.errors import MienError
from mien.models.bundle import Bundle

TOLERANCE = 1e-3
"""Largest difference of a probability; rounding alone stays hundreds of times below it."""

ROWS = 4
_MOST_READ = 2000
_LARGEST = 60_000.0
_BLOCKS, _BLOCK_SIDE = 6, 8


def draw_features(features: np.ndarray, *, rows: int = ROWS, seed: int = 0) -> np.ndarray:
    """Draw features around the means of training rows.

    Parameters
    ----------
    features : ndarray of float32, shape (n, width)
        Of training rows; at most 2,000 of them, evenly spaced, are read.
    rows : int
    seed : int

    Returns
    -------
    ndarray of float16, shape (rows, width)
        Normal, with the rows' means and half their standard deviations.
    """
    step = max(1, -(-len(features) // _MOST_READ))
    some = features[::step].astype(np.float64)
    noise = np.random.default_rng(seed).normal(size=(rows, features.shape[1]))
    drawn = some.mean(axis=0) + 0.5 * some.std(axis=0) * noise
    return np.clip(drawn, -_LARGEST, _LARGEST).astype(np.float16)


def draw_pixels(*, rows: int = ROWS, seed: int = 0) -> np.ndarray:
    """Draw coarse random blocks; uint8, shape (rows, 48, 48)."""
    blocks = np.random.default_rng(seed).integers(0, 256, (rows, _BLOCKS, _BLOCKS), dtype=np.uint8)
    return np.kron(blocks, np.ones((1, _BLOCK_SIDE, _BLOCK_SIDE), dtype=np.uint8))


def make_check(bundle: Bundle, features: np.ndarray | None, *, seed: int = 0) -> dict[str, Any]:
    """Draw inputs for a bundle and predict them.

    Parameters
    ----------
    bundle : Bundle
    features : ndarray of float32, shape (n, width), optional
        Of training rows, for a model that reads features. The last row of a model that reads
        pixels, too, has none: the network alone answers it.
    seed : int

    Returns
    -------
    dict
        ``inputs``: dict of ndarray (``features``, ``pixels``); ``probabilities``: ndarray of
        float64, shape (4, n_classes).
    """
    inputs: dict[str, np.ndarray] = {}
    if bundle.reads_features and features is not None:
        inputs["features"] = draw_features(features, seed=seed)
    if bundle.reads_pixels:
        inputs["pixels"] = draw_pixels(seed=seed)
    if len(inputs) == 2:
        inputs["features"][-1] = np.nan
    return {"inputs": inputs, "probabilities": _predict(bundle, inputs)}


def measure_difference(bundle: Bundle) -> float | None:
    """Predict a bundle's reference inputs again.

    Returns
    -------
    float or None
        The largest difference of a probability, infinite where one is not finite; None of a bundle
        without reference inputs.
    """
    if bundle.check is None:
        return None
    found = _predict(bundle, bundle.check["inputs"])
    expected = bundle.check["probabilities"]
    if found.shape != expected.shape or not np.isfinite(found).all():
        return float("inf")
    return float(np.abs(found - expected).max())


def require_same(path: Path, bundle: Bundle, versions: str) -> bool:
    """Refuse a bundle that does not predict what it predicted where it was made.

    Parameters
    ----------
    path : Path
        The model's file, to name it.
    bundle : Bundle
    versions : str
        What differs here, for the message.

    Returns
    -------
    bool
        Whether the bundle could be checked.

    Raises
    ------
    MienError
        If a probability is off by more than :data:`TOLERANCE`, or predicting fails.
    """
    hint = f"Export it again here, or install what it was made with ({versions})."
    try:
        difference = measure_difference(bundle)
    except Exception as error:  # what another version's estimator lacks may raise anything
        raise MienError(
            f"{path} cannot predict here ({type(error).__name__}: {error}).", hint
        ) from error
    if difference is not None and difference > TOLERANCE:
        raise MienError(
            f"{path} does not predict here what it predicted where it was made: a probability of "
            f"its reference inputs is off by {difference:.2g}, more than {TOLERANCE:g}.",
            hint,
        )
    return difference is not None


def _predict(bundle: Bundle, inputs: dict[str, np.ndarray]) -> np.ndarray:
    given = {
        name: own.astype(np.float32) if name == "features" else own for name, own in inputs.items()
    }
    if len(given) == 2:
        return bundle.predict_proba((given["features"], given["pixels"]))
    return bundle.predict_proba(next(iter(given.values())))
