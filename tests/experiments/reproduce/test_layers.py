import pytest

from mien.experiments.reproduce.layers import describe_layers


@pytest.mark.parametrize("network", ["fer2013", "ckplus"])
def test_our_networks_have_the_layers_of_the_thesis(network):
    told = describe_layers(network)
    assert told["equal"]
    assert all(layer["claimed"] == layer["ours"] for layer in told["layers"])
