"""What a bundle says of itself, without its estimator."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from mien.models.bundle import Bundle


def to_record(bundle: Bundle) -> dict[str, Any]:
    """Return everything of a bundle but its estimator, ready for JSON; the schema first."""
    told = {own.name: getattr(bundle, own.name) for own in fields(bundle)}
    del told["estimator"]
    return {"schema": told.pop("schema"), **told, "classes": list(bundle.classes)}
