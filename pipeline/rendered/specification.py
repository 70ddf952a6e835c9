"""The specification string of a rendered dataset: ``rendered:people=40,seed=0``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

from mien.errors import MienError
from mien.pipeline.labels import EXPRESSIONS, canonical_label, order_classes

PREFIX = "rendered"
_HINT = "Example: rendered:people=40,seed=0,takes=2,size=256,noise=1.0,classes=happy+sad+neutral"


@dataclass(frozen=True)
class Specification:
    """What to render.

    Attributes
    ----------
    people : int
        Number of people, 1 to 10,000.
    seed : int
        Everything is drawn from it; from 0.
    takes : int
        Pictures of each person with each expression, 1 to 1,000.
    size : int
        Width and height of a picture in pixels, 48 to 1,024.
    noise : float
        Scale of what varies between pictures of a person: pose, blur, grain, the mix of action
        units; 0 to 3.
    classes : tuple of str
        Expressions, in canonical order.
    """

    people: int = 40
    seed: int = 0
    takes: int = 2
    size: int = 256
    noise: float = 1.0
    classes: tuple[str, ...] = EXPRESSIONS

    def __str__(self) -> str:
        parts = [f"people={self.people}", f"seed={self.seed}", f"takes={self.takes}"]
        parts += [f"size={self.size}", f"noise={self.noise:g}"]
        if self.classes != EXPRESSIONS:
            parts.append("classes=" + "+".join(self.classes))
        return f"{PREFIX}:" + ",".join(parts)


_LIMITS: dict[str, tuple[float, float]] = {
    "people": (1, 10_000),
    "seed": (0, 2**32 - 1),
    "takes": (1, 1_000),
    "size": (48, 1_024),
    "noise": (0, 3),
}


def parse_specification(text: str) -> Specification:
    """Parse a specification.

    Parameters
    ----------
    text : str
        ``"rendered"`` or ``"rendered:key=value,…"`` with the attributes of
        :class:`Specification` as keys; ``classes`` are joined by ``+``.

    Returns
    -------
    Specification
        With defaults for what is not given.

    Raises
    ------
    MienError
        Naming everything that is wrong with the text.
    """
    prefix, _, rest = text.strip().partition(":")
    if prefix.strip() != PREFIX:
        raise MienError(
            f"Expected a specification that starts with 'rendered:', got {text!r}.", _HINT
        )
    values: dict[str, object] = {}
    problems = []
    for item in filter(None, (part.strip() for part in rest.split(","))):
        key, equals, value = (piece.strip() for piece in item.partition("="))
        try:
            if not equals:
                raise ValueError(f"expected key=value, got {item!r}")
            if key in values:
                raise ValueError(f"{key} is given twice")
            values[key] = _parse_value(key, value)
        except ValueError as error:
            problems.append(str(error))
    if problems:
        raise MienError(f"Bad specification {text!r}: {'; '.join(problems)}.", _HINT)
    return Specification(**values)  # type: ignore[arg-type]


def _parse_value(key: str, value: str) -> object:
    if key == "classes":
        return _parse_classes(value)
    if key not in _LIMITS:
        known = ", ".join(field.name for field in fields(Specification))
        raise ValueError(f"unknown key {key!r}, expected one of {known}")
    kind: Callable[[str], float] = float if key == "noise" else int
    low, high = _LIMITS[key]
    wanted = "a number" if key == "noise" else "a whole number"
    try:
        number = kind(value)
    except ValueError:
        number = float("nan")
    if not low <= number <= high:
        raise ValueError(f"{key} must be {wanted} from {low:g} to {high:g}, got {value!r}")
    return number


def _parse_classes(value: str) -> tuple[str, ...]:
    names = [canonical_label(name) for name in value.split("+")]
    unknown = [name for name in names if name not in EXPRESSIONS]
    if unknown:
        raise ValueError(f"unknown class {unknown[0]!r}, expected some of {'+'.join(EXPRESSIONS)}")
    return order_classes(set(names))
