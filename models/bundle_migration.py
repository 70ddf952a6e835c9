"""Schemas of bundles: which this release reads, and earlier ones made into this one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from mien.errors import MienError
from mien.models.bundle import BUNDLE_SCHEMA, Bundle

EARLIER = ("mien.bundle/1",)


def require_schema(path: Path, record: Mapping[str, Any]) -> None:
    """Refuse a schema that this release does not read.

    Parameters
    ----------
    path : Path
        The model's file, to name it.
    record : mapping
        With ``schema`` and ``versions``.

    Raises
    ------
    MienError
        If the schema is a newer one, or unknown.
    """
    schema = record.get("schema")
    if schema in (BUNDLE_SCHEMA, *EARLIER):
        return
    found = re.fullmatch(r"mien\.bundle/(\d+)", str(schema))
    newer = found is not None and int(found[1]) > int(BUNDLE_SCHEMA.rpartition("/")[2])
    raise MienError(
        f"{path} is a model of schema {schema!r}{', which is newer' if newer else ''}; this "
        f"release reads {BUNDLE_SCHEMA!r}.",
        f"{'Install' if newer else 'Export it again, or install'} the release that made it "
        f"({name_release(record.get('versions'))}).",
    )


def migrate(path: Path, bundle: Bundle) -> Bundle:
    """Return a bundle of an earlier schema as one of this schema.

    What ``mien.bundle/2`` added has its defaults: no threshold, scores, check or licence.

    Raises
    ------
    MienError
        If the bundle lacks a field that has no default.
    """
    names = {own.name for own in fields(Bundle)} - {"schema"}
    told = {name: value for name, value in vars(bundle).items() if name in names}
    try:
        return Bundle(**told)
    except TypeError as error:
        raise MienError(f"{path} is not a whole model: {error}.", "Export it again.") from error


def name_release(versions: Mapping[str, str] | None) -> str:
    """Name the release that made a model: ``mien 0.1.0``."""
    return f"mien {(versions or {}).get('mien', 'unknown')}"
