"""What the thesis leaves open about its SVM: the features, their scaling, the kernel."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

from mien.features.registry import get_family

TEXT = (
    "Feature extraction: “detecting and extracting the facial landmarks, such as the eyes, nose, "
    "and mouth, and representing them as numerical features” (3.2.2); “a landmark's local texture "
    "or the pairwise placements of two landmark points are examples of features” (1.2). Scaling: "
    "“Z-score normalization and Min-Max scaling” (3.2.2). Kernels: “linear, polynomial, and radial "
    "basis function” (3.2.1). C, gamma and the degree are not given: here they are close to "
    "scikit-learn's defaults. That class weights were balanced is not said; a recall of .54 at a "
    "precision of .09 for disgust shows it."
)
"""Where the thesis says what its SVM reads."""

FEATURES: dict[str, str] = {
    "points@primary=1": "coordinates of the 13 primary landmarks",
    "points": "coordinates of the 64 landmarks",
    "geometry": "pairwise placements: distances, angles, ratios of the 64 landmarks, face aligned",
    "patch_hog": "local texture around the landmarks",
}
"""Readings of the thesis's features, plainest first, by family."""

SCALERS: dict[str, str] = {"zscore": "z-score", "minmax": "min-max"}
KERNELS: dict[str, str] = {
    "svm-linear": "linear",
    "svm-poly": "polynomial",
    "svm-rbf": "RBF",
}


_MEAN_SQUARES = {"zscore": 1.0, "minmax": 0.25}
"""Of a scaled column; the linear kernel is divided by their sum, so C is multiplied by it."""


@dataclass(frozen=True)
class SvmChoice:
    """One reading of the thesis's SVM.

    Attributes
    ----------
    family : str
        Key of :data:`FEATURES`.
    scaler : str
        Key of :data:`SCALERS`.
    model : str
        Key of :data:`KERNELS`.
    """

    family: str
    scaler: str
    model: str

    def parameters(self) -> dict[str, Any]:
        """Return the candidate's parameters: close to scikit-learn's defaults, in Mien's units."""
        own: dict[str, Any] = {
            "families": self.family,
            "scaler": self.scaler,
            "class_weight": "balanced",
            "C": 1.0,
        }
        if self.model == "svm-linear":
            own["C"] = _MEAN_SQUARES[self.scaler] * get_family(self.family).width
        if self.model == "svm-poly":
            own["coef0"] = 0.0
        return own

    def describe(self) -> str:
        """Say the choice in words."""
        return f"{FEATURES[self.family]}; {SCALERS[self.scaler]}; {KERNELS[self.model]} kernel"


FOR_FER2013 = SvmChoice("points@primary=1", "minmax", "svm-linear")
"""For 4.4: the plainest of these readings, Table 1.1's first tier as plain numbers "to a range
between 0 and 1" (3.2.2), with "the simplest and most commonly used kernel" (3.2.1)."""

FOR_CK = SvmChoice("patch_hog", "zscore", "svm-rbf")
"""For 4.3, “selected … differently for each dataset” (5): the text's local texture."""


def list_choices(families: tuple[str, ...]) -> list[SvmChoice]:
    """Return every combination whose family is there, the families' plainest first."""
    named = (family for family in FEATURES if family in families)
    return [SvmChoice(*parts) for parts in product(named, SCALERS, KERNELS)]
