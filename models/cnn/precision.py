"""Which number format trains faster on this machine, measured."""

from __future__ import annotations

import functools
import time
from typing import Any

from mien.models.cnn.runtime import load_keras

_GAIN = 1.2
"""bfloat16 must be so many times as fast: below, its rounding buys nothing."""
_ROUNDS = 5


def choose_precision(wanted: str) -> str:
    """Return the precision to train in.

    Parameters
    ----------
    wanted : {"auto", "float32", "bfloat16"}

    Returns
    -------
    str
        ``float32`` or ``bfloat16``; for ``auto`` what :func:`probe_precision` measured.
    """
    return probe_precision() if wanted == "auto" else wanted


@functools.cache
def probe_precision() -> str:
    """Time a convolution and its gradients in both formats, once a process.

    Returns
    -------
    str
        ``bfloat16`` where it is clearly faster. Processors without instructions for it emulate
        it, and are slower; they keep ``float32``.
    """
    load_keras()
    import tensorflow as tf

    single, brain = (_time_convolution(tf, kind) for kind in (tf.float32, tf.bfloat16))
    return "bfloat16" if single > _GAIN * brain else "float32"


def _time_convolution(tf: Any, kind: Any) -> float:
    """Return the fastest round's seconds."""
    pictures = tf.ones((32, 12, 12, 128), kind)
    kernel = tf.ones((3, 3, 128, 128), kind)

    @tf.function
    def run() -> Any:
        with tf.GradientTape() as tape:
            tape.watch((pictures, kernel))
            value = tf.reduce_sum(tf.nn.conv2d(pictures, kernel, 1, "SAME"))
        return tape.gradient(value, (pictures, kernel))

    run()
    seconds = []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        run()[1].numpy()
        seconds.append(time.perf_counter() - started)
    return min(seconds)
