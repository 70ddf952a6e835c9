"""What a network's training says while it goes on, as lines for a reader."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mien.experiments.durations import tell_time_left


class TrainingNotes:
    """Turns the news of a network's training into lines.

    Parameters
    ----------
    epochs : int
        The training's upper limit.
    tell : callable
        Called with each line.
    resumed : bool
        Whether the training may go on from a checkpoint, at an epoch that its first news tells.
    """

    def __init__(self, epochs: int, tell: Callable[[str], None], *, resumed: bool = False) -> None:
        self._epochs = epochs
        self._tell = tell
        self._done: int | None = None if resumed else 0
        self._validation: float | None = None

    def epoch(self, epoch: int, logs: Mapping[str, float]) -> None:
        """Tell of an epoch that is done: ``epoch 3/50, loss 1.200, accuracy 54.0%``."""
        self._done = epoch
        self._validation = logs.get("val_accuracy")
        self._write(f"epoch {epoch}/{self._epochs}", logs)

    def step(self, share: float, logs: Mapping[str, float]) -> None:
        """Tell of steps inside the epoch after the last that is done."""
        if self._done is None:
            self._write(f"{share:.0%} of the training", logs)
        else:
            self._write(f"epoch {min(self._done + 1, self._epochs)}/{self._epochs}", logs)

    def _write(self, place: str, logs: Mapping[str, float]) -> None:
        parts = [place, f"loss {logs['loss']:.3f}"]
        if "accuracy" in logs:
            parts.append(f"accuracy {logs['accuracy']:.1%}")
        if self._validation is not None:
            parts.append(f"validation accuracy {self._validation:.1%}")
        parts.append(tell_time_left(logs.get("seconds_left", float("nan"))))
        self._tell(", ".join(filter(None, parts)))
