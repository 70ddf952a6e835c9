"""A colour for each class, told apart with any colour vision, and the same in every picture."""

from __future__ import annotations

from collections.abc import Sequence

from mien.experiments.report.colours import compute_contrast

_COLOURS = {
    "angry": "#d55e00",
    "contempt": "#8c6d1f",
    "disgust": "#009e73",
    "fear": "#cc79a7",
    "happy": "#e69f00",
    "sad": "#0072b2",
    "surprise": "#56b4e9",
    "neutral": "#4d4d4d",
}
_INKS = ("#10151a", "#ffffff")


def choose_colours(classes: Sequence[str]) -> dict[str, str]:
    """Choose each class's colour, ``#rrggbb``.

    Expressions have the same one everywhere; other classes get what is left, over again where
    there are more than eight.

    References
    ----------
    Okabe and Ito, Color universal design, 2008; its yellow, which cannot be read on white, is
    replaced.
    """
    free = [colour for name, colour in _COLOURS.items() if name not in classes]
    chosen, others = {}, 0
    palette = free or list(_COLOURS.values())
    for name in classes:
        if name in _COLOURS:
            chosen[name] = _COLOURS[name]
        else:
            chosen[name] = palette[others % len(palette)]
            others += 1
    return chosen


def choose_ink(fill: str) -> str:
    """Choose dark or white for text on a colour, whichever can be read better."""
    return max(_INKS, key=lambda ink: compute_contrast(fill, ink))


def to_bgr(colour: str) -> tuple[int, int, int]:
    """Turn ``#rrggbb`` into blue, green and red from 0 to 255."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return blue, green, red
