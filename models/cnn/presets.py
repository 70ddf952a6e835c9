"""Named training settings: what the thesis says, and the values it leaves open."""

from __future__ import annotations

from dataclasses import dataclass

from mien.errors import MienError
from mien.models.cnn.networks import (
    DEFAULT_DENSE_DROPOUT,
    DEFAULT_DROPOUT,
    DEFAULT_MOMENTUM,
)


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """How a network is built and trained. The defaults are the preset ``thesis``.

    Attributes
    ----------
    network : str
        Name in :data:`mien.models.cnn.networks.NETWORKS`.
    learning_rate : float
        Step size of Adam, constant over the training.
    batch_size : int
        Pictures in one step.
    epochs : int
        Upper limit; early stopping may end the training before.
    min_delta : float
        Smallest fall of the validation loss that counts as an improvement.
    patience : int
        Epochs in a row without improvement after which training stops. The thesis does not give
        it. Keras's own default ends a run on the first rise of a loss that rises often at this
        learning rate; ours is 5.
    validation_fraction : float
        Share of the training rows held back to watch the loss, between 0 and 1. Test rows are
        never among them.
    dropout : float
        Share of the values dropped after each convolutional block.
    dense_dropout : float
        Share of the values dropped after each dense layer.
    momentum : float
        Of the moving averages in batch normalisation, which prediction uses. The thesis does not
        give it; ours is Keras's. A training of fewer than some hundred steps needs a lower one:
        after 100 steps at 0.99 a third of the averages is still their start value.

    Raises
    ------
    ValueError
        On construction, naming every setting that is out of its range.
    """

    network: str = "fer2013"
    learning_rate: float = 0.01
    batch_size: int = 32
    epochs: int = 25
    min_delta: float = 0.0001
    patience: int = 5
    validation_fraction: float = 0.2
    dropout: float = DEFAULT_DROPOUT
    dense_dropout: float = DEFAULT_DENSE_DROPOUT
    momentum: float = DEFAULT_MOMENTUM

    def __post_init__(self) -> None:
        rules = {
            "learning_rate": (self.learning_rate > 0, "above 0"),
            "batch_size": (self.batch_size >= 1, "at least 1"),
            "epochs": (self.epochs >= 1, "at least 1"),
            "min_delta": (self.min_delta >= 0, "at least 0"),
            "patience": (self.patience >= 1, "at least 1"),
            "validation_fraction": (0 < self.validation_fraction < 1, "between 0 and 1"),
            "dropout": (0 <= self.dropout < 1, "from 0 to below 1"),
            "dense_dropout": (0 <= self.dense_dropout < 1, "from 0 to below 1"),
            "momentum": (0 <= self.momentum < 1, "from 0 to below 1"),
        }
        problems = [
            f"{name} must be {rule}, got {getattr(self, name)!r}"
            for name, (holds, rule) in rules.items()
            if not holds
        ]
        if problems:
            raise ValueError("; ".join(problems) + ".")


PRESETS: dict[str, TrainingSettings] = {"thesis": TrainingSettings()}
"""Settings by name. ``thesis``: Adam at 0.01, batches of 32, up to 25 epochs, a fifth of the
training rows for validation, early stopping at a min_delta of 0.0001. Its CK+ runs differ in the
network only: ``dataclasses.replace(PRESETS["thesis"], network="ckplus")``."""


def get_preset(name: str) -> TrainingSettings:
    """Return the settings of this name.

    Raises
    ------
    MienError
        When there is no such preset.
    """
    if name not in PRESETS:
        raise MienError(
            f"There is no training preset {name!r}.", f"Presets: {', '.join(sorted(PRESETS))}."
        )
    return PRESETS[name]
