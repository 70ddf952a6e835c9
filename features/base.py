"""What every feature family is: a name, options, named columns, a computation over faces."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Container, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from mien.errors import MienError
from mien.features.faces import FaceBatch

Value = int | tuple[int, ...]


@dataclass(frozen=True)
class Option:
    """A parameter of a family that changes its numbers.

    Attributes
    ----------
    default : int or tuple of int
    allowed : container of int
        What the number, or each number of the tuple, may be.
    meaning : str
        For lists: ``"side of the aligned crop in pixels"``.
    """

    default: Value
    allowed: Container[int]
    meaning: str

    def parse(self, text: str) -> Value:
        """Read ``"48"``, or ``"2-4"`` for a tuple; raises ValueError."""
        numbers = tuple(int(part) for part in text.split("-"))
        if isinstance(self.default, tuple):
            return numbers
        if len(numbers) != 1:
            raise ValueError(text)
        return numbers[0]

    def allows(self, value: Value) -> bool:
        """Tell whether a value is of the right kind and allowed; a tuple's numbers must differ."""
        if isinstance(value, tuple) is not isinstance(self.default, tuple):
            return False
        numbers = value if isinstance(value, tuple) else (value,)
        different = 0 < len(numbers) == len(set(numbers))
        return different and all(type(n) is int and n in self.allowed for n in numbers)


class FeatureFamily(ABC):
    """Base of all families. A family computes; it reads no file and fits nothing.

    Class attributes
    ----------------
    name : str
        The name in stores and on the command line: letters, digits and underscores.
    version : int
        Raised whenever the numbers change, so that stores and models cannot be mixed.
    title : str
        One line for lists.
    default : bool
        Whether the family is computed when none is named.
    available_options : mapping of str to Option
    move_tolerance : float
        How much a face's features may change, as ``||f' - f|| / ||f||``, when its picture and its
        landmarks are shifted, scaled and rolled together. More than next to nothing where pixels
        are read, for they are interpolated anew.
    mirror_tolerance : float
        How much they may differ from what :attr:`mirror` predicts when both are mirrored.
    follows_roll : tuple of str
        Columns that tell how the picture is rolled.

    Parameters
    ----------
    **options : int or tuple of int
        Values of ``available_options``.

    Raises
    ------
    MienError
        For an unknown option or a value that is not allowed.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    title: ClassVar[str]
    default: ClassVar[bool] = False
    available_options: ClassVar[Mapping[str, Option]] = {}
    move_tolerance: ClassVar[float] = 1e-3
    mirror_tolerance: ClassVar[float] = 1e-3
    follows_roll: ClassVar[tuple[str, ...]] = ()

    def __init__(self, **options: Value) -> None:
        for key, value in options.items():
            if key not in self.available_options:
                known = ", ".join(self.available_options) or "none"
                raise MienError(f"{self.name} has no option {key!r}.", f"It has: {known}.")
            if not self.available_options[key].allows(value):
                raise MienError(
                    f"{self.name}: {key} cannot be {format_value(value)}.",
                    f"It is the {self.available_options[key].meaning}.",
                )
        self.options: dict[str, Value] = {
            key: options.get(key, option.default) for key, option in self.available_options.items()
        }

    @cached_property
    def spec(self) -> str:
        """Name and the options that differ from the default: ``patch_hog@crop=48@window=12``."""
        changed = (
            f"@{key}={format_value(self.options[key])}"
            for key, option in self.available_options.items()
            if self.options[key] != option.default
        )
        return self.name + "".join(changed)

    @cached_property
    @abstractmethod
    def feature_names(self) -> tuple[str, ...]:
        """A unique, readable name for every column."""

    @cached_property
    @abstractmethod
    def mirror(self) -> tuple[np.ndarray, np.ndarray]:
        """How mirroring the face moves the columns: source column (int) and sign (float32).

        ``mirrored = values[:, source] * sign`` are the features of the mirrored picture.
        """

    @abstractmethod
    def compute(self, faces: FaceBatch) -> np.ndarray:
        """Compute the features of every face; float32, shape (n, width)."""

    def number(self, key: str) -> int:
        """Return an option that is one number."""
        value = self.options[key]
        assert isinstance(value, int)
        return value

    def numbers(self, key: str) -> tuple[int, ...]:
        """Return an option that is a tuple."""
        value = self.options[key]
        assert isinstance(value, tuple)
        return value

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.feature_names)


def format_value(value: object) -> str:
    """Write an option's value as specifications have it: ``48``, ``2-4``."""
    return "-".join(map(str, value)) if isinstance(value, tuple) else str(value)
