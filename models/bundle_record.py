"""A bundle's record: all of it that JSON can hold."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from mien.errors import MienError
from mien.models.bundle import BUNDLE_SCHEMA, Bundle

_ARRAYS = ("estimator", "check")


def to_record(bundle: Bundle) -> dict[str, Any]:
    """Return everything of a bundle but its estimator and arrays, as JSON can hold it."""
    names = [own.name for own in fields(bundle) if own.name not in (*_ARRAYS, "schema")]
    values = {name: getattr(bundle, name) for name in names}
    return {"schema": bundle.schema, **values, "classes": list(bundle.classes)}


def from_record(record: dict[str, Any], estimator: Any) -> Bundle:
    """Return the bundle of a record and an estimator.

    Raises
    ------
    MienError
        If the record is of another schema.
    """
    if record["schema"] != BUNDLE_SCHEMA:
        raise MienError(
            f"This is a model of schema {record['schema']!r}; this release reads "
            f"{BUNDLE_SCHEMA!r}.",
            "Export it again.",
        )
    return Bundle(**{**record, "classes": tuple(record["classes"])}, estimator=estimator)
