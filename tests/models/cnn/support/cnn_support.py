"""A small network and learnable pictures, for tests in any process."""

from __future__ import annotations

import time
from pathlib import Path
from unittest import mock

import numpy as np

from mien.models.cnn.classifier import CNNClassifier
from mien.models.cnn.layer_kit import StandardLayers
from mien.models.cnn.networks import NETWORKS
from mien.models.cnn.runtime import load_keras


def build_tiny_network(
    n_classes=7, *, width=1.0, dropout=0.25, dense_dropout=0.5, momentum=0.99, kit=None
):
    keras, kit = load_keras(), kit or StandardLayers()
    inputs = keras.Input((48, 48, 1), dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = keras.layers.Conv2D(round(4 * width), 3, strides=4)(x)
    x = keras.layers.Activation("relu")(kit.normalise(x, momentum))
    x = keras.layers.Flatten()(keras.layers.Dropout(dropout)(x))
    x = keras.layers.Dense(n_classes)(keras.layers.Dropout(dense_dropout)(x))
    ending = "linear" if kit.logits else "softmax"
    return keras.Model(inputs, keras.layers.Activation(ending, dtype="float32")(x))


class TinyClassifier(CNNClassifier):
    """The classifier with a network that trains in milliseconds."""

    def fit(self, X, y, groups=None, **options):
        with mock.patch.dict(NETWORKS, fer2013=build_tiny_network):
            return super().fit(X, y, groups, **options)


def make_pictures(n, *, seed=0, classes=("happy", "angry", "sad")):
    """Make noise with a bright band, whose height in the picture tells the class."""
    rng = np.random.default_rng(seed)
    codes = np.arange(n) % len(classes)
    pictures = rng.integers(0, 120, (n, 48, 48), dtype=np.uint8)
    for row, code in enumerate(codes):
        pictures[row, 16 * code : 16 * code + 16] += 100
    return pictures, np.array(classes)[codes]


def train_and_hang(checkpoint: str, hang_after: int) -> None:
    """Train; after some epochs say so and wait to be killed."""

    def hang(epoch, _logs):
        if epoch == hang_after:
            print("ready", flush=True)
            time.sleep(120)

    pictures, labels = make_pictures(60)
    TinyClassifier(epochs=5, patience=5).fit(
        pictures, labels, checkpoint=Path(checkpoint), on_epoch=hang
    )
