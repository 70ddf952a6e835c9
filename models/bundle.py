"""The file a user takes away: an estimator with all that is needed to predict from a picture."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mien.errors import MienError, first_line
from mien.files import atomic_path, writing
from mien.models.class_columns import spread_probabilities

BUNDLE_SCHEMA = "mien.bundle/2"
_LEVEL = 3


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
        Of mien, Python and the packages that features and predictions are computed with.
    with_pixels : bool
        Whether a model that reads features reads the pixels, too.
    schema : str
    threshold : float, optional
        A prediction whose highest probability is below it is abstained from.
    scores : dict
        Figures of held-out rows: ``evaluation`` and ``abstaining``, each perhaps None; see
        :mod:`mien.experiments.export_scores`.
    check : dict, optional
        ``inputs`` (ndarrays by name, of no person) and the ``probabilities`` that the exporting
        process computed of them; see :mod:`mien.models.bundle_check`.
    alignment : dict
        Where the eyes and the mouth lie in an aligned crop, as shares of its side, and the side of
        the crops that networks read; see :mod:`mien.features.alignment`.
    licence : str
        What must be known before the model is used or passed on.
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
    threshold: float | None = None
    scores: dict[str, Any] = field(default_factory=dict)
    check: dict[str, Any] | None = None
    alignment: dict[str, Any] = field(default_factory=dict)
    licence: str = ""

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

    def abstains(self, probabilities: np.ndarray) -> np.ndarray:
        """Tell from which predictions the model abstains: the highest probability is too low.

        Parameters
        ----------
        probabilities : ndarray of float, shape (n, n_classes)

        Returns
        -------
        ndarray of bool, shape (n,)
        """
        highest = np.asarray(probabilities).max(axis=1)
        return highest < (0.0 if self.threshold is None else self.threshold)


def save_bundle(bundle: Bundle, target: Path, *, max_size: int | None = None) -> None:
    """Write a bundle as a joblib file with its card in front, atomically.

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

    Notes
    -----
    The file is one that ``joblib.load`` reads; see :mod:`mien.models.bundle_file`.
    """
    import joblib

    from mien.models.bundle_file import write_with_card
    from mien.models.bundle_record import to_record

    with (
        writing(target, "Choose another file with --out."),
        atomic_path(target, durable=True) as path,
        tempfile.TemporaryFile(dir=path.parent) as stream,
    ):
        joblib.dump(bundle, stream, compress=("gzip", _LEVEL))
        write_with_card(stream, path, to_record(bundle))
        check_size(path.stat().st_size, max_size)


def check_size(size: int, allowed: int | None) -> None:
    """Refuse a file that is larger than ``--max-size``, where that is given; bytes."""
    if allowed is not None and size > allowed:
        raise MienError(
            f"The model's file needs {size / 1e6:.2f} MB, more than --max-size "
            f"{allowed / 1e6:.2f}MB.",
            "Raise --max-size, or choose families with fewer columns.",
        )


def load_bundle(source: str | Path, *, on_note: Callable[[str], None] | None = None) -> Bundle:
    """Read a bundle. A pickle can run code: read only files from people you trust.

    Parameters
    ----------
    source : str or Path
    on_note : callable, optional
        Called with a sentence where packages that predictions are computed with have other versions
        than where the model was made; by default the sentence is a warning.

    Returns
    -------
    Bundle
        Of this release's schema.

    Raises
    ------
    MienError
        If the file is missing, damaged, not a bundle or of a newer schema; if a feature family is
        not registered, or of another version than the model was fitted on; or if the model does not
        predict here what it predicted where it was made.
    """
    from mien.models.bundle_migration import migrate, require_schema
    from mien.models.bundle_versions import settle
    from mien.models.model_format import find_reader

    path = Path(source)
    if not path.is_file():
        raise MienError(f"There is no model at {path}.", "Make one with mien export.")
    reader = find_reader(path)
    bundle = reader.load(path) if reader else _load_joblib(path)
    require_schema(path, vars(bundle))
    bundle = migrate(path, bundle)
    if note := settle(path, bundle):
        if on_note:
            on_note(note)
        else:
            warnings.warn(note, stacklevel=2)
    return bundle


def _load_joblib(path: Path) -> Bundle:
    import joblib
    from sklearn.exceptions import InconsistentVersionWarning

    from mien.models.bundle_file import read_card, require_intact
    from mien.models.bundle_migration import require_schema

    if (card := read_card(path)) is not None:
        require_schema(path, card.record)
        require_intact(path, card)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InconsistentVersionWarning)
            bundle = joblib.load(path)
    except Exception as error:  # a damaged pickle may raise anything
        raise MienError(
            f"{path} is not a model that mien export wrote ({first_line(error)}).",
            "Export it again.",
        ) from error
    if not isinstance(bundle, Bundle):
        raise MienError(
            f"{path} holds {type(bundle).__name__}, not a model that mien export wrote.",
            "Export it again.",
        )
    return bundle
