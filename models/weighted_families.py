"""The text that names feature families and their weights: ``patch_hog+0.3*geometry``."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite
from typing import NamedTuple

import numpy as np

from mien.errors import MienError
from mien.features.registry import get_family


class WeightedFamily(NamedTuple):
    """A feature family and the weight of its kernel."""

    name: str
    weight: float = 1.0


def parse_families(text: str) -> tuple[WeightedFamily, ...]:
    """Read families joined by ``+``, each with ``weight*`` before it or weighing 1.

    Raises
    ------
    MienError
        If a name is missing or there twice, or a weight is not a number above 0.
    """
    found = tuple(_parse_one(part.strip(), text) for part in text.split("+"))
    names = [family.name for family in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise MienError(
            f"The families {text!r} name {', '.join(twice)} twice.", "Give it one weight."
        )
    return found


def _parse_one(part: str, text: str) -> WeightedFamily:
    weight, star, name = part.rpartition("*")
    name = name.strip()
    try:
        value = float(weight) if star else 1.0
    except ValueError:
        value = 0.0
    if not name or not isfinite(value) or value <= 0:
        raise MienError(
            f"Families are names joined by +, each with a weight above 0 or none, not {text!r}.",
            "For example patch_hog+0.3*geometry.",
        )
    return WeightedFamily(name, value)


def format_families(families: Iterable[WeightedFamily]) -> str:
    """Write families as :func:`parse_families` reads them, weights with four digits."""
    return "+".join(
        family.name if family.weight == 1 else f"{_format_weight(family.weight)}*{family.name}"
        for family in families
    )


def _format_weight(weight: float) -> str:
    """Write four digits without an exponent, whose sign would be read as another family."""
    return np.format_float_positional(weight, precision=4, fractional=False, trim="-")


def family_names(text: str) -> tuple[str, ...]:
    """Return the names alone."""
    return tuple(family.name for family in parse_families(text))


def join_mirrors(names: Iterable[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return source and sign of the mirror of families side by side; shapes (d,)."""
    sources, signs, start = [], [], 0
    for name in names:
        source, sign = get_family(name).mirror
        sources.append(np.asarray(source) + start)
        signs.append(np.asarray(sign, dtype=np.float32))
        start += len(source)
    return np.concatenate(sources), np.concatenate(signs)
