"""A frame with each face's box, label and probability."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np

from mien.experiments.video.colours import choose_colours, choose_ink, to_bgr
from mien.pipeline.video.face_box import FaceBox
from mien.pipeline.video.frame_predictions import FramePrediction, TrackedPrediction

_UNSURE = "#6b7280"
_WEIGHT = 500
_MARGIN_SHARE = 0.06
Place = tuple[int, int]


class FrameDrawer:
    """Draws what a model says onto frames.

    Parameters
    ----------
    classes : sequence of str
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self._classes = tuple(classes)
        self._colours = choose_colours(classes)

    def draw(self, prediction: FramePrediction) -> np.ndarray:
        """Return a copy of the frame with the labels; (height, width, 3), blue, green, red."""
        picture = prediction.picture.copy()
        size = max(11, round(0.045 * min(picture.shape[:2])))
        for own in prediction.faces:
            colour = self._colours.get(own.label, _UNSURE)
            box = _enlarge(own.box)
            _draw_box(picture, box, colour, max(1, round(size / 9)))
            several = len(prediction.faces) > 1 or own.face > 1
            _draw_tag(picture, box, self._tell(own, numbered=several), colour, size)
        return picture

    def _tell(self, own: TrackedPrediction, *, numbered: bool) -> str:
        best = int(own.probabilities.argmax())
        told = f"{self._classes[best]} {own.probabilities[best]:.2f}"
        if not own.label:
            told = f"unsure: {told}"
        return f"{own.face}  {told}" if numbered else told


def _enlarge(box: FaceBox) -> FaceBox:
    edge = _MARGIN_SHARE * box.size
    return FaceBox(box.x - edge, box.y - edge, box.width + 2 * edge, box.height + 2 * edge)


def _draw_box(picture: np.ndarray, box: FaceBox, colour: str, line: int) -> None:
    """Draw a rectangle on a dark one that is a little wider, so that it shows on any ground."""
    corners = _corner(box.x, box.y), _corner(box.x + box.width, box.y + box.height)
    cv2.rectangle(picture, *corners, (20, 20, 20), line + 2, cv2.LINE_AA)
    cv2.rectangle(picture, *corners, to_bgr(colour), line, cv2.LINE_AA)


def _draw_tag(picture: np.ndarray, box: FaceBox, text: str, colour: str, size: int) -> None:
    """Write on a filled strip above the box, or inside its top where there is no room above."""
    height, width = picture.shape[:2]
    pad = max(3, size // 4)
    long, high = _measure(text, size)
    left = min(max(0, round(box.x)), max(0, width - long - 2 * pad))
    top = round(box.y) - high - 2 * pad
    if top < 0:
        top = max(0, round(box.y))
    bottom = min(height, top + high + 2 * pad)
    cv2.rectangle(picture, (left, top), (left + long + 2 * pad, bottom), to_bgr(colour), -1)
    place = (left + pad, top + pad + high)
    ink = to_bgr(choose_ink(colour))
    cv2.putText(picture, text, place, ink, _font(), size, _WEIGHT)


@lru_cache(maxsize=512)
def _measure(text: str, size: int) -> Place:
    """Return a text's width, and the height of its capitals."""
    x, _, width, _ = cv2.getTextSize((0, 0), text, (0, 0), _font(), size, _WEIGHT)
    return x + width, round(0.72 * size)


@lru_cache(maxsize=1)
def _font() -> cv2.FontFace:
    return cv2.FontFace("sans")


def _corner(x: float, y: float) -> Place:
    return round(x), round(y)
