"""Loading Keras on TensorFlow: late, quietly, and with a known number of threads."""

from __future__ import annotations

import os
import random
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import ModuleType

import numpy as np

_LOG_LINE = re.compile(
    r"^([IWEF]\d{4} |WARNING: All log messages before absl::|To enable the following instructions)"
)


def load_keras(*, threads: int | None = None) -> ModuleType:
    """Import Keras with TensorFlow as its backend, without TensorFlow's start messages.

    Parameters
    ----------
    threads : int, optional
        Threads for one operation. TensorFlow takes this only before its first operation in a
        process; by default it uses every core.

    Returns
    -------
    module
        ``keras``.

    Raises
    ------
    RuntimeError
        When Keras was already started with another backend.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    loaded = "keras" in sys.modules and "tensorflow" in sys.modules
    with nullcontext() if loaded else _without_start_messages():
        import keras
        import tensorflow as tf
    if keras.backend.backend() != "tensorflow":
        raise RuntimeError(
            "The networks need Keras on TensorFlow, but Keras runs on "
            f"{keras.backend.backend()!r} here. Set KERAS_BACKEND=tensorflow."
        )
    if threads is not None:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    return keras


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed what Keras draws from, and leave Python's and numpy's generators as they were.

    Parameters
    ----------
    seed : int
        For Keras, TensorFlow and, inside the block, Python and numpy. TensorFlow's stays set.
    """
    kept_python, kept_numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    load_keras().utils.set_random_seed(seed)
    try:
        yield
    finally:
        random.setstate(kept_python)
        np.random.set_state(kept_numpy)  # noqa: NPY002


@contextmanager
def _without_start_messages() -> Iterator[None]:
    """Hold back standard error while TensorFlow loads, then print what is not a log line.

    The messages come from C++ before its log level is read, so only the descriptor stops them.
    """
    try:
        kept = os.dup(2)
    except OSError:  # no standard error, as in a windowed program
        yield
        return
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            held.seek(0)
            text = held.read().decode(errors="replace")
            lines = [line for line in text.splitlines(keepends=True) if not _LOG_LINE.match(line)]
            sys.stderr.write("".join(lines))
