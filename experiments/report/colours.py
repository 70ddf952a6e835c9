"""The sequential colour map of the pictures: one hue, lightness steadily falling or rising.

Lightness alone carries the value, so the map reads the same with any colour vision and in grey. In
dark mode it runs from dark to light. Each step brings the text colour that can be read on it.
"""

from __future__ import annotations

import numpy as np

STEPS = 11
_LIGHT = ("#f3f6f9", "#c6dbef", "#6baed6", "#1c69ab", "#08306b")
_DARK = ("#1f262d", "#1b3f60", "#2b6aa3", "#74b3dd", "#dceffb")
_INKS = ("#10151a", "#ffffff")


def choose_step(share: float) -> int:
    """Return the step of the map, 0 … :data:`STEPS` - 1, for a share from 0 to 1.

    Step 0 is kept for an exact 0, so that an empty cell differs from a rare one.
    """
    if share <= 0:
        return 0
    return max(1, min(STEPS - 1, round(share * (STEPS - 1))))


def build_colours(*, dark: bool = False) -> list[tuple[str, str]]:
    """Return fill and text colour of each step, as ``#rrggbb``."""
    anchors = np.array([_to_rgb(colour) for colour in (_DARK if dark else _LIGHT)])
    places = np.linspace(0, len(anchors) - 1, STEPS)
    channels = [np.interp(places, np.arange(len(anchors)), anchors[:, i]) for i in range(3)]
    fills = [_to_hex(rgb) for rgb in np.stack(channels, axis=1)]
    return [(fill, max(_INKS, key=lambda ink: compute_contrast(fill, ink))) for fill in fills]


def build_colour_css() -> str:
    """Return style rules: ``.q0`` … ``.q10`` fill a cell, ``.t0`` … ``.t10`` the text on it."""
    dark = _write_rules(build_colours(dark=True))
    light = _write_rules(build_colours())
    return f"{light}\n@media screen and (prefers-color-scheme: dark) {{\n{dark}\n}}"


def compute_contrast(first: str, second: str) -> float:
    """Compute the contrast ratio of two colours, 1 to 21, as WCAG 2 defines it."""
    lighter, darker = sorted((_compute_luminance(first), _compute_luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _compute_luminance(colour: str) -> float:
    """Relative luminance of an sRGB colour, 0 to 1."""
    rgb = np.array(_to_rgb(colour)) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def _write_rules(colours: list[tuple[str, str]]) -> str:
    return "\n".join(
        f".q{i} {{ fill: {fill} }} .t{i} {{ fill: {ink} }}" for i, (fill, ink) in enumerate(colours)
    )


def _to_rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _to_hex(rgb: np.ndarray) -> str:
    red, green, blue = (round(float(channel)) for channel in rgb)
    return f"#{red:02x}{green:02x}{blue:02x}"
