"""A bundle's record: all of it that JSON can hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from mien.models.bundle import Bundle

_NAMES = [own.name for own in fields(Bundle) if own.name not in ("schema", "estimator", "check")]


def to_record(bundle: Bundle) -> dict[str, Any]:
    """Return everything of a bundle but its estimator and arrays, as JSON can hold it."""
    values = {name: getattr(bundle, name) for name in _NAMES}
    return {"schema": bundle.schema, **values, "classes": list(bundle.classes)}


def from_record(record: Mapping[str, Any], estimator: Any) -> Bundle:
    """Return the bundle of a record and an estimator; further keys are ignored."""
    told = {name: record[name] for name in ("schema", *_NAMES) if name in record}
    return Bundle(**{**told, "classes": tuple(record["classes"])}, estimator=estimator)
