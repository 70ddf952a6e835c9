"""Blendshapes: the landmarker's 52 expression coefficients."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from mien.features.base import FeatureFamily
from mien.features.faces import FaceBatch
from mien.features.registry import register

BLENDSHAPE_NAMES: tuple[str, ...] = (
    "_neutral", "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft",
    "browOuterUpRight", "cheekPuff", "cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft",
    "eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight", "eyeLookInLeft", "eyeLookInRight",
    "eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight", "eyeSquintLeft",
    "eyeSquintRight", "eyeWideLeft", "eyeWideRight", "jawForward", "jawLeft", "jawOpen",
    "jawRight", "mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft",
    "mouthFrownRight", "mouthFunnel", "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight",
    "mouthPressLeft", "mouthPressRight", "mouthPucker", "mouthRight", "mouthRollLower",
    "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft", "mouthSmileRight",
    "mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight",
    "noseSneerLeft", "noseSneerRight",
)  # fmt: skip
"""The Face Landmarker's order. Here *left* is the person's own left, as MediaPipe names them."""


def _mirrored(name: str) -> str:
    if name.endswith("Left"):
        return name.removesuffix("Left") + "Right"
    if name.endswith("Right"):
        return name.removesuffix("Right") + "Left"
    return name


@register
class Blendshapes(FeatureFamily):
    """Coefficients from 0 to 1 of 52 facial movements (``jawOpen``, ``mouthSmileLeft`` ...).

    Shape (n, 52), no unit. They come from the landmarker's third network, which reads 146 of its
    landmarks, and follow the ARKit set of blendshapes.

    Notes
    -----
    MediaPipe's own network is not exactly symmetric, so the features of a mirrored picture equal
    the mirrored features only to within a few hundredths.
    """

    name = "blendshapes"
    version = 1
    title = "52 expression coefficients from the landmarker"
    default = True

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """The coefficients' names."""
        return BLENDSHAPE_NAMES

    @cached_property
    def mirror(self) -> tuple[np.ndarray, np.ndarray]:
        """Left and right coefficients change places."""
        source = np.array([BLENDSHAPE_NAMES.index(_mirrored(n)) for n in BLENDSHAPE_NAMES])
        return source, np.ones(len(source), dtype=np.float32)

    def compute(self, faces: FaceBatch) -> np.ndarray:
        """Return the coefficients as they are; float32, shape (n, 52)."""
        return faces.blendshapes.astype(np.float32)
