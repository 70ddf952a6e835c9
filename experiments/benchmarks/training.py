"""Training a network against what one would write: Keras's compile and fit on the same layers.

The same network (the thesis's for FER2013), rows, epochs and optimiser (Adam, without augmentation)
in one run, turn by turn: Keras with batches of 32 in float32 at one step size, and Mien with larger
batches in the precision that its probe chooses, at a step size that rises and falls as in its
preset ``modern``. Each training is timed after its first epoch, which compiles; the accuracy is of
rows that neither was fitted on, and shows whether the quicker training is as good.

With ``--augmented`` Mien's training is timed once more, with pictures changed as the preset
``modern`` changes them, and with the share of the time in which the network waits for them.
"""

from __future__ import annotations

import argparse
from time import perf_counter
from typing import Any

import numpy as np

from mien.experiments.row_data import RowData
from mien.experiments.tune import choose_rows
from mien.models.cnn.augmentation import Augmentation
from mien.models.cnn.batches import count_steps, make_batches
from mien.models.cnn.engine import Engine, Plan
from mien.models.cnn.networks import Architecture
from mien.models.cnn.precision import choose_precision
from mien.models.cnn.presets import get_preset
from mien.models.cnn.runtime import load_keras, seeded
from mien.models.cnn.schedule import learning_rate_at
from mien.models.cnn.validation import split_validation
from mien.pipeline.store import FeatureStore

MOMENTUM = 0.9
Rows = tuple[np.ndarray, np.ndarray]


def main() -> None:
    """Print milliseconds a picture and accuracy of each, round by round, and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store")
    parser.add_argument("--rows", type=int, default=8000)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=128, help="Mien's; Keras's is 32")
    parser.add_argument("--learning-rate", type=float, default=0.001, help="Keras's")
    parser.add_argument("--largest", type=float, default=0.002, help="Mien's largest step size")
    parser.add_argument("--augmented", action="store_true")
    arguments = parser.parse_args()
    data = RowData(FeatureStore.open(arguments.store))
    chosen = np.flatnonzero(choose_rows(data, arguments.rows, 0))
    codes = data.codes[chosen].astype(np.int32)
    pictures = np.asarray(data.store.pixels[chosen])[..., np.newaxis]
    train, test = split_validation(codes, fraction=0.2, groups=data.groups(chosen), seed=0)
    rows = ((pictures[train], codes[train]), (pictures[test], codes[test]))
    precision = choose_precision("auto")
    print(f"{len(train):,} rows to fit on, {len(test):,} to score; Mien in {precision}", flush=True)
    ratios = []
    for seed in range(arguments.rounds):
        plain = time_keras(*rows, epochs=arguments.epochs, rate=arguments.learning_rate, seed=seed)
        ours = time_mien(
            *rows,
            epochs=arguments.epochs,
            largest=arguments.largest,
            seed=seed,
            batch=arguments.batch,
            precision=precision,
        )
        ratios.append(plain[0] / ours[0])
        print(
            f"round {seed + 1}: Keras {plain[0]:.2f} ms a picture, accuracy {plain[1]:.4f}; "
            f"Mien {ours[0]:.2f} ms, {ours[1]:.4f}; ratio {ratios[-1]:.2f}",
            flush=True,
        )
    print(f"median ratio {np.median(ratios):.2f}")
    if arguments.augmented:
        milliseconds, waiting = time_augmented(rows[0], precision=precision, batch=arguments.batch)
        print(
            f"augmented: {milliseconds:.2f} ms a picture, {waiting:.1%} of it waiting for pictures"
        )


def time_keras(
    train: Rows, test: Rows, *, epochs: int, rate: float, seed: int
) -> tuple[float, float]:
    """Return milliseconds a picture and accuracy of ``compile`` and ``fit``."""
    keras = load_keras()
    with seeded(seed):
        network = _architecture().build()
        network.compile(
            optimizer=keras.optimizers.Adam(rate),
            loss="sparse_categorical_crossentropy",
            metrics=["accuracy"],
            jit_compile=False,
        )
        network.fit(*train, batch_size=32, epochs=1, verbose=0)
        started = perf_counter()
        network.fit(*train, batch_size=32, epochs=epochs, initial_epoch=1, verbose=0)
        seconds = perf_counter() - started
    probabilities = network.predict(test[0], batch_size=256, verbose=0)
    return 1000 * seconds / (epochs - 1) / len(train[1]), _score(probabilities, test[1])


def time_mien(
    train: Rows, test: Rows, *, epochs: int, largest: float, seed: int, batch: int, precision: str
) -> tuple[float, float]:
    """Return milliseconds a picture and accuracy of the engine and its batches."""
    modern = get_preset("modern")
    engine = Engine(_plan(precision))
    engine.reset(seed)
    steps, done = epochs * count_steps(len(train[1]), batch), 0
    seconds = []
    for epoch in range(epochs):
        started = perf_counter()
        for drawn in _batches(train, epoch, seed=seed, batch=batch, augmentation=Augmentation()):
            done += 1
            rate = learning_rate_at(
                done / steps, largest=largest, schedule=modern.schedule, warmup=modern.warmup
            )
            engine.train_step(drawn, learning_rate=rate)
        seconds.append(perf_counter() - started)
    engine.average(0.0)
    accuracy = _score(engine.predict_proba(test[0]), test[1])
    return 1000 * sum(seconds[1:]) / (epochs - 1) / len(train[1]), accuracy


def time_augmented(train: Rows, *, precision: str, batch: int) -> tuple[float, float]:
    """Return milliseconds a picture with changed pictures, and the share spent waiting for them."""
    augmentation = Augmentation.of(get_preset("modern"))
    engine = Engine(_plan(precision))
    engine.reset(0)
    waiting = 0.0
    for epoch in range(2):
        batches = iter(_batches(train, epoch, seed=0, batch=batch, augmentation=augmentation))
        waiting, started = 0.0, perf_counter()
        for _ in range(count_steps(len(train[1]), batch)):
            asked = perf_counter()
            drawn = next(batches)
            waiting += perf_counter() - asked
            engine.train_step(drawn, learning_rate=0.001)
    seconds = perf_counter() - started
    return 1000 * seconds / len(train[1]), waiting / seconds


def _batches(train: Rows, epoch: int, *, seed: int, batch: int, augmentation: Augmentation) -> Any:
    return make_batches(
        *train,
        np.ones(len(train[1]), dtype=np.float32),
        batch_size=batch,
        epochs=range(epoch, epoch + 1),
        augmentation=augmentation,
        seed=seed,
    )


def _architecture() -> Architecture:
    thesis = get_preset("thesis")
    return Architecture(
        network=thesis.network,
        n_classes=7,
        width=1.0,
        dropout=thesis.dropout,
        dense_dropout=thesis.dense_dropout,
        momentum=MOMENTUM,
    )


def _plan(precision: str) -> Plan:
    return Plan(
        architecture=_architecture(),
        precision=precision,
        weight_decay=0.0,
        label_smoothing=0.0,
        augmentation=Augmentation(),
        mirror=False,
    )


def _score(probabilities: np.ndarray, codes: np.ndarray) -> float:
    return float((probabilities.argmax(axis=1) == codes).mean())


if __name__ == "__main__":
    main()
