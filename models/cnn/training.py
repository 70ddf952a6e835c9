"""The training loop: one epoch at a time, so that every epoch can be stopped at and gone on from.

What an epoch draws at random depends on the seed and the epoch's number alone, and a checkpoint
holds all that the next epoch reads (weights, optimiser, dropout generators), so a training that was
cut off and resumed ends where the uninterrupted one does.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from mien.models.cnn.batches import count_steps, make_batches
from mien.models.cnn.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from mien.models.cnn.engine import AVERAGE_EVERY, Engine
from mien.models.cnn.presets import TrainingSettings
from mien.models.cnn.schedule import learning_rate_at, seconds_left, share_done

HISTORY_KEYS = ("loss", "accuracy", "val_loss", "val_accuracy")

EpochCallback = Callable[[int, dict[str, float]], None]
"""Called after each epoch with the number of epochs done (from 1), that epoch's four values and
``seconds_left``."""

StepCallback = Callable[[float, dict[str, float]], None]
"""Called every few seconds with the share of the training that is done, and the epoch's ``loss``
and ``accuracy`` so far and ``seconds_left``."""

DIVERGED_MESSAGE = "The training diverged"
"""How the error begins that a training without a usable epoch raises."""

_TELL_EVERY = 2.0
_SMALLEST_PROBABILITY = 1e-7
_EXPLODED = 10.0
"""Times the loss of a guess: a training loss above it will not come down again."""


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
        Validation loss that patience counts from.
    best_epoch : int
        The epoch of the lowest validation loss, from 1; 0 before the first.
    waited : int
        Epochs since the loss last fell by more than min_delta.
    steps, pictures : int
        Done so far.
    seconds : float
        Spent so far, in this process and earlier ones.
    stopped : str
        Why it ended: ``epochs``, ``patience``, ``time budget`` or ``diverged``; empty before.
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
    steps: int = 0
    pictures: int = 0
    seconds: float = 0.0
    stopped: str = ""
    best_weights: list[np.ndarray] = field(default_factory=list)

    @property
    def epochs(self) -> int:
        """Epochs done, the last one perhaps in part."""
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

    def find_end(self, settings: TrainingSettings) -> str:
        """Say why the training is over, in the words of ``stopped``; empty while it is not."""
        if self.stopped or not self.epochs:
            return self.stopped
        if settings.time_budget and self.seconds >= settings.time_budget:
            return "time budget"
        if self.epochs >= settings.epochs:
            return "epochs"
        return "patience" if self.waited >= settings.patience else ""


@dataclass(frozen=True)
class Rows:
    """Pictures to train on or to validate with.

    Attributes
    ----------
    pictures : ndarray of uint8, shape (n, 48, 48, 1)
    codes : ndarray of int32, shape (n,)
    """

    pictures: np.ndarray
    codes: np.ndarray

    def __len__(self) -> int:
        return len(self.codes)


def train(
    engine: Engine,
    *,
    training: Rows,
    validation: Rows,
    settings: TrainingSettings,
    seed: int,
    fingerprint: str = "",
    checkpoint: Path | None = None,
    on_epoch: EpochCallback | None = None,
    on_step: StepCallback | None = None,
) -> TrainingState:
    """Train a network from the start; the weights of its best epoch are in the state returned.

    Parameters
    ----------
    engine : Engine
        Whatever it trained before is forgotten.
    training, validation : Rows
    settings : TrainingSettings
        The loop's limits and schedule; what the engine's plan holds is not read here.
    seed : int
        Of the first weights, the order of the pictures, augmentation and dropout.
    fingerprint : str
        Hash of the data and parameters; a checkpoint with another one is not resumed.
    checkpoint : Path, optional
        File that each epoch's state replaces, and from which an earlier run is gone on with.
    on_epoch : callable, optional
        Called after each epoch that this call trains.
    on_step : callable, optional
        Called every few seconds.

    Returns
    -------
    TrainingState
        History, and the best epoch with its weights.

    Raises
    ------
    ValueError
        When the training diverged before any epoch was usable.
    """
    engine.reset(seed)
    state = _resume(engine, checkpoint, fingerprint)
    state.stopped = state.find_end(settings)
    loop = _Loop(engine, state, training, settings, seed, on_step)
    while not state.stopped:
        logs = loop.run_epoch()
        logs |= _validate(engine, validation)
        loop.keep_time()
        if state.record(logs, settings.min_delta):
            state.best_weights = engine.evaluated_weights()
        state.stopped = state.find_end(settings)
        if checkpoint is not None:
            write_checkpoint(checkpoint, _to_checkpoint(engine, state, fingerprint))
        if on_epoch is not None:
            on_epoch(state.epochs, logs | {"seconds_left": loop.seconds_left()})
    if not state.best_weights:
        raise ValueError(
            f"{DIVERGED_MESSAGE} in epoch {state.epochs} at a learning rate of "
            f"{settings.learning_rate}: the loss is not finite, or far above that of a guess. "
            "Lower it."
        )
    return state


class _Loop:
    """Runs epochs, keeping the state's steps, pictures and time."""

    def __init__(
        self,
        engine: Engine,
        state: TrainingState,
        training: Rows,
        settings: TrainingSettings,
        seed: int,
        on_step: StepCallback | None,
    ) -> None:
        self._engine, self._state, self._settings = engine, state, settings
        self._steps_each = count_steps(len(training), settings.batch_size)
        self._all_steps = self._steps_each * settings.epochs
        self._on_step = on_step
        self._budget = settings.time_budget
        self._n_classes = int(training.codes.max()) + 1
        self._batches: Iterator[Any] = iter(
            make_batches(
                training.pictures,
                training.codes,
                class_weights(training.codes, settings.class_weight),
                batch_size=settings.batch_size,
                epochs=range(state.epochs, settings.epochs),
                augmentation=engine.plan.augmentation,
                seed=seed,
            )
        )
        self._spent_before = state.seconds
        self._started = self._told = time.perf_counter()
        self._validation_seconds = 0.0
        self._ended: float | None = None

    def keep_time(self) -> None:
        """Bring the state's seconds up to now."""
        self._state.seconds = self._spent_before + time.perf_counter() - self._started

    def seconds_left(self) -> float:
        """Return the expected rest of the training's time; 0 at its end."""
        return 0.0 if self._state.stopped else seconds_left(self._share(), self._state.seconds)

    def run_epoch(self) -> dict[str, float]:
        """Train on every row once, or until the time is over; return loss and accuracy."""
        state = self._state
        if self._ended is not None:
            pause = time.perf_counter() - self._ended
            self._validation_seconds = max(self._validation_seconds, pause)
        losses, right, seen = 0.0, 0, 0
        for _ in range(self._steps_each):
            batch = next(self._batches)
            loss, hits = self._engine.train_step(batch, learning_rate=self._learning_rate())
            n = len(batch[1])
            losses, right, seen = losses + n * loss, right + hits, seen + n
            state.steps += 1
            state.pictures += n
            self.keep_time()
            self._average()
            if not loss < _EXPLODED * math.log(self._n_classes):
                state.stopped = "diverged"
            if state.stopped or self._is_late():
                break
            self._tell(losses / seen, right / seen)
        if not self._settings.averaging:
            self._engine.average(0.0)
        self._ended = time.perf_counter()
        return {"loss": losses / seen, "accuracy": right / seen}

    def _learning_rate(self) -> float:
        settings = self._settings
        return learning_rate_at(
            self._share(ahead=1),
            largest=settings.learning_rate,
            schedule=settings.schedule,
            warmup=settings.warmup,
        )

    def _share(self, *, ahead: int = 0) -> float:
        return share_done(
            steps=self._state.steps + ahead,
            all_steps=self._all_steps,
            seconds=self._state.seconds,
            budget=self._usable_time(),
        )

    def _usable_time(self) -> float:
        """Keep the time of the last validation free."""
        return self._budget and max(self._budget / 2, self._budget - self._validation_seconds)

    def _is_late(self) -> bool:
        return bool(self._budget) and self._state.seconds >= self._usable_time()

    def _average(self) -> None:
        """Average over as many steps as there were at the start, later over the wanted number."""
        steps, decay = self._state.steps, self._settings.averaging
        if decay and steps % AVERAGE_EVERY == 0:
            self._engine.average(min(decay, steps / (steps + 10)) ** AVERAGE_EVERY)

    def _tell(self, loss: float, accuracy: float) -> None:
        now = time.perf_counter()
        if self._on_step is not None and now - self._told >= _TELL_EVERY:
            self._told = now
            share = self._share()
            left = seconds_left(share, self._state.seconds)
            self._on_step(share, {"loss": loss, "accuracy": accuracy, "seconds_left": left})


def class_weights(codes: np.ndarray, kind: str) -> np.ndarray:
    """Return the weight of each picture's loss, 1 on average.

    Parameters
    ----------
    codes : ndarray of int, shape (n,)
    kind : {"none", "balanced"}
        ``balanced``: the inverse of the class's frequency.

    Returns
    -------
    ndarray of float32, shape (n,)
    """
    if kind == "none":
        return np.ones(len(codes), dtype=np.float32)
    counts = np.bincount(codes)
    return (len(codes) / np.count_nonzero(counts) / counts[codes]).astype(np.float32)


def _validate(engine: Engine, validation: Rows) -> dict[str, float]:
    probabilities = engine.predict_proba(validation.pictures)
    own = probabilities[np.arange(len(validation)), validation.codes]
    right = probabilities.argmax(axis=1) == validation.codes
    loss = -np.log(np.maximum(own, _SMALLEST_PROBABILITY)).mean()
    return {"val_loss": float(loss), "val_accuracy": float(right.mean())}


def _to_checkpoint(engine: Engine, state: TrainingState, fingerprint: str) -> Checkpoint:
    names = (field.name for field in fields(state) if field.name != "best_weights")
    progress = {name: getattr(state, name) for name in names}
    return Checkpoint(
        fingerprint=fingerprint,
        progress=progress,
        variables=[np.asarray(variable) for variable in engine.variables],
        best_weights=state.best_weights,
    )


def _resume(engine: Engine, path: Path | None, fingerprint: str) -> TrainingState:
    """Put the engine and the state where a matching checkpoint left off; else start anew."""
    saved = read_checkpoint(path) if path is not None else None
    if saved is None or saved.fingerprint != fingerprint:
        return TrainingState()
    for variable, value in zip(engine.variables, saved.variables, strict=True):
        variable.assign(value)
    return TrainingState(best_weights=saved.best_weights, **saved.progress)
