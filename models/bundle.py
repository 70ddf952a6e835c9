"""The file a user takes away: an estimator with all that is needed to predict from a picture."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mien.errors import MienError
from mien.features.registry import get_family
from mien.files import atomic_path
from mien.models.class_columns import spread_probabilities

BUNDLE_SCHEMA = "mien.bundle/1"


@dataclass(frozen=True)
class Bundle:
    """A fitted model and where it comes from.

    Attributes
    ----------
    model : str
        The candidate's name: ``svm-rbf``.
    estimator : object
        A fitted scikit-learn classifier with ``predict_proba``, whose classes are class indices.
    classes : tuple of str
        Class names; position is the class index.
    families : dict of str to int
        Feature families and their versions, in the order of the columns; empty for a model that
        reads the 48 x 48 pixels only.
    parameters : dict
        Parameters that the estimator was built from.
    detector : dict
        Name, version and bundle checksum of the detector that made the training features.
    training : dict
        Dataset name and hash, rows by class, and the split that was fitted on.
    versions : dict of str to str
        Of mien, scikit-learn, numpy and, for networks, Keras.
    with_pixels : bool
        Whether a model that reads features reads the pixels, too.
    schema : str
    """

    model: str
    estimator: Any
    classes: tuple[str, ...]
    families: dict[str, int]
    parameters: dict[str, Any]
    detector: dict[str, Any]
    training: dict[str, Any]
    versions: dict[str, str]
    with_pixels: bool = False
    schema: str = field(default=BUNDLE_SCHEMA)

    @property
    def reads_features(self) -> bool:
        """Whether the model reads features."""
        return bool(self.families)

    @property
    def reads_pixels(self) -> bool:
        """Whether the model reads pixels, instead of features or with them."""
        return self.with_pixels or not self.families

    def predict_proba(self, X: np.ndarray | tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """Return probabilities of all classes.

        Parameters
        ----------
        X : ndarray of float32, shape (n, width), or of uint8, shape (n, 48, 48), or both
            Features of the families in order, or grey pixels; for a model that reads both, a tuple
            of the two, with NaN in place of the features of a picture without a face.

        Returns
        -------
        ndarray of float64, shape (n, n_classes)
            Columns in the order of ``classes``; 0 for a class that no training row had.
        """
        found = np.asarray(self.estimator.predict_proba(X), dtype=np.float64)
        columns = np.asarray(self.estimator.classes_, dtype=int)
        return spread_probabilities(found, columns, len(self.classes))


def save_bundle(bundle: Bundle, target: Path, *, max_size: int | None = None) -> None:
    """Write a bundle with joblib, atomically.

    Parameters
    ----------
    bundle : Bundle
    target : Path
    max_size : int, optional
        Bytes that the file may have.

    Raises
    ------
    MienError
        If the file cannot be written, or would be larger than ``max_size``.
    """
    import joblib

    try:
        with atomic_path(target, durable=True) as path:
            joblib.dump(bundle, path, compress=3)
            _check_size(path.stat().st_size, max_size)
    except OSError as error:
        raise MienError(
            f"{target} cannot be written ({error.strerror}).", "Choose another file with --out."
        ) from error


def _check_size(size: int, allowed: int | None) -> None:
    if allowed is not None and size > allowed:
        raise MienError(
            f"The model's file needs {size / 1e6:.2f} MB, more than --max-size "
            f"{allowed / 1e6:.2f}MB.",
            "Raise --max-size, or choose families with fewer columns.",
        )


def load_bundle(source: str | Path) -> Bundle:
    """Read a bundle. A pickle can run code: read only files from people you trust.

    Raises
    ------
    MienError
        If the file is missing, is not a bundle, is of another schema, or was made with versions of
        feature families that this release does not compute.
    """
    import joblib

    path = Path(source)
    if not path.is_file():
        raise MienError(f"There is no model at {path}.", "Make one with mien export.")
    try:
        bundle = joblib.load(path)
    except Exception as error:  # a damaged pickle may raise anything
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise MienError(
            f"{path} is not a model that mien export wrote ({first}).", "Export it again."
        ) from error
    if not isinstance(bundle, Bundle):
        raise MienError(
            f"{path} holds {type(bundle).__name__}, not a model that mien export wrote.",
            "Export it again.",
        )
    if bundle.schema != BUNDLE_SCHEMA:
        raise MienError(
            f"{path} is a model of schema {bundle.schema!r}; this release reads {BUNDLE_SCHEMA!r}.",
            "Export it again, or install the release that made it "
            f"(mien {bundle.versions.get('mien', 'unknown')}).",
        )
    for name, version in bundle.families.items():
        if get_family(name).version != version:
            raise MienError(
                f"{path} was fitted on {name} of version {version}; this release computes version "
                f"{get_family(name).version}.",
                "Export it again, or install the release that made it "
                f"(mien {bundle.versions.get('mien', 'unknown')}).",
            )
    return bundle
