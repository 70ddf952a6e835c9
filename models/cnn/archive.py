"""A Keras network as bytes, for pickles."""

from __future__ import annotations

import warnings
from typing import Any

from mien.models.cnn.runtime import load_keras
from mien.scratch import ScratchFolder


def network_to_bytes(network: Any) -> bytes:
    """Return the content of a ``.keras`` file of a network.

    Parameters
    ----------
    network : keras.Model
        Any network of standard layers.
    """
    with ScratchFolder() as folder, warnings.catch_warnings():
        # Keras 3.15 converts TensorFlow's variables in a way that numpy 2 deprecates.
        warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
        path = folder.path / "network.keras"
        network.save(path)
        return path.read_bytes()


def network_from_bytes(archive: bytes) -> Any:
    """Return the network that :func:`network_to_bytes` was given, not compiled."""
    with ScratchFolder() as folder:
        path = folder.path / "network.keras"
        path.write_bytes(archive)
        return load_keras().saving.load_model(path, compile=False)
