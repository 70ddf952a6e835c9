"""Durations as a user writes them, and as a user reads them."""

from __future__ import annotations

import re

from mien.errors import MienError

_UNITS = {"h": 3600, "m": 60, "s": 1}
_DURATION = re.compile(
    r"\s*(?:(?P<h>\d+(?:\.\d+)?)\s*h)?\s*(?:(?P<m>\d+(?:\.\d+)?)\s*m)?"
    r"\s*(?:(?P<s>\d+(?:\.\d+)?)\s*s)?\s*"
)


def parse_duration(text: str, option: str = "--time-budget") -> float:
    """Read ``90s``, ``45m``, ``2h`` or ``1h30m`` as seconds.

    Parameters
    ----------
    text : str
    option : str
        What the message names.

    Raises
    ------
    MienError
        If it is no duration above 0, or a number without a unit.
    """
    found = _DURATION.fullmatch(text.lower())
    seconds = sum(
        float(number) * _UNITS[unit]
        for unit, number in (found.groupdict() if found else {}).items()
        if number
    )
    if seconds <= 0:
        raise MienError(
            f"{option} must be a duration above 0 with its unit (h, m or s), not {text!r}.",
            "For example 90s, 45m, 2h or 1h30m.",
        )
    return seconds


def tell_time_left(seconds: float) -> str:
    """Say ``720`` as ``about 12 minutes left``; nothing where it is not a number."""
    if not seconds >= 0:
        return ""
    if seconds < 45:
        return "less than a minute left"
    minutes = round(seconds / 60)
    if minutes >= 600:
        return f"about {round(minutes / 60):,} hours left"
    hours, rest = divmod(minutes, 60)
    told = [_count(hours, "hour"), _count(rest, "minute")]
    return f"about {' '.join(filter(None, told))} left"


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'}" if number else ""
