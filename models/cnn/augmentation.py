"""Training pictures changed at random: mirrored, moved, turned, resized, painted over.

Every draw depends on the seed and the number of the step alone, so a training that was cut off
and gone on with sees the pictures that it would have seen.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np

_SMALLEST_RECTANGLE, _LARGEST_RECTANGLE = 0.125, 0.4
"""Sides of the painted rectangle, as shares of the picture's side."""


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """How strongly pictures are changed; see :class:`mien.models.cnn.presets.TrainingSettings`.

    Attributes
    ----------
    flip, erasing : float
        Probabilities.
    shift : float
        Pixels.
    rotation : float
        Degrees.
    zoom : float
        Relative.
    """

    flip: float = 0.0
    shift: float = 0.0
    rotation: float = 0.0
    zoom: float = 0.0
    erasing: float = 0.0

    @classmethod
    def of(cls, settings: Any) -> Self:
        """Take the attributes of these names from training settings."""
        return cls(**{name: getattr(settings, name) for name in AUGMENTATIONS})

    @property
    def moves(self) -> bool:
        """Whether pictures are resampled."""
        return bool(self.flip or self.shift or self.rotation or self.zoom)

    def apply(self, pictures: Any, seed: Any) -> Any:
        """Change a batch of pictures.

        Pictures turn about their centre. What comes in from outside repeats the nearest pixel.

        Parameters
        ----------
        pictures : tf.Tensor of uint8, shape (n, height, width, 1)
        seed : tf.Tensor of int32, shape (2,)

        Returns
        -------
        tf.Tensor of uint8, shape (n, height, width, 1)
        """
        if self.moves:
            pictures = self._move(pictures, seed)
        if self.erasing:
            pictures = self._erase(pictures, seed)
        return pictures

    def _move(self, pictures: Any, seed: Any) -> Any:
        import tensorflow as tf

        draw = _Draws(seed, tf.shape(pictures)[0])
        height, width = pictures.shape[1:3]
        angle = draw(0, -self.rotation, self.rotation) * (np.pi / 180)
        scale = tf.exp(draw(1, -1, 1) * np.log1p(self.zoom))
        across, down = draw(2, -self.shift, self.shift), draw(3, -self.shift, self.shift)
        mirror = tf.where(draw(4, 0, 1) < self.flip, -1.0, 1.0)
        cos, sin = scale * tf.cos(angle), scale * tf.sin(angle)
        x, y = (width - 1) / 2, (height - 1) / 2
        none = tf.zeros_like(angle)
        transforms = tf.stack(
            [
                cos * mirror, -sin, x + across - cos * mirror * x + sin * y,
                sin * mirror, cos, y + down - sin * mirror * x - cos * y,
                none, none,
            ],
            axis=1,
        )  # fmt: skip
        return tf.raw_ops.ImageProjectiveTransformV3(
            images=pictures, transforms=transforms, output_shape=(height, width),
            interpolation="BILINEAR", fill_mode="NEAREST", fill_value=0.0,
        )  # fmt: skip

    def _erase(self, pictures: Any, seed: Any) -> Any:
        import tensorflow as tf

        draw = _Draws(seed, tf.shape(pictures)[0])
        inside = [
            _within(
                side,
                centre=draw(5 + axis, 0, side),
                length=draw(7 + axis, _SMALLEST_RECTANGLE * side, _LARGEST_RECTANGLE * side),
            )
            for axis, side in enumerate(pictures.shape[1:3])
        ]
        chosen = (draw(9, 0, 1) < self.erasing)[:, tf.newaxis, tf.newaxis]
        painted = inside[0][:, :, tf.newaxis] & inside[1][:, tf.newaxis, :] & chosen
        grey = tf.cast(draw(10, 0, 256), tf.uint8)[:, tf.newaxis, tf.newaxis, tf.newaxis]
        return tf.where(painted[..., tf.newaxis], grey, pictures)


AUGMENTATIONS: tuple[str, ...] = tuple(field.name for field in fields(Augmentation))
"""The settings that change pictures."""


class _Draws:
    """Uniform numbers, one a picture, different for each place that asks."""

    def __init__(self, seed: Any, n: Any) -> None:
        self._seed, self._n = seed, n

    def __call__(self, place: int, low: float, high: float) -> Any:
        import tensorflow as tf

        own = tf.random.experimental.stateless_fold_in(self._seed, place)
        return tf.random.stateless_uniform((self._n,), own, float(low), float(high))


def _within(side: int, *, centre: Any, length: Any) -> Any:
    import tensorflow as tf

    distance = tf.abs(tf.range(side, dtype=tf.float32) + 0.5 - centre[:, tf.newaxis])
    return distance < length[:, tf.newaxis] / 2
