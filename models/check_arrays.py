"""A bundle's reference inputs and predictions as bytes, for files that hold no objects."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np

_PREDICTED = "probabilities"


def pack_check(check: Mapping[str, Any]) -> bytes:
    """Return a bundle's ``check`` as the content of an ``.npz`` file."""
    buffer = io.BytesIO()
    np.savez(buffer, **{_PREDICTED: check[_PREDICTED]}, **check["inputs"])
    return buffer.getvalue()


def unpack_check(content: bytes) -> dict[str, Any]:
    """Return the ``check`` that :func:`pack_check` was given; arrays only, no pickles."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        found = dict(arrays)
    predicted = found.pop(_PREDICTED)
    return {"inputs": found, _PREDICTED: predicted}
