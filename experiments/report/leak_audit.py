"""What the audit of the folds found on both sides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mien.experiments.report.contents import LeakAudit, Row, Table
from mien.experiments.report.numbers import count_noun, format_count

_POLICIES = {
    "group": "What is alike is kept on one side of a fold, or left out of fitting.",
    "warn": "Folds are as the scheme says; what is alike on both sides is counted.",
    "fail": "A comparison with anything alike on both sides is refused.",
}


def build_leak_audit(protocol: Mapping[str, Any]) -> LeakAudit | None:
    """Say what the audit of the folds found; None where none was made."""
    leaks = protocol.get("leaks")
    if leaks is None:
        return None
    rows = tuple(
        Row(
            leak["kind"].capitalize(),
            (format_count(leak["rows"]), format_count(leak["left_out"])),
        )
        for leak in leaks
    )
    columns = ("Alike", "Test pictures affected", "Left out of fitting")
    pairs = tuple(_list_pairs(leak) for leak in leaks if leak.get("listed"))
    return LeakAudit(
        lead=f"{_POLICIES.get(protocol.get('on_leak') or '', '')} {_conclude(leaks)}".strip(),
        table=Table("Alike on both sides of a fold", columns, rows) if rows else None,
        pairs=pairs,
    )


def _conclude(leaks: list[Mapping[str, Any]]) -> str:
    affected = sum(leak["rows"] > 0 for leak in leaks)
    left_out = sum(leak["left_out"] for leak in leaks)
    if not affected and not left_out:
        return "The audit found nothing alike on both sides of a fold."
    told = f"{count_noun(left_out, 'training picture was', 'training pictures were')} left out."
    return told if left_out else ""


def _list_pairs(leak: Mapping[str, Any]) -> Table:
    rows = tuple(Row(pair["test"], (pair["train"], pair["fold"])) for pair in leak["listed"])
    shown = count_noun(len(rows), "pair")
    return Table(f"{leak['kind'].capitalize()}: the first {shown}", ("Test", "Train", "Fold"), rows)
