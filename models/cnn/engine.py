"""A network compiled for training once, and used for any number of trainings."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from mien.models.cnn.augmentation import Augmentation
from mien.models.cnn.layer_kit import FusedLayers, StandardLayers
from mien.models.cnn.networks import Architecture, NetworkBuilder, get_network
from mien.models.cnn.runtime import load_keras, seeded

AVERAGE_EVERY = 4
"""Steps between two updates of the averaged weights: each update reads all of them."""
EVALUATION_BATCH = 256


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is compiled; the rest of the settings can change from training to training.

    Attributes
    ----------
    architecture : Architecture
    precision : {"float32", "bfloat16"}
    weight_decay, label_smoothing : float
    augmentation : Augmentation
    mirror : bool
        Whether evaluation averages the probabilities of a picture and of its mirror image.
    """

    architecture: Architecture
    precision: str
    weight_decay: float
    label_smoothing: float
    augmentation: Augmentation
    mirror: bool


def get_engine(plan: Plan) -> Engine:
    """Return the engine of a plan; the latest is kept, so that folds share it."""
    return _make_engine(plan, get_network(plan.architecture.network))


@functools.lru_cache(maxsize=1)
def _make_engine(plan: Plan, _builder: NetworkBuilder) -> Engine:
    return Engine(plan)


class Engine:
    """A network for training and one for evaluation, an optimiser, and their compiled functions.

    Parameters
    ----------
    plan : Plan
    """

    def __init__(self, plan: Plan) -> None:
        keras = load_keras()
        import tensorflow as tf

        self.plan = plan
        self._tf = tf
        policy = {"float32": "float32", "bfloat16": "mixed_bfloat16"}[plan.precision]
        kept = keras.config.dtype_policy()
        keras.config.set_dtype_policy(policy)
        try:
            self._network = plan.architecture.build(FusedLayers())
            self._evaluated = plan.architecture.build(FusedLayers())
        finally:
            keras.config.set_dtype_policy(kept)
        self._optimiser = self._make_optimiser(keras)
        self._generators = [
            layer.seed_generator.state
            for layer in self._network.layers
            if hasattr(layer, "seed_generator")
        ]
        self._pairs = list(zip(self._evaluated.weights, self._network.weights, strict=True))
        self._step = tf.function(self._train_on_batch, reduce_retracing=True)
        self._average = tf.function(self._move_average)
        self._evaluate = tf.function(self._predict, reduce_retracing=True)

    def _make_optimiser(self, keras: Any) -> Any:
        variables = self._network.trainable_variables
        if self.plan.weight_decay:
            optimiser = keras.optimizers.AdamW(weight_decay=self.plan.weight_decay)
            optimiser.exclude_from_weight_decay([v for v in variables if len(v.shape) < 2])
        else:
            optimiser = keras.optimizers.Adam()
        optimiser.build(variables)
        return optimiser

    @property
    def variables(self) -> list[Any]:
        """All that the course of a training reads and changes, in a fixed order."""
        return [
            *self._network.weights,
            *self._generators,
            *self._optimiser.variables,
            *self._evaluated.weights,
        ]

    def reset(self, seed: int) -> None:
        """Start anew: fresh weights, and nothing left of an earlier training.

        Parameters
        ----------
        seed : int
            Of the first weights and of dropout.
        """
        with seeded(seed):
            fresh = self.plan.architecture.build(StandardLayers())
        self._network.set_weights(fresh.get_weights())
        self._evaluated.set_weights(fresh.get_weights())
        for variable in self._optimiser.variables:
            variable.assign(np.zeros(variable.shape, variable.dtype))
        draws = np.random.default_rng((seed, 1))
        for state in self._generators:
            state.assign(draws.integers(0, 2**31, state.shape, dtype=np.int64).astype("uint32"))

    def train_step(self, batch: Any, *, learning_rate: float) -> tuple[float, int]:
        """Train on one batch.

        Parameters
        ----------
        batch : tuple of tf.Tensor
            Pictures, codes and weights, of :func:`mien.models.cnn.batches.make_batches`.
        learning_rate : float

        Returns
        -------
        loss : float
            Mean over the batch.
        right : int
            Pictures whose class was the most probable, before the step.
        """
        rate = self._tf.constant(learning_rate, self._tf.float32)
        loss, right = self._step(*batch, rate)
        return float(loss), int(right)

    def average(self, decay: float) -> None:
        """Move the evaluated weights towards those in training: ``decay`` of them stays."""
        self._average(self._tf.constant(decay, self._tf.float32))

    def predict_proba(self, pictures: np.ndarray) -> np.ndarray:
        """Return the evaluated weights' probabilities, float32 of shape (n, n_classes)."""
        parts = [
            self._evaluate(self._tf.constant(pictures[start : start + EVALUATION_BATCH])).numpy()
            for start in range(0, len(pictures), EVALUATION_BATCH)
        ]
        return np.concatenate(parts)

    def evaluated_weights(self) -> list[np.ndarray]:
        """Return the evaluated weights, in the order of the standard network's."""
        return self._evaluated.get_weights()

    def _train_on_batch(
        self, pictures: Any, codes: Any, weights: Any, learning_rate: Any
    ) -> tuple[Any, Any]:
        tf = self._tf
        self._optimiser.learning_rate.assign(learning_rate)
        variables = self._network.trainable_variables
        n_classes = self.plan.architecture.n_classes
        smoothing = self.plan.label_smoothing
        wanted = tf.one_hot(codes, n_classes) * (1 - smoothing) + smoothing / n_classes
        with tf.GradientTape() as tape:
            logits = self._network(pictures, training=True)
            losses = tf.nn.softmax_cross_entropy_with_logits(wanted, logits)
            loss = tf.reduce_mean(losses * weights)
        self._optimiser.apply(tape.gradient(loss, variables), variables)
        right = tf.equal(tf.argmax(logits, axis=1, output_type=tf.int32), codes)
        return loss, tf.reduce_sum(tf.cast(right, tf.int32))

    def _move_average(self, decay: Any) -> None:
        for evaluated, trained in self._pairs:
            evaluated.assign(evaluated * decay + trained * (1 - decay))

    def _predict(self, pictures: Any) -> Any:
        tf = self._tf
        probabilities = tf.nn.softmax(self._evaluated(pictures, training=False))
        if self.plan.mirror:
            mirrored = tf.nn.softmax(self._evaluated(pictures[:, :, ::-1], training=False))
            probabilities = (probabilities + mirrored) / 2
        return probabilities
