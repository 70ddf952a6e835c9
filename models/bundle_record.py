"""What a bundle tells of itself as JSON: everything but the estimator and the check's arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from mien.errors import MienError
from mien.models.bundle import Bundle

_LEFT_OUT = ("estimator", "check")
_FIELDS = {own.name: own for own in fields(Bundle) if own.name not in _LEFT_OUT}


def to_record(bundle: Bundle) -> dict[str, Any]:
    """Return what a bundle tells of itself.

    Parameters
    ----------
    bundle : Bundle

    Returns
    -------
    dict
        JSON-able; ``schema`` first, then the bundle's other fields. Of ``check`` the number of its
        ``rows``, or None.
    """
    told = {name: getattr(bundle, name) for name in _FIELDS}
    check = bundle.check
    return {
        "schema": told.pop("schema"),
        **told,
        "classes": list(bundle.classes),
        "check": None if check is None else {"rows": len(check["probabilities"])},
    }


def from_record(record: Mapping[str, Any], estimator: Any) -> Bundle:
    """Return the bundle that a record tells of.

    Parameters
    ----------
    record : mapping
        From :func:`to_record`; further keys are ignored.
    estimator : object
        The fitted classifier.

    Returns
    -------
    Bundle
        Without ``check``, whose arrays a record does not hold.

    Raises
    ------
    MienError
        If the record lacks a field that has no default.
    """
    needed = [
        name
        for name, own in _FIELDS.items()
        if own.default is MISSING and own.default_factory is MISSING
    ]
    if lacking := [name for name in needed if name not in record]:
        raise MienError(
            f"The model's record lacks {', '.join(lacking)}.",
            "The file was changed, or another version of mien wrote it.",
        )
    told = {name: record[name] for name in _FIELDS if name in record}
    return Bundle(estimator=estimator, **{**told, "classes": tuple(record["classes"])})
