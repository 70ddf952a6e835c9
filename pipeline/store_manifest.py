"""The manifest of a store, which is written last and says that the store is finished."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mien.files import write_json
from mien.pipeline.checksums import is_sealed, seal
from mien.pipeline.store import MANIFEST, STORE_FORMAT


def write_manifest(folder: Path, content: dict[str, Any]) -> None:
    """Write a manifest with its own checksum."""
    own = {key: value for key, value in content.items() if key != "checksum"}
    write_json(folder / MANIFEST, seal(json.loads(json.dumps(own))), durable=True)


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """Return a store's manifest; None if it is missing, damaged, or of something else."""
    content = read_record(folder / MANIFEST)
    if content is None or ("checksum" in content and not is_sealed(content)):
        return None
    return content


def read_record(path: Path) -> dict[str, Any] | None:
    """Read a plan or a manifest; None for anything else."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, ValueError):
        return None
    known = isinstance(content, dict) and str(content.get("schema")).startswith(STORE_FORMAT)
    return content if known else None
