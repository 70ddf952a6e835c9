import numpy as np
import pytest

from mien.models.cnn.layer_kit import FusedLayers, StandardLayers
from mien.models.cnn.networks import NETWORKS, Architecture
from mien.models.cnn.runtime import load_keras

keras = load_keras()
RNG = np.random.default_rng(3)


def build_both(name):
    architecture = Architecture(
        network=name, n_classes=5, width=0.125, dropout=0, dense_dropout=0, momentum=0.8
    )
    standard, fused = architecture.build(), architecture.build(FusedLayers())
    weights = [
        np.abs(RNG.normal(1, 0.2, v.shape)) if "variance" in v.path else RNG.normal(0, 0.2, v.shape)
        for v in standard.weights
    ]
    standard.set_weights(weights)
    fused.set_weights(weights)
    return standard, fused


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_has_the_same_variables_and_the_same_function_in_both_kits(name):
    standard, fused = build_both(name)
    pictures = RNG.integers(0, 256, (4, 48, 48, 1), dtype=np.uint8)

    assert [v.shape for v in fused.weights] == [v.shape for v in standard.weights]
    logits = fused(pictures, training=False)
    found, wanted = np.asarray(keras.ops.softmax(logits)), np.asarray(standard(pictures))
    assert np.allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_training_step_has_the_same_loss_gradients_and_moving_averages(name):
    import tensorflow as tf

    networks = build_both(name)
    pictures = RNG.integers(0, 256, (8, 48, 48, 1), dtype=np.uint8)
    codes = np.arange(8) % 5
    losses, gradients = [], []
    for network, from_logits in zip(networks, (False, True), strict=True):
        with tf.GradientTape() as tape:
            output = network(pictures, training=True)
            loss = tf.reduce_mean(
                keras.losses.sparse_categorical_crossentropy(codes, output, from_logits=from_logits)
            )
        losses.append(float(loss))
        gradients.append([g.numpy() for g in tape.gradient(loss, network.trainable_variables)])

    assert losses[1] == pytest.approx(losses[0], rel=1e-4)
    scale = max(np.abs(g).max() for g in gradients[0])
    for standard, fused in zip(*gradients, strict=True):
        assert np.allclose(fused, standard, atol=1e-4 * scale)
    for standard, fused in zip(*(n.get_weights() for n in networks), strict=True):
        assert np.allclose(fused, standard, rtol=1e-4, atol=1e-4)


def test_a_column_then_a_row_is_one_kernel_also_at_the_borders():
    from mien.models.cnn.fused_layers import FactorisedConvolution

    values = RNG.normal(size=(2, 12, 15, 3)).astype("float32")
    inputs = keras.Input((12, 15, 3))
    standard = keras.Model(inputs, StandardLayers().convolve_factorised(inputs, 4))
    weights = [RNG.normal(size=v.shape) for v in standard.weights]
    standard.set_weights(weights)
    layer = FactorisedConvolution(4)
    layer.build(values.shape)
    layer.set_weights(weights)

    assert np.allclose(layer(values), standard(values), atol=1e-4)


def test_normalisation_counts_and_updates_as_keras_does():
    from mien.models.cnn.fused_layers import FusedNormalisation

    for shape in [(6, 4), (3, 5, 5, 4)]:
        values = RNG.normal(2, 3, shape).astype("float32")
        plain = keras.layers.BatchNormalization(momentum=0.7)
        fused = FusedNormalisation(0.7)
        for training in (True, True, False):
            found, wanted = fused(values, training=training), plain(values, training=training)
            assert np.allclose(found, wanted, atol=1e-4)
        for mine, theirs in zip(fused.get_weights(), plain.get_weights(), strict=True):
            assert np.allclose(mine, theirs, rtol=1e-5)
