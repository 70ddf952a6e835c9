"""Numbers as the report prints them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

NBSP = "\u00a0"
DASH = "–"


def format_count(value: float) -> str:
    """``28709`` as ``"28,709"``."""
    return f"{value:,.0f}"


def count_noun(value: int, singular: str, plural: str = "") -> str:
    """``1, "fold"`` as ``"1 fold"``, ``10, "fold"`` as ``"10 folds"``."""
    return f"{format_count(value)} {singular if value == 1 else plural or singular + 's'}"


def format_range(values: Sequence[float]) -> str:
    """``[25, 12, 18]`` as ``"12 to 25"``, equal ones as one number, none as a dash."""
    if not values:
        return DASH
    low, high = format_count(min(values)), format_count(max(values))
    return low if low == high else f"{low} to {high}"


def format_percent(share: float) -> str:
    """``0.7243`` as ``"72.4 %"``; what is not quite all is not rounded to 100."""
    if 0.9995 <= share < 1:
        return f">{NBSP}99.9{NBSP}%"
    return f"{format_points(share)}{NBSP}%"


def format_points(share: float) -> str:
    """``0.7243`` as ``"72.4"``, for columns whose head says per cent."""
    return f"{100 * share:.1f}"


def format_spread(mean: float, std: float) -> str:
    """``0.724, 0.012`` as ``"72.4 ± 1.2"``."""
    return f"{format_points(mean)}{NBSP}±{NBSP}{format_points(std)}"


def format_seconds(seconds: float) -> str:
    """``0.012`` as ``"12 ms"``, ``16`` as ``"16 s"``, ``250`` as ``"4 min 10 s"``."""
    if seconds < 1:
        return f"{format_milliseconds(1000 * seconds)}"
    if seconds < 9.95:
        return f"{seconds:.1f}{NBSP}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}{NBSP}s"
    if whole < 3600:
        return f"{whole // 60}{NBSP}min{NBSP}{whole % 60}{NBSP}s"
    minutes = round(seconds / 60)
    return f"{minutes // 60:,}{NBSP}h{NBSP}{minutes % 60}{NBSP}min"


def format_milliseconds(milliseconds: float) -> str:
    """``0.25`` as ``"0.25 ms"``, ``12.3`` as ``"12 ms"``."""
    if 0 < milliseconds < 0.01:
        return f"<{NBSP}0.01{NBSP}ms"
    digits = 2 if milliseconds < 0.995 else 1 if milliseconds < 9.95 else 0
    return f"{milliseconds:,.{digits}f}{NBSP}ms"


def format_p_value(value: float) -> str:
    """``0.00002`` as ``"< 0.001"``, ``0.0312`` as ``"0.031"``, ``0.312`` as ``"0.31"``."""
    if value < 0.001:
        return f"<{NBSP}0.001"
    return f"{value:.3f}" if value < 0.0995 else f"{value:.2f}"


def format_created(created: str) -> str:
    """``"2026-11-23T01:21:00+00:00"`` as ``"23 November 2026, 01:21 UTC"``; other text as it is."""
    try:
        moment = datetime.fromisoformat(created)
    except ValueError:
        return created
    zone = f" {moment.tzname()}" if moment.tzinfo else ""
    return f"{moment.day} {moment:%B %Y, %H:%M}{zone}"


def format_value(value: Any) -> str:
    """Say a parameter's value: numbers with up to four digits, lists and mappings in one line."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {format_value(item)}" for name, item in value.items()) or "none"
    if isinstance(value, Sequence):
        return ", ".join(format_value(item) for item in value) or "none"
    return json.dumps(value)


def join_names(names: Sequence[str]) -> str:
    """Join ``["a", "b", "c"]`` to ``"a, b and c"``."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
