"""The parts that the networks are built of, as standard Keras layers or as fused ones.

A network is described once. Built with :class:`StandardLayers` it is what is saved and predicts;
built with :class:`FusedLayers` it has the same variables in the same order and the same function,
and trains faster.
"""

from __future__ import annotations

from typing import Any

from mien.models.cnn.runtime import load_keras

_SMALLEST_COMPOSED = 12
"""Pixels along a side: below, the product of two kernels costs more than it saves."""


class StandardLayers:
    """Parts made of Keras's own layers, in float32; the network ends in probabilities."""

    logits = False

    def __init__(self) -> None:
        self._layers = load_keras().layers

    def convolve_factorised(self, x: Any, filters: int) -> Any:
        """Convolve with a column of three taps, then with a row of three, both with a bias."""
        options = {"padding": "same", "data_format": "channels_last"}
        x = self._layers.Conv2D(filters, (3, 1), **options)(x)
        return self._layers.Conv2D(filters, (1, 3), **options)(x)

    def normalise(self, x: Any, momentum: float) -> Any:
        """Normalise each channel over the batch."""
        return self._layers.BatchNormalization(momentum=momentum)(x)

    def rectify_and_pool(self, x: Any) -> Any:
        """Apply ReLU, then 2 x 2 max pooling."""
        x = self._layers.Activation("relu")(x)
        return self._layers.MaxPooling2D((2, 2), data_format="channels_last")(x)


class FusedLayers(StandardLayers):
    """Parts that train faster; the network ends in logits."""

    logits = True

    def convolve_factorised(self, x: Any, filters: int) -> Any:
        """Convolve with the product of both kernels, where that saves time."""
        from mien.models.cnn.fused_layers import FactorisedConvolution

        if x.shape[2] < _SMALLEST_COMPOSED:
            return super().convolve_factorised(x, filters)
        return FactorisedConvolution(filters)(x)

    def normalise(self, x: Any, momentum: float) -> Any:
        """Normalise each channel over the batch."""
        from mien.models.cnn.fused_layers import FusedNormalisation

        return FusedNormalisation(momentum)(x)

    def rectify_and_pool(self, x: Any) -> Any:
        """Apply 2 x 2 max pooling, then ReLU: the same, of a quarter of the values."""
        x = self._layers.MaxPooling2D((2, 2), data_format="channels_last")(x)
        return self._layers.Activation("relu")(x)
