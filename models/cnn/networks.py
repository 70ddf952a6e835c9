"""The two convolutional networks of the thesis, for 48 x 48 grey faces.

Four blocks of 64, 128, 256 and 512 filters. A block is two three-tap convolutions (a column of
three, then a row of three), batch normalisation, ReLU, 2 x 2 max pooling and dropout. Then come
dense layers, each with batch normalisation, ReLU and dropout, and a softmax over the classes.

Notes
-----
Every convolution and every dense layer has a bias, also where batch normalisation makes it
redundant: the parameter counts of the thesis (3,931,975 and 4,062,535 with seven classes) hold
only so. Where we had to choose:

- The thesis gives the size of the kernels (three taps), not their order: 3 x 1 then 1 x 3 is ours.
- The thesis gives no dropout rates: a quarter after each block, half after each dense layer.
  A rate is the share of values that is *dropped*.
- The last layer is a softmax; the thesis's text says ReLU in one place, its formulas softmax.
- Pixels are divided by 255 inside the network, so it takes the bytes of a picture as they are.

References
----------
Patil, "Facial Emotion Recognition Using Deep Learning", California State University, Northridge,
2023, figures 3.7 and 3.8.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mien.models.cnn.runtime import load_keras

INPUT_SHAPE = (48, 48, 1)
"""Height, width and channels of a picture."""

BLOCK_FILTERS = (64, 128, 256, 512)
"""Filters of the convolutional blocks, in order."""

DEFAULT_DROPOUT = 0.25
DEFAULT_DENSE_DROPOUT = 0.5
DEFAULT_MOMENTUM = 0.99

NetworkBuilder = Callable[..., Any]
"""``builder(n_classes, *, dropout, dense_dropout, momentum)``, an uncompiled ``keras.Model``."""


def build_fer2013_network(
    n_classes: int = 7,
    *,
    dropout: float = DEFAULT_DROPOUT,
    dense_dropout: float = DEFAULT_DENSE_DROPOUT,
    momentum: float = DEFAULT_MOMENTUM,
) -> Any:
    """Build the network that the thesis trained on FER2013 (figure 3.7).

    Parameters
    ----------
    n_classes : int
        Width of the softmax.
    dropout : float
        Share of the values dropped after each convolutional block, from 0 to below 1.
    dense_dropout : float
        Share of the values dropped after the dense layer of 512.
    momentum : float
        Of the moving averages in batch normalisation, from 0 to below 1.

    Returns
    -------
    keras.Model
        Takes uint8 of shape (n, 48, 48, 1), values 0 to 255; returns float32 probabilities of
        shape (n, n_classes). With seven classes it has 3,931,975 parameters, 3,929,031 of them
        trainable.
    """
    return _build("fer2013", n_classes, (512,), dropout, dense_dropout, momentum)


def build_ckplus_network(
    n_classes: int = 7,
    *,
    dropout: float = DEFAULT_DROPOUT,
    dense_dropout: float = DEFAULT_DENSE_DROPOUT,
    momentum: float = DEFAULT_MOMENTUM,
) -> Any:
    """Build the network that the thesis trained on CK+ (figure 3.8): one dense layer more.

    Parameters
    ----------
    n_classes : int
        Width of the softmax.
    dropout : float
        Share of the values dropped after each convolutional block, from 0 to below 1.
    dense_dropout : float
        Share of the values dropped after the dense layers of 512 and 256.
    momentum : float
        Of the moving averages in batch normalisation, from 0 to below 1.

    Returns
    -------
    keras.Model
        Takes uint8 of shape (n, 48, 48, 1), values 0 to 255; returns float32 probabilities of
        shape (n, n_classes). With seven classes it has 4,062,535 parameters, 4,059,079 of them
        trainable.
    """
    return _build("ckplus", n_classes, (512, 256), dropout, dense_dropout, momentum)


NETWORKS: dict[str, NetworkBuilder] = {
    "fer2013": build_fer2013_network,
    "ckplus": build_ckplus_network,
}
"""Builders by the name that :class:`~mien.models.cnn.classifier.CNNClassifier` takes."""


def get_network(name: str) -> NetworkBuilder:
    """Return a network's builder by name.

    Raises
    ------
    ValueError
        When no network has this name.
    """
    try:
        return NETWORKS[name]
    except KeyError:
        known = ", ".join(sorted(NETWORKS))
        raise ValueError(f"network must be one of {known}; got {name!r}.") from None


def _build(
    name: str,
    n_classes: int,
    widths: tuple[int, ...],
    dropout: float,
    dense_dropout: float,
    momentum: float,
) -> Any:
    keras = load_keras()
    layers = keras.layers
    inputs = keras.Input(INPUT_SHAPE, dtype="uint8", name="pixels")
    x = layers.Rescaling(1 / 255, name="scale")(inputs)
    for filters in BLOCK_FILTERS:
        x = _add_block(layers, x, filters, dropout, momentum)
    x = layers.Flatten(data_format="channels_last")(x)
    for width in widths:
        x = _add_dense(layers, x, width, dense_dropout, momentum)
    x = layers.Dense(n_classes)(x)
    outputs = layers.Activation("softmax", dtype="float32", name="probabilities")(x)
    return keras.Model(inputs, outputs, name=name)


def _add_block(layers: Any, x: Any, filters: int, dropout: float, momentum: float) -> Any:
    options = {"padding": "same", "data_format": "channels_last"}
    x = layers.Conv2D(filters, (3, 1), **options)(x)
    x = layers.Conv2D(filters, (1, 3), **options)(x)
    x = layers.BatchNormalization(momentum=momentum)(x)
    x = layers.Activation("relu")(x)
    x = layers.MaxPooling2D((2, 2), data_format="channels_last")(x)
    return layers.Dropout(dropout)(x)


def _add_dense(layers: Any, x: Any, width: int, dropout: float, momentum: float) -> Any:
    x = layers.Dense(width)(x)
    x = layers.BatchNormalization(momentum=momentum)(x)
    x = layers.Activation("relu")(x)
    return layers.Dropout(dropout)(x)
