"""Expression names: one spelling for the names that datasets use for the same expression."""

from __future__ import annotations

EXPRESSIONS: tuple[str, ...] = (
    "angry",
    "disgust",
    "fear",
    "happy",
    "sad",
    "surprise",
    "neutral",
    "contempt",
)
"""The canonical names, in FER2013's order, then contempt."""

_ALIASES: dict[str, str] = {
    "anger": "angry",
    "disgusted": "disgust",
    "afraid": "fear",
    "scared": "fear",
    "fearful": "fear",
    "happiness": "happy",
    "joy": "happy",
    "joyous": "happy",
    "sadness": "sad",
    "surprised": "surprise",
    "contemptuous": "contempt",
}


def canonical_label(name: str) -> str:
    """Return the canonical expression name, or the name itself in lower case.

    Parameters
    ----------
    name : str
        A class name as a dataset writes it: ``"Happiness"``, ``"anger"``, ``"smiling"``.

    Returns
    -------
    str
        ``"happy"``, ``"angry"``, ``"smiling"``.
    """
    lowered = name.strip().lower()
    return _ALIASES.get(lowered, lowered)


def order_classes(labels: set[str]) -> tuple[str, ...]:
    """Order class names: expressions in canonical order first, other names alphabetically after."""
    known = [name for name in EXPRESSIONS if name in labels]
    return (*known, *sorted(labels.difference(EXPRESSIONS)))
