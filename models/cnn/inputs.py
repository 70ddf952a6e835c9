"""What the classifier takes: pictures, labels and groups, checked at the edge."""

from __future__ import annotations

from typing import Any

import numpy as np

PICTURE_SHAPE = (48, 48)
"""Height and width in pixels."""


def check_pictures(X: np.ndarray) -> np.ndarray:
    """Check pictures and give them a channel axis.

    Parameters
    ----------
    X : ndarray of uint8, shape (n, 48, 48) or (n, 48, 48, 1)
        Grey pictures.

    Returns
    -------
    ndarray of uint8, shape (n, 48, 48, 1)
        A view; a memory map stays one.

    Raises
    ------
    ValueError
        For another shape or type.
    """
    pictures = np.asanyarray(X)
    if pictures.shape[1:] not in (PICTURE_SHAPE, (*PICTURE_SHAPE, 1)):
        raise ValueError(
            "Expected grey pictures of shape (n, 48, 48) or (n, 48, 48, 1); "
            f"got an array of shape {pictures.shape}."
        )
    if pictures.dtype != np.uint8:
        raise ValueError(
            f"Expected pictures as uint8, values 0 to 255; got {pictures.dtype}. "
            "The network scales them itself."
        )
    return pictures.reshape(len(pictures), *PICTURE_SHAPE, 1)


def encode_labels(y: Any, n_pictures: int) -> tuple[np.ndarray, np.ndarray]:
    """Check labels and number the classes.

    Parameters
    ----------
    y : array-like of str or int, shape (n_pictures,)
        Labels.
    n_pictures : int
        How many there must be.

    Returns
    -------
    classes : ndarray, shape (n_classes,)
        The labels, sorted.
    codes : ndarray of int32, shape (n_pictures,)
        Position of each row's label in ``classes``.

    Raises
    ------
    ValueError
        For another length, mixed types, or fewer than two classes.
    """
    labels = np.asarray(y)
    if labels.shape != (n_pictures,):
        raise ValueError(
            f"Expected one label for each of {n_pictures} pictures; got shape {labels.shape}."
        )
    if labels.dtype == object:
        if not all(isinstance(label, str) for label in labels):
            raise ValueError("Expected labels that are all text or all whole numbers.")
        labels = labels.astype(str)
    if labels.dtype.kind not in "iubUS":
        raise ValueError(f"Expected labels as text or whole numbers; got {labels.dtype}.")
    classes, codes = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(f"Expected at least two classes; got {len(classes)}: {list(classes)}.")
    return classes, codes.astype(np.int32)


def encode_groups(groups: Any, n_pictures: int) -> np.ndarray:
    """Check groups and number them.

    Parameters
    ----------
    groups : array-like, shape (n_pictures,)
        Names or numbers of groups.
    n_pictures : int
        How many there must be.

    Returns
    -------
    ndarray of int64, shape (n_pictures,)
        Equal where the groups are.

    Raises
    ------
    ValueError
        For another length.
    """
    names = np.asarray(groups)
    if names.shape != (n_pictures,):
        raise ValueError(
            f"Expected one group for each of {n_pictures} pictures; got shape {names.shape}."
        )
    return np.unique(names.astype(str), return_inverse=True)[1]
