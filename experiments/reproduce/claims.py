"""What the thesis claims, figure by figure.

References
----------
Patil, "Facial Emotion Recognition Using Deep Learning", California State University, Northridge,
2023, chapter 4 and figures 3.7 and 3.8.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Claim:
    """One accuracy of chapter 4.

    Attributes
    ----------
    text : str
        In words.
    low, high : float
        The range that was claimed, as shares; the same number twice for a single figure.
    rows : int or None
        Test rows, where the thesis tells them.
    """

    text: str
    low: float
    high: float
    rows: int | None = None

    @property
    def accuracy(self) -> str:
        """The figure alone: ``94 to 99 %``."""
        return self.text[: self.text.index("%") + 1]

    @property
    def circumstances(self) -> str:
        """What the thesis says besides: ``over ten attempts``."""
        return self.text[self.text.index("%") + 1 :].strip()

    def compare(self, accuracy: float) -> str:
        """Say where an accuracy lies: within the claim, or by how many points beside it."""
        if round(self.low, 3) <= round(accuracy, 3) <= round(self.high, 3):
            return "as claimed"
        away = accuracy - (self.low if accuracy < self.low else self.high)
        return f"{100 * abs(away):.1f} points {'below' if away < 0 else 'above'} the claim"


CLAIMS: dict[str, Claim] = {
    "4.1": Claim("94 to 99 % over ten attempts", 0.94, 0.99),
    "4.2": Claim("85 to 89 % over ten attempts; 87.78 % in its conclusion", 0.85, 0.89),
    "4.3": Claim("97 %", 0.97, 0.97),
    "4.4": Claim("38 % on 8,972 test rows", 0.38, 0.38, rows=8972),
}

SVM_ON_FER2013: dict[str, tuple[float, float, float, int]] = {
    "angry": (0.30, 0.27, 0.28, 1214),
    "disgust": (0.09, 0.54, 0.15, 128),
    "fear": (0.28, 0.19, 0.22, 1268),
    "happy": (0.57, 0.53, 0.55, 2284),
    "sad": (0.34, 0.32, 0.33, 1570),
    "surprise": (0.46, 0.56, 0.51, 994),
    "neutral": (0.39, 0.36, 0.37, 1514),
    "macro avg": (0.35, 0.40, 0.34, 8972),
    "weighted avg": (0.40, 0.38, 0.39, 8972),
}
"""Precision, recall, F1 and support of figure 4.4, by class."""

Layer = tuple[str, tuple[int, ...], int]

_BLOCKS: tuple[Layer, ...] = (
    ("Conv2D", (48, 48, 64), 256),
    ("Conv2D", (48, 48, 64), 12352),
    ("BatchNormalization", (48, 48, 64), 256),
    ("Conv2D", (24, 24, 128), 24704),
    ("Conv2D", (24, 24, 128), 49280),
    ("BatchNormalization", (24, 24, 128), 512),
    ("Conv2D", (12, 12, 256), 98560),
    ("Conv2D", (12, 12, 256), 196864),
    ("BatchNormalization", (12, 12, 256), 1024),
    ("Conv2D", (6, 6, 512), 393728),
    ("Conv2D", (6, 6, 512), 786944),
    ("BatchNormalization", (6, 6, 512), 2048),
    ("Dense", (512,), 2359808),
    ("BatchNormalization", (512,), 2048),
)

LAYERS: dict[str, tuple[Layer, ...]] = {
    "fer2013": (*_BLOCKS, ("Dense", (7,), 3591)),
    "ckplus": (
        *_BLOCKS,
        ("Dense", (256,), 131328),
        ("BatchNormalization", (256,), 1024),
        ("Dense", (7,), 1799),
    ),
}
"""Figures 3.7 and 3.8: kind, output shape and parameters of each layer that has any."""

TOTALS: dict[str, tuple[int, int]] = {"fer2013": (3931975, 3929031), "ckplus": (4062535, 4059079)}
"""Parameters and trainable parameters of figures 3.7 and 3.8."""
