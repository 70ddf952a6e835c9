"""The parts that the networks are built of, as standard Keras layers or as fused ones.

A network is described once. Built with :class:`StandardLayers` it is what is saved and predicts;
built with :class:`FusedLayers` it has the same variables in the same order and the same function,
and trains faster.
"""

from __future__ import annotations

from typing import Any

from mien.models.cnn.runtime import load_keras

_SMALL = 12
"""Pixels along a side. Below, a product of two kernels costs more than it saves, and a kernel's
gradient is quicker tap by tap."""


_OPTIONS = {"padding": "same", "data_format": "channels_last"}


class StandardLayers:
    """Parts made of Keras's own layers, in float32; the network ends in probabilities."""

    logits = False

    def __init__(self) -> None:
        self._layers = load_keras().layers

    def convolve_factorised(self, x: Any, filters: int) -> Any:
        """Convolve with a column of three taps, then with a row of three, both with a bias."""
        x = self._conv_layer(x, 1)(filters, (3, 1), **_OPTIONS)(x)
        return self._conv_layer(x, 1)(filters, (1, 3), **_OPTIONS)(x)

    def convolve(self, x: Any, filters: int, *, stride: int = 1) -> Any:
        """Convolve with 3 x 3 taps and no bias."""
        layer = self._conv_layer(x, stride)
        initial = "he_normal"
        return layer(
            filters, 3, strides=stride, use_bias=False, kernel_initializer=initial, **_OPTIONS
        )(x)

    def _conv_layer(self, x: Any, stride: int) -> Any:  # noqa: ARG002
        """Return the class of a convolution of these maps."""
        return self._layers.Conv2D

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

        if x.shape[2] < _SMALL:
            return super().convolve_factorised(x, filters)
        return FactorisedConvolution(filters)(x)

    def _conv_layer(self, x: Any, stride: int) -> Any:
        """Return the class of a convolution of these maps."""
        from mien.models.cnn.fused_layers import SmallMapConvolution

        return SmallMapConvolution if stride == 1 and x.shape[2] < _SMALL else self._layers.Conv2D

    def normalise(self, x: Any, momentum: float) -> Any:
        """Normalise each channel over the batch."""
        from mien.models.cnn.fused_layers import FusedNormalisation

        return FusedNormalisation(momentum)(x)

    def rectify_and_pool(self, x: Any) -> Any:
        """Apply 2 x 2 max pooling, then ReLU: the same, of a quarter of the values."""
        x = self._layers.MaxPooling2D((2, 2), data_format="channels_last")(x)
        return self._layers.Activation("relu")(x)
