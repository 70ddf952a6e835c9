import numpy as np
import pytest

from mien.models.cnn.networks import NETWORKS, Architecture, get_network

BLOCKS = [256, 12352, 256, 24704, 49280, 512, 98560, 196864, 1024, 393728, 786944, 2048]


@pytest.mark.parametrize(
    ("name", "total", "trainable", "dense"),
    [
        ("fer2013", 3_931_975, 3_929_031, [2359808, 2048, 3591]),
        ("ckplus", 4_062_535, 4_059_079, [2359808, 2048, 131328, 1024, 1799]),
    ],
)
def test_parameters_are_those_of_the_thesis_layer_by_layer(name, total, trainable, dense):
    network = NETWORKS[name](7)

    assert network.count_params() == total
    assert sum(int(np.prod(v.shape)) for v in network.trainable_variables) == trainable
    assert [layer.count_params() for layer in network.layers if layer.weights] == BLOCKS + dense


def test_a_block_is_conv_conv_norm_relu_pool_dropout():
    network = NETWORKS["fer2013"](7, dropout=0.1, dense_dropout=0.3)

    kinds = [type(layer).__name__ for layer in network.layers]
    block = ["Conv2D", "Conv2D", "BatchNormalization", "Activation", "MaxPooling2D", "Dropout"]
    dense = ["Flatten", "Dense", "BatchNormalization", "Activation", "Dropout"]
    assert kinds == ["InputLayer", "Rescaling", *block * 4, *dense, "Dense", "Activation"]
    rates = [layer.rate for layer in network.layers if type(layer).__name__ == "Dropout"]
    assert rates == [0.1, 0.1, 0.1, 0.1, 0.3]
    kernels = [layer.kernel_size for layer in network.layers if type(layer).__name__ == "Conv2D"]
    assert kernels == [(3, 1), (1, 3)] * 4


def test_bytes_go_in_and_probabilities_come_out():
    network = NETWORKS["ckplus"](5)
    scale = network.get_layer("scale")

    assert np.allclose(scale(np.array([0, 51, 255], dtype=np.uint8)), [0, 0.2, 1])
    output = np.asarray(network(np.zeros((2, 48, 48, 1), dtype=np.uint8), training=False))
    assert output.shape == (2, 5)
    assert np.allclose(output.sum(axis=1), 1)


def test_an_unknown_network_is_named_with_the_known_ones():
    with pytest.raises(ValueError, match=r"one of ckplus, compact, fer2013.*'resnet'"):
        get_network("resnet")


def test_momentum_reaches_every_normalisation():
    network = NETWORKS["ckplus"](7, momentum=0.8)
    found = {layer.momentum for layer in network.layers if "BatchNorm" in type(layer).__name__}
    assert found == {0.8}


def test_the_compact_network_has_as_many_parameters_as_documented():
    network = NETWORKS["compact"](7)

    convolutions = 9 * (32 + 32 * 64 + 2 * 64 * 64 + 64 * 128 + 2 * 128 * 128 + 128 * 256)
    convolutions += 9 * 2 * 256 * 256
    norms = 4 * (32 + 3 * 64 + 3 * 128 + 3 * 256)
    assert network.count_params() == convolutions + norms + 256 * 7 + 7 == 1_942_951


@pytest.mark.parametrize("name", NETWORKS)
def test_width_scales_every_layer_but_the_last(name):
    wide = Architecture(
        network=name, n_classes=3, width=0.5, dropout=0, dense_dropout=0, momentum=0.9
    ).build()

    full = NETWORKS[name](3)
    for half, whole in zip(wide.weights, full.weights, strict=True):
        assert half.shape[-1] in (whole.shape[-1] // 2, 3)
    assert np.asarray(wide(np.zeros((1, 48, 48, 1), dtype=np.uint8))).shape == (1, 3)


@pytest.mark.parametrize(("name", "millions"), [("fer2013", 158.5), ("compact", 159.9)])
def test_multiplications_are_as_documented(name, millions):
    total = 0
    for layer in NETWORKS[name](7).layers:
        kind = type(layer).__name__
        if kind == "Conv2D":
            total += int(np.prod(layer.output.shape[1:3])) * int(np.prod(layer.kernel.shape))
        elif kind == "Dense":
            total += int(np.prod(layer.kernel.shape))

    assert round(total / 1e6, 1) == millions
