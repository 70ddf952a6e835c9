"""The networks for 48 x 48 grey faces: the two of the thesis, and a compact one of our own.

The thesis's: four blocks of 64, 128, 256 and 512 filters. A block is two three-tap convolutions (a
column of three, then a row of three), batch normalisation, ReLU, 2 x 2 max pooling and dropout.
Then come dense layers, each with batch normalisation, ReLU and dropout, and a softmax over the
classes.

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
from dataclasses import dataclass
from typing import Any

from mien.models.cnn.layer_kit import StandardLayers
from mien.models.cnn.runtime import load_keras

INPUT_SHAPE = (48, 48, 1)
"""Height, width and channels of a picture."""

BLOCK_FILTERS = (64, 128, 256, 512)
"""Filters of the thesis's convolutional blocks, in order."""

COMPACT_FILTERS = (64, 128, 256)
"""Filters of the compact network's stages, in order."""

DEFAULT_DROPOUT = 0.25
DEFAULT_DENSE_DROPOUT = 0.5
DEFAULT_MOMENTUM = 0.99

NetworkBuilder = Callable[..., Any]
"""``builder(n_classes, *, width, dropout, dense_dropout, momentum, kit)``, an uncompiled
``keras.Model``; all but the first have defaults."""


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """All that a network is built from.

    Attributes
    ----------
    network : str
        Name in :data:`NETWORKS`.
    n_classes : int
    width : float
        Factor on the filters and the dense units.
    dropout, dense_dropout : float
        Share of the values dropped after each block, and before the last layer or after each dense
        one.
    momentum : float
        Of the moving averages in batch normalisation.
    """

    network: str
    n_classes: int
    width: float
    dropout: float
    dense_dropout: float
    momentum: float

    def build(self, kit: StandardLayers | None = None) -> Any:
        """Build the ``keras.Model``, of standard layers unless another kit is given."""
        return get_network(self.network)(
            self.n_classes,
            width=self.width,
            dropout=self.dropout,
            dense_dropout=self.dense_dropout,
            momentum=self.momentum,
            kit=kit,
        )


def build_fer2013_network(
    n_classes: int = 7,
    *,
    width: float = 1.0,
    dropout: float = DEFAULT_DROPOUT,
    dense_dropout: float = DEFAULT_DENSE_DROPOUT,
    momentum: float = DEFAULT_MOMENTUM,
    kit: StandardLayers | None = None,
) -> Any:
    """Build the network that the thesis trained on FER2013 (figure 3.7).

    Parameters
    ----------
    n_classes : int
        Width of the softmax.
    width : float
        Factor on the filters and the dense units.
    dropout : float
        Share of the values dropped after each convolutional block, from 0 to below 1.
    dense_dropout : float
        Share of the values dropped after the dense layer of 512.
    momentum : float
        Of the moving averages in batch normalisation, from 0 to below 1.
    kit : StandardLayers, optional
        Makes the layers; Keras's own by default.

    Returns
    -------
    keras.Model
        Takes uint8 of shape (n, 48, 48, 1), values 0 to 255; returns float32 probabilities of
        shape (n, n_classes). With seven classes it has 3,931,975 parameters, 3,929,031 of them
        trainable.
    """
    rates = (dropout, dense_dropout, momentum)
    return _build_thesis("fer2013", n_classes, (512,), width, rates, kit or StandardLayers())


def build_ckplus_network(
    n_classes: int = 7,
    *,
    width: float = 1.0,
    dropout: float = DEFAULT_DROPOUT,
    dense_dropout: float = DEFAULT_DENSE_DROPOUT,
    momentum: float = DEFAULT_MOMENTUM,
    kit: StandardLayers | None = None,
) -> Any:
    """Build the network that the thesis trained on CK+ (figure 3.8): one dense layer more.

    Parameters
    ----------
    n_classes, width, dropout, dense_dropout, momentum, kit
        See :func:`build_fer2013_network`; the dense layers are of 512 and 256.

    Returns
    -------
    keras.Model
        Takes uint8 of shape (n, 48, 48, 1), values 0 to 255; returns float32 probabilities of
        shape (n, n_classes). With seven classes it has 4,062,535 parameters, 4,059,079 of them
        trainable.
    """
    rates = (dropout, dense_dropout, momentum)
    return _build_thesis("ckplus", n_classes, (512, 256), width, rates, kit or StandardLayers())


def build_compact_network(
    n_classes: int = 7,
    *,
    width: float = 1.0,
    dropout: float = 0.0,
    dense_dropout: float = DEFAULT_DENSE_DROPOUT,
    momentum: float = DEFAULT_MOMENTUM,
    kit: StandardLayers | None = None,
) -> Any:
    """Build a small residual network that learns more in a minute than the thesis's.

    A 3 x 3 convolution at full size, then three stages of 64, 128 and 256 filters, each a
    convolution of stride 2 and a residual block of two convolutions; global average pooling and
    one dense layer. Each convolution is 3 x 3, without bias, and followed by batch normalisation.

    Parameters
    ----------
    n_classes : int
        Width of the softmax.
    width : float
        Factor on the filters.
    dropout : float
        Share of the values dropped after each stage.
    dense_dropout : float
        Share of the pooled values dropped before the last layer.
    momentum : float
        Of the moving averages in batch normalisation, from 0 to below 1.
    kit : StandardLayers, optional
        Makes the layers; Keras's own by default.

    Returns
    -------
    keras.Model
        Takes uint8 of shape (n, 48, 48, 1), values 0 to 255; returns float32 probabilities of
        shape (n, n_classes). With seven classes it has 1,942,951 parameters, half of the thesis's,
        and 160 million multiplications a picture, as many as the thesis's (159 million).

    References
    ----------
    He, Zhang, Ren and Sun, "Deep residual learning for image recognition", CVPR 2016.
    """
    kit = kit or StandardLayers()
    keras = load_keras()
    layers = keras.layers
    inputs = keras.Input(INPUT_SHAPE, dtype="uint8", name="pixels")
    x = layers.Rescaling(1 / 127.5, offset=-1, name="scale")(inputs)
    first, *_ = filters = [_scale(n, width) for n in COMPACT_FILTERS]
    x = _convolve(layers, kit, x, max(1, first // 2), momentum)
    for own in filters:
        x = _convolve(layers, kit, x, own, momentum, stride=2)
        x = _add_residual(layers, kit, x, own, momentum)
        x = layers.Dropout(dropout)(x)
    x = layers.GlobalAveragePooling2D(data_format="channels_last")(x)
    x = layers.Dropout(dense_dropout)(x)
    return _finish(keras, "compact", inputs, x, n_classes, kit)


NETWORKS: dict[str, NetworkBuilder] = {
    "fer2013": build_fer2013_network,
    "ckplus": build_ckplus_network,
    "compact": build_compact_network,
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


def _build_thesis(
    name: str,
    n_classes: int,
    units: tuple[int, ...],
    width: float,
    rates: tuple[float, float, float],
    kit: StandardLayers,
) -> Any:
    keras = load_keras()
    layers = keras.layers
    dropout, dense_dropout, momentum = rates
    inputs = keras.Input(INPUT_SHAPE, dtype="uint8", name="pixels")
    x = layers.Rescaling(1 / 255, name="scale")(inputs)
    for filters in BLOCK_FILTERS:
        x = kit.convolve_factorised(x, _scale(filters, width))
        x = kit.rectify_and_pool(kit.normalise(x, momentum))
        x = layers.Dropout(dropout)(x)
    x = layers.Flatten(data_format="channels_last")(x)
    for own in units:
        x = kit.normalise(layers.Dense(_scale(own, width))(x), momentum)
        x = layers.Dropout(dense_dropout)(layers.Activation("relu")(x))
    return _finish(keras, name, inputs, x, n_classes, kit)


def _finish(keras: Any, name: str, inputs: Any, x: Any, n_classes: int, kit: StandardLayers) -> Any:
    x = keras.layers.Dense(n_classes)(x)
    ending = "linear" if kit.logits else "softmax"
    outputs = keras.layers.Activation(ending, dtype="float32", name="outputs")(x)
    return keras.Model(inputs, outputs, name=name)


def _scale(units: int, width: float) -> int:
    """Return a layer's units: exact at width 1, else a multiple of 8 that vector units like."""
    return units if width == 1 else max(8, 8 * round(units * width / 8))


def _convolve(
    layers: Any, kit: StandardLayers, x: Any, filters: int, momentum: float, *, stride: int = 1
) -> Any:
    x = kit.normalise(kit.convolve(x, filters, stride=stride), momentum)
    return layers.Activation("relu")(x)


def _add_residual(layers: Any, kit: StandardLayers, x: Any, filters: int, momentum: float) -> Any:
    y = _convolve(layers, kit, x, filters, momentum)
    y = kit.normalise(kit.convolve(y, filters), momentum)
    return layers.Activation("relu")(layers.Add()([x, y]))
