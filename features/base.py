"""What every feature family is: a name, named columns, a computation over a batch of faces."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from mien.errors import MienError
from mien.features.scheme import MESH_POINTS

BLENDSHAPES = 52


@dataclass(frozen=True)
class FaceBatch:
    """Faces whose landmarks were found.

    Attributes
    ----------
    pictures : sequence of ndarray of uint8, each of shape (height, width)
        Grey pictures, of any sizes.
    mesh : ndarray of float32, shape (n, 478, 3)
        Landmarks in pixels of the picture: x right, y down, z away from the camera, all at the
        same scale; (0, 0) is the centre of the top left pixel.
    blendshapes : ndarray of float32, shape (n, 52)
        Expression coefficients from 0 to 1, in the order of
        :data:`mien.features.blendshapes.BLENDSHAPE_NAMES`.
    """

    pictures: Sequence[np.ndarray]
    mesh: np.ndarray
    blendshapes: np.ndarray

    def __post_init__(self) -> None:
        n = len(self.pictures)
        expected = {"mesh": (n, MESH_POINTS, 3), "blendshapes": (n, BLENDSHAPES)}
        wrong = [
            f"{name} has shape {getattr(self, name).shape}, expected {shape}"
            for name, shape in expected.items()
            if getattr(self, name).shape != shape
        ]
        wrong += [
            f"picture {i} has shape {picture.shape} of {picture.dtype}, expected two axes of uint8"
            for i, picture in enumerate(self.pictures)
            if picture.ndim != 2 or picture.dtype != np.uint8
        ]
        if wrong:
            raise ValueError("; ".join(wrong))

    def __len__(self) -> int:
        return len(self.pictures)


class FeatureFamily(ABC):
    """Base of all families. A family computes; it reads no file and fits nothing.

    Class attributes
    ----------------
    name : str
        The name in stores and on the command line.
    version : int
        Raised whenever the numbers change, so that stores and models cannot be mixed.
    title : str
        One line for lists.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    title: ClassVar[str]

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

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.feature_names)

    def options(self) -> dict[str, Any]:
        """Return the parameters that change the numbers, for the store's manifest."""
        return {}


_REGISTRY: dict[str, type[FeatureFamily]] = {}


def register(family: type[FeatureFamily]) -> type[FeatureFamily]:
    """Make a family known by its name (a class decorator)."""
    if family.name in _REGISTRY:
        raise ValueError(f"a feature family named {family.name!r} is registered already")
    _REGISTRY[family.name] = family
    return family


def family_names() -> tuple[str, ...]:
    """Return the names of all registered families, in order of registration."""
    import mien.features.families  # noqa: F401  (registers the built-in families)

    return tuple(_REGISTRY)


def get_family(name: str) -> FeatureFamily:
    """Return the family of that name.

    Raises
    ------
    MienError
        If no family has that name; the message lists those that exist.
    """
    known = family_names()
    if name not in _REGISTRY:
        raise MienError(
            f"There is no feature family {name!r}.", f"Use one or more of: {', '.join(known)}."
        )
    return _REGISTRY[name]()
