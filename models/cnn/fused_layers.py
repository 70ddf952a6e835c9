"""Layers that compute what the networks' standard layers do, in fewer passes over memory.

They hold the same variables in the same order as the standard layers, so that weights go from one
network to the other as they are. They are for training; what is saved has standard layers only.
"""

from __future__ import annotations

from typing import Any

from mien.models.cnn.runtime import load_keras

_layers: Any = load_keras().layers
import tensorflow as tf  # noqa: E402  (after its start messages are held back)


class SmallMapConvolution(_layers.Conv2D):
    """``Conv2D`` of stride 1 and same padding whose kernel's gradient is a product a tap.

    On maps of a few pixels TensorFlow's own takes several times as long as the convolution. The
    gradient at a tap is the product of the inputs that it sees with the gradient of the outputs.
    """

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        """Convolve, shape (n, height, width, channels) to (n, height, width, filters)."""
        return _convolve_small(inputs, tf.convert_to_tensor(kernel))


@tf.custom_gradient
def _convolve_small(inputs: Any, kernel: Any) -> Any:
    def differentiate(outer: Any) -> tuple[Any, Any]:
        backward = tf.raw_ops.Conv2DBackpropInput(
            input_sizes=tf.shape(inputs), filter=kernel, out_backprop=outer, strides=[1, 1, 1, 1],
            padding="SAME",
        )  # fmt: skip
        height, width, channels = inputs.shape[1:]
        rows, columns, _, filters = kernel.shape
        margins = [(rows // 2, rows // 2), (columns // 2, columns // 2)]
        padded = tf.pad(inputs, [(0, 0), *margins, (0, 0)])
        flat = tf.reshape(outer, (-1, filters))
        taps = [
            tf.matmul(
                tf.reshape(padded[:, i : i + height, j : j + width], (-1, channels)),
                flat,
                transpose_a=True,
            )
            for i in range(rows)
            for j in range(columns)
        ]
        return backward, tf.reshape(tf.stack(taps), kernel.shape)

    return tf.nn.conv2d(inputs, kernel, 1, "SAME"), differentiate


class FactorisedConvolution(_layers.Layer):
    """A column of three taps, then a row of three, without anything between them: one 3 x 3 kernel.

    Both are linear, so their composition is a 3 x 3 convolution whose kernel is the product of
    theirs. For as many input channels as half the filters it costs the same products, for fewer
    channels less, and the picture between the two is never written. The column's bias counts once
    for each of the row's taps that lies inside the picture: twice in the first and the last
    column, three times elsewhere.

    Parameters
    ----------
    filters : int
    """

    def __init__(self, filters: int, **options: Any) -> None:
        super().__init__(**options)
        self.filters = filters

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Make the variables of two ``Conv2D`` layers, in their order."""
        _, _, columns, channels = input_shape
        self.columns = columns
        options = {"autocast": False}
        filters = self.filters
        self.column = self.add_weight(
            shape=(3, 1, channels, filters), initializer="glorot_uniform", name="column", **options
        )
        self.column_bias = self.add_weight(
            shape=(filters,), initializer="zeros", name="column_bias", **options
        )
        self.row = self.add_weight(
            shape=(1, 3, filters, filters), initializer="glorot_uniform", name="row", **options
        )
        self.row_bias = self.add_weight(
            shape=(filters,), initializer="zeros", name="row_bias", **options
        )

    def call(self, pictures: Any) -> Any:
        """Convolve, shape (n, height, width, channels) to (n, height, width, filters)."""
        filters, row = self.filters, tf.convert_to_tensor(self.row)[0]
        column = tf.convert_to_tensor(self.column)
        channels = column.shape[2]
        product = tf.matmul(tf.reshape(column, (1, 3 * channels, filters)), row)
        kernel = tf.transpose(tf.reshape(product, (3, 3, channels, filters)), (1, 0, 2, 3))
        taps = tf.linalg.matvec(row, self.column_bias, transpose_a=True)
        inside = tf.reduce_sum(taps, axis=0) + self.row_bias
        bias = tf.concat(
            [
                (inside - taps[0])[tf.newaxis],
                tf.tile(inside[tf.newaxis], (self.columns - 2, 1)),
                (inside - taps[2])[tf.newaxis],
            ],
            axis=0,
        )
        convolved = tf.nn.conv2d(pictures, tf.cast(kernel, pictures.dtype), 1, "SAME")
        return convolved + tf.cast(bias, pictures.dtype)


class FusedNormalisation(_layers.Layer):
    """Batch normalisation by TensorFlow's fused kernel, with Keras's moving averages.

    Parameters
    ----------
    momentum : float
        Of the moving averages.
    epsilon : float
        Added to the variance.
    """

    def __init__(self, momentum: float, epsilon: float = 1e-3, **options: Any) -> None:
        super().__init__(**options)
        self.momentum = momentum
        self.epsilon = epsilon

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Make the variables of ``BatchNormalization``, in its order."""
        shape = (input_shape[-1],)
        options = {"autocast": False}
        self.gamma = self.add_weight(shape=shape, initializer="ones", name="gamma", **options)
        self.beta = self.add_weight(shape=shape, initializer="zeros", name="beta", **options)
        self.mean = self.add_weight(
            shape=shape, initializer="zeros", trainable=False, name="mean", **options
        )
        self.variance = self.add_weight(
            shape=shape, initializer="ones", trainable=False, name="variance", **options
        )

    def call(self, values: Any, training: bool = False) -> Any:
        """Normalise the last axis, of (n, channels) or (n, height, width, channels)."""
        flat = len(values.shape) == 2
        maps = values[:, tf.newaxis, tf.newaxis, :] if flat else values
        moving = ([], []) if training else (self.mean.value, self.variance.value)
        normalised, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=maps,
            scale=self.gamma.value,
            offset=self.beta.value,
            mean=moving[0],
            variance=moving[1],
            epsilon=self.epsilon,
            is_training=training,
        )
        if training:
            n = tf.cast(tf.reduce_prod(tf.shape(maps)[:3]), tf.float32)
            biased = variance * (n - 1) / n  # the kernel's is unbiased, Keras's is not
            self.mean.assign(self.mean * self.momentum + mean * (1 - self.momentum))
            self.variance.assign(self.variance * self.momentum + biased * (1 - self.momentum))
        return normalised[:, 0, 0] if flat else normalised
