"""The files of an audit: a CSV of all rows, a JSON summary, contact sheets, a filter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mien.experiments.audit import Audit
from mien.experiments.contact_sheets import write_contact_sheets
from mien.files import atomic_path, write_json, writing
from mien.pipeline.row_filter import write_filter
from mien.pipeline.store import FeatureStore

AUDIT_CSV = "audit.csv"
AUDIT_JSON = "audit.json"
SHEETS = "sheets"


def write_audit(audit: Audit, summary: dict[str, Any], store: FeatureStore, out: Path) -> None:
    """Write ``audit.csv``, ``audit.json`` and ``sheets/<reason>.png`` into a folder.

    Parameters
    ----------
    audit : Audit
    summary : dict
        From :func:`mien.experiments.audit_summary.summarise_audit`.
    store : FeatureStore
    out : Path

    Raises
    ------
    MienError
        If a file cannot be written.
    """
    with writing(out, "Choose another folder with --out."):
        with atomic_path(out / AUDIT_CSV) as path:
            audit.table.to_csv(path, index=False, float_format="%.4g")
        write_json(out / AUDIT_JSON, summary)
    write_contact_sheets(audit, store.pixels, out / SHEETS)


def write_audit_filter(audit: Audit, excluded: tuple[str, ...], target: Path) -> None:
    """Write a filter that leaves out the rows with one of the reasons.

    Raises
    ------
    MienError
        If the file cannot be written.
    """
    table = audit.table
    write_filter(
        target,
        table["picture"].tolist(),
        ~audit.has_any(excluded),
        table["reasons"].tolist(),
        table["pixels_hash"].tolist(),
    )
