"""What an audit found, counted: by reason, by class, by split."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

import mien
from mien.experiments.audit import Audit
from mien.experiments.audit_reasons import EXPLANATIONS
from mien.pipeline.store import FeatureStore

AUDIT_SCHEMA = "mien.audit/1"


def summarise_audit(
    audit: Audit, store: FeatureStore, *, excluded: tuple[str, ...]
) -> dict[str, Any]:
    """Count an audit's findings.

    Parameters
    ----------
    audit : Audit
    store : FeatureStore
    excluded : tuple of str
        Reasons that a filter leaves out.

    Returns
    -------
    dict
        JSON values: ``reasons`` (rows, share, explanation and rows by class of each reason that
        occurs), ``twins``, ``balance`` (of the whole and of each split) and ``filter``.
    """
    table, classes = audit.table, store.classes
    left_out = audit.has_any(excluded)
    return {
        "schema": AUDIT_SCHEMA,
        "mien": mien.__version__,
        "dataset": store.manifest["name"],
        "dataset_hash": store.manifest["dataset_hash"],
        "rows": len(table),
        "rows_with_reasons": int((table["reasons"] != "").sum()),
        "reasons": _count_reasons(audit, classes),
        "twins": _count_twins(table),
        "balance": _describe_balance(table, classes),
        "filter": {
            "excluded": list(excluded),
            "rows_kept": int((~left_out).sum()),
            "rows_left_out": int(left_out.sum()),
            "balance": _weigh_classes(table[~left_out], classes),
        },
        "thresholds": asdict(audit.thresholds),
    }


def _count_reasons(audit: Audit, classes: tuple[str, ...]) -> dict[str, Any]:
    counted = {}
    for code, explanation in EXPLANATIONS.items():
        rows = audit.table[audit.has(code)]
        if len(rows):
            counted[str(code)] = {
                "rows": len(rows),
                "share": round(len(rows) / len(audit.table), 6),
                "explanation": explanation,
                "by_class": _count_labels(rows, classes),
            }
    return counted


def _count_labels(rows: pd.DataFrame, classes: tuple[str, ...]) -> dict[str, int]:
    counts = rows["label"].value_counts()
    return {name: int(counts.get(name, 0)) for name in classes}


def _count_twins(table: pd.DataFrame) -> dict[str, int]:
    twins = table[table["twin_group"] >= 0]
    splits = twins.groupby("twin_group")["split"].nunique()
    return {
        "groups": int(twins["twin_group"].nunique()),
        "rows": len(twins),
        "mirrored": int(twins["twin_mirrored"].sum()),
        "groups_across_splits": int((splits > 1).sum()),
        "largest_group": int(twins["twin_group"].value_counts().max()) if len(twins) else 0,
    }


def _describe_balance(table: pd.DataFrame, classes: tuple[str, ...]) -> dict[str, Any]:
    splits = sorted(set(table["split"]) - {""})
    parts = {name: table[table["split"] == name] for name in splits}
    return {
        "all": _weigh_classes(table, classes),
        "splits": {name: _weigh_classes(rows, classes) for name, rows in parts.items()},
    }


def _weigh_classes(rows: pd.DataFrame, classes: tuple[str, ...]) -> dict[str, Any]:
    counts = _count_labels(rows, classes)
    total, least = sum(counts.values()), min(counts.values(), default=0)
    return {
        "counts": counts,
        "shares": {name: round(n / max(1, total), 6) for name, n in counts.items()},
        "largest_to_smallest": round(float(np.divide(max(counts.values()), least)), 3)
        if least
        else None,
    }
