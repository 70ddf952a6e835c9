"""A model file opened for prediction in a program."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self, overload

import numpy as np

from mien.models.bundle import Bundle, load_bundle
from mien.models.bundle_record import to_record
from mien.pipeline.landmarker_bundle import ensure_landmarker_bundle
from mien.pipeline.picture_inputs import Picture, to_pictures
from mien.pipeline.predict import Prediction, Predictor


def load(path: str | os.PathLike[str], *, landmarker: str | Path | None = None) -> Model:
    """Open a model that :func:`mien.export` or ``mien export`` wrote.

    A joblib file is a pickle, and a pickle can run code: load only files from people you trust.
    Where versions differ from those that the model was made with, a warning says what was checked.

    Parameters
    ----------
    path : str or path
    landmarker : str or Path, optional
        The face landmarker's model bundle. When left out it is looked for in the cache and, at the
        first picture, fetched if it is not there.

    Returns
    -------
    Model

    Raises
    ------
    MienError
        If the file is missing, is no model, or is one that this release does not read.

    Examples
    --------
    >>> import mien
    >>> with mien.load("model.joblib") as model:
    ...     found = model.predict("face.png")
    >>> found.label in model.classes
    True
    """
    bundle = load_bundle(Path(path), on_note=lambda note: warnings.warn(note, stacklevel=4))
    return Model(bundle, landmarker=landmarker)


class Model:
    """A fitted model that says the expression of faces in pictures.

    The face detector is started at the first picture and kept for the next ones. Use the model as
    a context manager, or close it, to free what the detector holds. Its methods may be used by one
    thread at a time.

    Parameters
    ----------
    bundle : Bundle
    landmarker : str or Path, optional
        See :func:`load`.

    Attributes
    ----------
    bundle : Bundle
        The estimator and where it comes from.

    Notes
    -----
    A picture is a path, the bytes of a picture file, a file opened in binary mode, an array or a
    PIL image. Arrays are grey, of the shape (height, width) or (height, width, 1), RGB (red first),
    of the shape (height, width, 3), or RGB with the opacity last, of the shape (height, width, 4),
    which is laid over white. They hold uint8, uint16 (which is divided by 257), bool, or floats
    from 0 to 1. A picture from OpenCV, which is BGR, is turned with ``picture[:, :, ::-1]``.
    """

    def __init__(self, bundle: Bundle, *, landmarker: str | Path | None = None) -> None:
        self.bundle = bundle
        self._landmarker = landmarker
        self._predictor: Predictor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Model({self.bundle.model}, classes={', '.join(self.classes)})"

    def close(self) -> None:
        """Free the detector's memory; it is taken again when it is needed."""
        if self._predictor is not None:
            self._predictor.close()

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, in the order of the probabilities."""
        return self.bundle.classes

    @property
    def card(self) -> dict[str, Any]:
        """What the file says of itself: families, parameters, training data, scores, versions."""
        return to_record(self.bundle)

    @overload
    def predict(self, pictures: Picture) -> Prediction: ...  # type: ignore[overload-overlap]

    @overload
    def predict(self, pictures: Iterable[Picture]) -> list[Prediction]: ...

    def predict(self, pictures: Picture | Iterable[Picture]) -> Prediction | list[Prediction]:
        """Say the expression of the most certain face of one picture, or of each of several.

        Parameters
        ----------
        pictures : picture, or iterable of pictures
            See the notes of this class.

        Returns
        -------
        Prediction or list of Prediction
            One for one picture, a list for several, in their order. A picture that is damaged, too
            small or too large, in which a model that reads features finds no face, or from which
            the model abstains, has a reason instead of a label.

        Raises
        ------
        MienError
            If something is not a picture, or a path leads to no file.
        """
        given, single = to_pictures(pictures)
        found = self._open().predict(given)
        return found[0] if single else found

    def predict_proba(self, pictures: Picture | Iterable[Picture]) -> np.ndarray:
        """Return the probabilities of the classes.

        Parameters
        ----------
        pictures : picture, or iterable of pictures
            See the notes of this class.

        Returns
        -------
        ndarray of float64, shape (n_classes,) for one picture, else (n, n_classes)
            Columns in the order of :attr:`classes`; NaN for a picture that has none.

        Raises
        ------
        MienError
            As :meth:`predict`.
        """
        given, single = to_pictures(pictures)
        rows = np.full((len(given), len(self.classes)), np.nan)
        for row, prediction in zip(rows, self._open().predict(given), strict=True):
            if prediction.probabilities:
                row[:] = list(prediction.probabilities.values())
        return rows[0] if single else rows

    def _open(self) -> Predictor:
        if self._predictor is None:
            bundle = ensure_landmarker_bundle(self._landmarker)
            self._predictor = Predictor(self.bundle, bundle)
        return self._predictor
