"""Batches of training pictures, read and changed while the network trains on earlier ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from mien.models.cnn.augmentation import Augmentation

_AHEAD = 4


def count_steps(n_rows: int, batch_size: int) -> int:
    """Return the steps of an epoch; the last one may be of fewer pictures."""
    return -(-n_rows // batch_size)


def make_batches(
    pictures: np.ndarray,
    codes: np.ndarray,
    weights: np.ndarray,
    *,
    batch_size: int,
    epochs: range,
    augmentation: Augmentation,
    seed: int,
) -> Any:
    """Return batches of whole epochs, each in an order of its own.

    Parameters
    ----------
    pictures : ndarray of uint8, shape (n, 48, 48, 1)
        Read batch by batch; may be mapped from a file.
    codes : ndarray of int32, shape (n,)
    weights : ndarray of float32, shape (n,)
        Of the pictures' losses.
    batch_size : int
    epochs : range
        Numbers of the epochs, from 0.
    augmentation : Augmentation
    seed : int
        The order depends on it and the epoch, augmentation on it, the epoch and the step.

    Returns
    -------
    tf.data.Dataset
        Of pictures, codes and weights; :func:`count_steps` batches an epoch.
    """
    import tensorflow as tf

    def draw() -> Iterator[tuple[Any, ...]]:
        for epoch in epochs:
            order = np.random.default_rng((seed, epoch)).permutation(len(codes))
            for step, start in enumerate(range(0, len(order), batch_size)):
                rows = order[start : start + batch_size]
                own = np.random.default_rng((seed, epoch, step)).integers(2**31, size=2)
                yield pictures[rows], codes[rows], weights[rows], own.astype(np.int32)

    shape = (None, *pictures.shape[1:])
    signature = (
        tf.TensorSpec(shape, tf.uint8),
        tf.TensorSpec((None,), tf.int32),
        tf.TensorSpec((None,), tf.float32),
        tf.TensorSpec((2,), tf.int32),
    )
    drawn = tf.data.Dataset.from_generator(draw, output_signature=signature)
    return drawn.map(
        lambda seen, code, weight, own: (augmentation.apply(seen, own), code, weight),
        num_parallel_calls=2,
        deterministic=True,
    ).prefetch(_AHEAD)
