"""Parameters as the command line writes them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from mien.errors import MienError


def parse_assignments(texts: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Read ``cnn.epochs=5`` into ``{"cnn": {"epochs": 5}}``; values are JSON, else text.

    Raises
    ------
    MienError
        If a text has not this form.
    """
    parameters: dict[str, dict[str, Any]] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        model, dot, key = name.strip().rpartition(".")
        if not (equals and dot and model and key):
            raise MienError(
                f"--set takes MODEL.PARAMETER=VALUE, not {text!r}.", "For example cnn.epochs=5."
            )
        try:
            parsed = json.loads(value)
        except ValueError:
            parsed = value
        parameters.setdefault(model, {})[key] = parsed
    return parameters
