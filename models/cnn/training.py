"""The training loop: one epoch at a time, so that every epoch can be stopped at and gone on from.

The order of the pictures in an epoch depends on the seed and the epoch's number alone, and a
checkpoint holds all that the next epoch reads (weights, optimiser, dropout generators), so a
training that was cut off and resumed ends where the uninterrupted one does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mien.models.cnn.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from mien.models.cnn.presets import TrainingSettings
from mien.models.cnn.runtime import load_keras

HISTORY_KEYS = ("loss", "accuracy", "val_loss", "val_accuracy")

VALIDATION_BATCH = 128

EpochCallback = Callable[[int, dict[str, float]], None]
"""Called after each epoch with the number of epochs done (from 1) and that epoch's four values."""


@dataclass
class TrainingState:
    """Where a training stands after an epoch.

    Attributes
    ----------
    history : dict of list of float
        Loss and accuracy of each epoch so far, on training and validation rows.
    best_loss : float
        Lowest validation loss so far.
    reference_loss : float
        The validation loss that the next one must be below by min_delta to count.
    best_epoch : int
        The epoch it belongs to, from 1; 0 before the first.
    waited : int
        Epochs since the loss last fell by more than min_delta.
    best_weights : list of ndarray
        The network's weights after the best epoch.
    """

    history: dict[str, list[float]] = field(
        default_factory=lambda: {key: [] for key in HISTORY_KEYS}
    )
    best_loss: float = math.inf
    reference_loss: float = math.inf
    best_epoch: int = 0
    waited: int = 0
    best_weights: list[np.ndarray] = field(default_factory=list)

    @property
    def epochs(self) -> int:
        """Epochs done."""
        return len(self.history["loss"])

    def record(self, logs: dict[str, float], min_delta: float) -> bool:
        """Add an epoch; return whether its validation loss is the lowest so far.

        Patience is counted from the last fall of more than ``min_delta``; smaller falls still give
        better weights.
        """
        for key in HISTORY_KEYS:
            self.history[key].append(logs[key])
        loss = logs["val_loss"]
        self.waited += 1
        if loss < self.reference_loss - min_delta:
            self.reference_loss, self.waited = loss, 0
        if not loss < self.best_loss:
            return False
        self.best_loss, self.best_epoch = loss, self.epochs
        return True

    def is_finished(self, settings: TrainingSettings) -> bool:
        """Return whether the epochs are used up, patience is, or the loss is not a number."""
        if not self.epochs:
            return False
        return (
            self.epochs >= settings.epochs
            or self.waited >= settings.patience
            or not math.isfinite(self.history["loss"][-1])
        )


def train(
    network: Any,
    *,
    training: tuple[np.ndarray, np.ndarray],
    validation: tuple[np.ndarray, np.ndarray],
    settings: TrainingSettings,
    seed: int,
    fingerprint: str = "",
    checkpoint: Path | None = None,
    on_epoch: EpochCallback | None = None,
) -> TrainingState:
    """Train a network; the weights of its best epoch are in the state returned.

    Parameters
    ----------
    network : keras.Model
        Freshly built and not compiled.
    training, validation : tuple of ndarray
        Pictures, uint8 of shape (n, 48, 48, 1), and class codes, int of shape (n,).
    settings : TrainingSettings
        The loop's limits; its ``network`` and dropout rates are not read here.
    seed : int
        Seed of the order of the pictures.
    fingerprint : str
        Hash of the data and parameters; a checkpoint with another one is not resumed.
    checkpoint : Path, optional
        File that each epoch's state replaces, and from which an earlier run is gone on with.
    on_epoch : callable, optional
        Called after each epoch that this call trains.

    Returns
    -------
    TrainingState
        History, and the best epoch with its weights.

    Raises
    ------
    ValueError
        When the loss became infinite or not a number before any epoch was usable.
    """
    _compile(network, settings.learning_rate)
    state = _resume(network, checkpoint, fingerprint)
    while not state.is_finished(settings):
        logs = train_epoch(
            network,
            training=training,
            validation=validation,
            batch_size=settings.batch_size,
            seed=seed,
            epoch=state.epochs,
        )
        if state.record(logs, settings.min_delta):
            state.best_weights = network.get_weights()
        if checkpoint is not None:
            write_checkpoint(checkpoint, _to_checkpoint(network, state, fingerprint))
        if on_epoch is not None:
            on_epoch(state.epochs, logs)
    if not state.best_weights:
        raise ValueError(
            "The training diverged: the loss is not a finite number after "
            f"{state.epochs} epochs at a learning rate of {settings.learning_rate}. Lower it."
        )
    return state


def _compile(network: Any, learning_rate: float) -> None:
    """Compile for class codes: the same loss as categorical cross-entropy on one-hot labels.

    Compilation by XLA stays off: on a CPU it makes these convolutions several times slower.
    """
    network.compile(
        optimizer=load_keras().optimizers.Adam(learning_rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,
    )
    network.optimizer.build(network.trainable_variables)


def train_epoch(
    network: Any,
    *,
    training: tuple[np.ndarray, np.ndarray],
    validation: tuple[np.ndarray, np.ndarray],
    batch_size: int,
    seed: int,
    epoch: int,
) -> dict[str, float]:
    """Train a compiled network on every row once, in an order drawn from the seed and the epoch.

    Parameters
    ----------
    network : keras.Model
        Compiled; it is changed.
    training, validation : tuple of ndarray
        Pictures and class codes.
    batch_size : int
        Pictures in one step.
    seed, epoch : int
        What the order depends on.

    Returns
    -------
    dict of float
        Loss and accuracy on training and validation rows.
    """
    pictures, codes = training
    order = np.random.default_rng((seed, epoch)).permutation(len(pictures))
    history = network.fit(
        pictures[order],
        codes[order],
        batch_size=batch_size,
        validation_data=validation,
        validation_batch_size=max(batch_size, VALIDATION_BATCH),
        shuffle=False,
        verbose=0,
    ).history
    return {key: float(history[key][0]) for key in HISTORY_KEYS}


def _variables(network: Any) -> list[Any]:
    """Everything an epoch reads and changes, in a fixed order."""
    generators = [
        layer.seed_generator.state for layer in network.layers if hasattr(layer, "seed_generator")
    ]
    return [*network.weights, *generators, *network.optimizer.variables]


def _to_checkpoint(network: Any, state: TrainingState, fingerprint: str) -> Checkpoint:
    progress = {
        "history": state.history,
        "best_loss": state.best_loss,
        "reference_loss": state.reference_loss,
        "best_epoch": state.best_epoch,
        "waited": state.waited,
    }
    return Checkpoint(
        fingerprint=fingerprint,
        progress=progress,
        variables=[np.asarray(variable) for variable in _variables(network)],
        best_weights=state.best_weights,
    )


def _resume(network: Any, path: Path | None, fingerprint: str) -> TrainingState:
    """Put the network and the state where a matching checkpoint left off; else start anew."""
    saved = read_checkpoint(path) if path is not None else None
    if saved is None or saved.fingerprint != fingerprint:
        return TrainingState()
    for variable, value in zip(_variables(network), saved.variables, strict=True):
        variable.assign(value)
    return TrainingState(best_weights=saved.best_weights, **saved.progress)
