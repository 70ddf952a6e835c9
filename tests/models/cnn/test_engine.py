import dataclasses
from unittest import mock

import numpy as np
import pytest

from mien.models.cnn.augmentation import Augmentation
from mien.models.cnn.engine import Engine, Plan, get_engine
from mien.models.cnn.networks import NETWORKS, Architecture
from mien.models.cnn.runtime import load_keras

load_keras()
PLAN = Plan(
    architecture=Architecture(
        network="tiny", n_classes=3, width=1, dropout=0.2, dense_dropout=0.2, momentum=0.9
    ),
    precision="float32",
    weight_decay=0.0,
    label_smoothing=0.0,
    augmentation=Augmentation(),
    mirror=False,
)


@pytest.fixture(autouse=True)
def _tiny(support):
    with mock.patch.dict(NETWORKS, tiny=support.build_tiny_network):
        yield


@pytest.fixture
def batch(support):
    import tensorflow as tf

    pictures, labels = support.make_pictures(12)
    codes = np.unique(labels, return_inverse=True)[1].astype(np.int32)
    return (
        tf.constant(pictures[..., np.newaxis]),
        tf.constant(codes),
        tf.ones(12, tf.float32),
    )


def run(engine, batch, steps=3, seed=0):
    engine.reset(seed)
    return [engine.train_step(batch, learning_rate=0.01)[0] for _ in range(steps)]


def test_the_latest_plan_is_compiled_once():
    first = get_engine(PLAN)
    assert get_engine(dataclasses.replace(PLAN)) is first
    other = get_engine(dataclasses.replace(PLAN, label_smoothing=0.1))
    assert other is not first
    assert get_engine(PLAN) is not first


def test_a_reset_engine_trains_as_a_new_one(batch):
    engine = get_engine(PLAN)

    first = run(engine, batch)
    assert run(engine, batch) == first
    assert run(Engine(PLAN), batch) == first
    assert run(engine, batch, seed=1) != first
    assert first[2] < first[0]


def test_smoothing_and_weights_enter_the_loss_as_computed_by_hand(batch):
    import tensorflow as tf

    plan = dataclasses.replace(
        PLAN,
        architecture=dataclasses.replace(PLAN.architecture, dropout=0, dense_dropout=0),
        label_smoothing=0.3,
    )
    engine = get_engine(plan)
    engine.reset(0)
    weights = np.arange(12, dtype=np.float32)
    output = engine._network(batch[0], training=True)
    logs = np.asarray(tf.nn.log_softmax(output))
    own = logs[np.arange(12), batch[1].numpy()]
    losses = -(0.7 * own + 0.3 * logs.mean(axis=1))

    found, _ = engine.train_step((*batch[:2], tf.constant(weights)), learning_rate=0.0)
    assert found == pytest.approx((losses * weights).mean(), rel=1e-4)


def test_the_average_moves_by_its_share(batch):
    engine = get_engine(PLAN)
    run(engine, batch, steps=0)
    before = engine.evaluated_weights()
    run_on = [engine.train_step(batch, learning_rate=0.1) for _ in range(2)]
    trained = engine._network.get_weights()
    engine.average(0.75)

    assert len(run_on) == 2
    for old, new, mean in zip(before, trained, engine.evaluated_weights(), strict=True):
        assert np.allclose(mean, 0.75 * old + 0.25 * new, atol=1e-6)
    engine.average(0.0)
    for new, mean in zip(trained, engine.evaluated_weights(), strict=True):
        assert np.array_equal(mean, new)


def test_a_mirrored_picture_gets_the_same_probabilities_when_both_are_averaged(batch):
    engine = get_engine(dataclasses.replace(PLAN, mirror=True))
    run(engine, batch, steps=1)
    pictures = np.random.default_rng(0).integers(0, 256, (300, 48, 48, 1), dtype=np.uint8)

    probabilities = engine.predict_proba(pictures)
    assert np.allclose(engine.predict_proba(pictures[:, :, ::-1]), probabilities, atol=1e-6)
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_decay_shrinks_kernels_and_spares_biases_and_norms(batch):
    engine = get_engine(dataclasses.replace(PLAN, weight_decay=0.5))
    run(engine, batch, steps=0)
    variables = engine._network.trainable_variables
    import tensorflow as tf

    start = [v.numpy() for v in variables]
    engine._optimiser.learning_rate.assign(0.1)
    engine._optimiser.apply([tf.zeros(v.shape) for v in variables], variables)
    for old, new in zip(start, variables, strict=True):
        factor = 0.95 if len(old.shape) > 1 else 1.0
        assert np.allclose(new.numpy(), factor * old, atol=1e-6)


def test_bfloat16_computes_nearly_the_same_and_keeps_float32_weights(batch):
    exact, rounded = PLAN, dataclasses.replace(PLAN, precision="bfloat16")
    losses = [run(get_engine(plan), batch, steps=1)[0] for plan in (exact, rounded)]

    assert losses[0] != losses[1]
    assert losses[1] == pytest.approx(losses[0], rel=0.1)
    assert {w.dtype.name for w in get_engine(rounded).evaluated_weights()} == {"float32"}
