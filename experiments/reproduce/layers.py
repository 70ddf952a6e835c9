"""The two parameter tables: the layers of our networks beside those of figures 3.7 and 3.8."""

from __future__ import annotations

from math import prod
from typing import Any

from mien.experiments.reproduce.claims import LAYERS, TOTALS, Layer


def describe_layers(network: str) -> dict[str, Any]:
    """Build a network and compare its layers with the thesis's.

    Parameters
    ----------
    network : {"fer2013", "ckplus"}

    Returns
    -------
    dict
        ``layers``: of each, ``kind``, ``shape``, ``claimed`` and ``ours`` (parameters);
        ``total`` and ``trainable``, each ``[claimed, ours]``; ``equal``.
    """
    ours, total, trainable = _read_network(network)
    claimed = LAYERS[network]
    return {
        "layers": [
            {"kind": kind, "shape": list(shape), "claimed": count, "ours": own}
            for (kind, shape, count), (_, _, own) in zip(claimed, ours, strict=True)
        ],
        "total": [TOTALS[network][0], total],
        "trainable": [TOTALS[network][1], trainable],
        "equal": tuple(ours) == claimed and (total, trainable) == TOTALS[network],
    }


def _read_network(network: str) -> tuple[list[Layer], int, int]:
    """Return the layers that have parameters, and the counts of all and of the trainable ones."""
    from mien.models.cnn.networks import get_network

    model = get_network(network)()
    layers = [
        (type(layer).__name__, tuple(layer.output.shape[1:]), int(layer.count_params()))
        for layer in model.layers
        if layer.count_params()
    ]
    trainable = sum(int(prod(weight.shape)) for weight in model.trainable_weights)
    return layers, int(model.count_params()), trainable
