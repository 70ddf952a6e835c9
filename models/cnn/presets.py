"""Named training settings: what the thesis says, and how to train as well as we can."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from mien.errors import MienError
from mien.models.cnn.networks import (
    DEFAULT_DENSE_DROPOUT,
    DEFAULT_DROPOUT,
    DEFAULT_MOMENTUM,
)

SCHEDULES = ("constant", "cosine")
CLASS_WEIGHTS = ("none", "balanced")
MIRRORS = ("none", "average")
PRECISIONS = ("auto", "float32", "bfloat16")


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """How a network is built and trained. The defaults are the preset ``thesis``.

    Attributes
    ----------
    network : str
        Name in :data:`mien.models.cnn.networks.NETWORKS`.
    width : float
        Factor on the number of filters and of dense units.
    learning_rate : float
        Step size of Adam; with a cosine schedule, the largest.
    schedule : {"constant", "cosine"}
        ``cosine`` rises in a straight line over the first ``warmup`` of the training, then falls
        along half a cosine to 0 at its end.
    warmup : float
        Share of the training.
    weight_decay : float
        Decoupled from the gradient (AdamW), times the learning rate, on kernels only; 0 is Adam.
    batch_size : int
        Pictures in one step.
    epochs : int
        Upper limit; early stopping and the time budget may end the training before.
    time_budget : float
        Seconds that the training may take, validation included; 0 is no limit. The schedule is
        fitted to what ends first, the epochs or the time.
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
    label_smoothing : float
        Share of each label's weight that is spread evenly over all classes.
    class_weight : {"none", "balanced"}
        ``balanced`` weights each picture by the inverse frequency of its class.
    flip : float
        Probability that a training picture is mirrored.
    shift : float
        Largest shift of a training picture along each axis, in pixels.
    rotation : float
        Largest rotation of a training picture in its plane, in degrees.
    zoom : float
        Largest relative change of a training picture's size: 0.1 is 1 / 1.1 to 1.1 times.
    erasing : float
        Probability that a rectangle of a training picture is painted over with one grey.
    averaging : float
        Decay, for each step, of the exponential moving average of the weights that is validated
        and kept; 0 keeps the weights themselves.
    mirror : {"none", "average"}
        ``average`` predicts the mean of the probabilities of a picture and of its mirror image.
    precision : {"auto", "float32", "bfloat16"}
        Of the training's products and activations; weights, normalisation statistics and the loss
        are always float32, and so is prediction. ``auto`` takes bfloat16 where a measured probe
        says that this machine is faster with it.

    Raises
    ------
    ValueError
        On construction, naming every setting that is out of its range.
    """

    network: str = "fer2013"
    width: float = 1.0
    learning_rate: float = 0.01
    schedule: str = "constant"
    warmup: float = 0.0
    weight_decay: float = 0.0
    batch_size: int = 32
    epochs: int = 25
    time_budget: float = 0.0
    min_delta: float = 0.0001
    patience: int = 5
    validation_fraction: float = 0.2
    dropout: float = DEFAULT_DROPOUT
    dense_dropout: float = DEFAULT_DENSE_DROPOUT
    momentum: float = DEFAULT_MOMENTUM
    label_smoothing: float = 0.0
    class_weight: str = "none"
    flip: float = 0.0
    shift: float = 0.0
    rotation: float = 0.0
    zoom: float = 0.0
    erasing: float = 0.0
    averaging: float = 0.0
    mirror: str = "none"
    precision: str = "float32"

    def __post_init__(self) -> None:
        problems = [
            f"{name} must be {rule}, got {getattr(self, name)!r}"
            for name, (holds, rule) in _RULES.items()
            if not holds(getattr(self, name))
        ]
        if problems:
            raise ValueError("; ".join(problems) + ".")


_Rule = tuple[Callable[[Any], bool], str]
_BELOW_1: _Rule = (lambda value: 0 <= value < 1, "from 0 to below 1")
_SHARE: _Rule = (lambda value: 0 <= value <= 1, "from 0 to 1")
_AT_LEAST_0: _Rule = (lambda value: value >= 0, "at least 0")
_AT_LEAST_1: _Rule = (lambda value: value >= 1, "at least 1")
_ABOVE_0: _Rule = (lambda value: value > 0, "above 0")


def _one_of(names: tuple[str, ...]) -> _Rule:
    return (lambda value: value in names, f"one of {', '.join(names)}")


_RULES: dict[str, _Rule] = {
    "width": _ABOVE_0,
    "learning_rate": _ABOVE_0,
    "schedule": _one_of(SCHEDULES),
    "warmup": _BELOW_1,
    "weight_decay": _AT_LEAST_0,
    "batch_size": _AT_LEAST_1,
    "epochs": _AT_LEAST_1,
    "time_budget": _AT_LEAST_0,
    "min_delta": _AT_LEAST_0,
    "patience": _AT_LEAST_1,
    "validation_fraction": (lambda value: 0 < value < 1, "between 0 and 1"),
    "dropout": _BELOW_1,
    "dense_dropout": _BELOW_1,
    "momentum": _BELOW_1,
    "label_smoothing": _BELOW_1,
    "class_weight": _one_of(CLASS_WEIGHTS),
    "flip": _SHARE,
    "shift": (lambda value: 0 <= value <= 24, "from 0 to 24"),
    "rotation": (lambda value: 0 <= value <= 180, "from 0 to 180"),
    "zoom": _BELOW_1,
    "erasing": _SHARE,
    "averaging": _BELOW_1,
    "mirror": _one_of(MIRRORS),
    "precision": _one_of(PRECISIONS),
}

_MODERN = TrainingSettings(
    learning_rate=0.002,
    schedule="cosine",
    warmup=0.05,
    weight_decay=0.05,
    batch_size=128,
    epochs=80,
    patience=20,
    validation_fraction=0.1,
    dropout=0.1,
    dense_dropout=0.3,
    momentum=0.9,
    label_smoothing=0.1,
    flip=0.5,
    shift=4.0,
    rotation=12.0,
    zoom=0.1,
    erasing=0.25,
    averaging=0.995,
    mirror="average",
    precision="auto",
)

PRESETS: dict[str, TrainingSettings] = {
    "thesis": TrainingSettings(),
    "modern": _MODERN,
    "compact": replace(_MODERN, network="compact", epochs=36),
}
"""Settings by name.

``thesis``: Adam at 0.01, batches of 32, up to 25 epochs, a fifth of the training rows for
validation, early stopping at a min_delta of 0.0001. Its CK+ runs differ in the network only:
``dataclasses.replace(PRESETS["thesis"], network="ckplus")``.

``modern``: the same network, trained as well as we can. ``compact``: our own network, in the same
way for less than half of the epochs.
"""


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
