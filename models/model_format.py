"""The formats of a model's file, and what each can hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from mien.errors import MienError
from mien.models.bundle import Bundle
from mien.models.calibrated import CalibratedClassifier
from mien.models.fused_machine import FusedMachine

FORMATS: tuple[str, ...] = ("joblib", "skops", "onnx")
"""A format's name is its suffix, too."""

_FIRST_BYTES = {b"PK\x03\x04": "skops", b"\x08": "onnx"}


def find_format(path: Path) -> str:
    """Tell a file's format by its suffix or, with any other suffix, by its first bytes.

    A file named ``.skops`` or ``.onnx`` is never read as a pickle, whatever it holds.

    Returns
    -------
    str
        One of :data:`FORMATS`; ``joblib`` for what looks like neither of the others.
    """
    named = suffix_format(path)
    if named is not None:
        return named
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError:
        return "joblib"
    return next((name for own, name in _FIRST_BYTES.items() if start.startswith(own)), "joblib")


class ModelReader(NamedTuple):
    """What reads the files of a format.

    Attributes
    ----------
    load : callable
        Called with a path; returns the bundle.
    read_record : callable
        Called with a path; returns the record alone, after a look at all checksums, without making
        any object.
    """

    load: Callable[[Path], Bundle]
    read_record: Callable[[Path], dict[str, Any]]


def find_reader(path: Path) -> ModelReader | None:
    """Return what reads a file of another format than joblib; None for the others."""
    file_format = find_format(path)
    if file_format == "skops":
        from mien.models.skops_file import load_skops, read_skops_record

        return ModelReader(load_skops, read_skops_record)
    if file_format == "onnx":
        from mien.models.onnx_file import load_onnx, read_onnx_record

        return ModelReader(load_onnx, read_onnx_record)
    return None


def suffix_format(path: Path) -> str | None:
    """Return the format that a file's suffix names; None where it names none."""
    suffix = path.suffix.lower().removeprefix(".")
    return suffix if suffix in FORMATS else None


def require_svm(bundle: Bundle, file_format: str) -> CalibratedClassifier:
    """Return a bundle's calibrated SVM.

    Raises
    ------
    MienError
        If the bundle holds something else.
    """
    found = bundle.estimator
    if isinstance(found, CalibratedClassifier) and isinstance(
        getattr(found, "estimator_", None), FusedMachine
    ):
        return found
    if bundle.reads_pixels:
        raise refuse_network(bundle.model, file_format)
    raise MienError(
        f"The format {file_format} holds SVMs that mien export fitted, not {type(found).__name__}.",
        "Export the model again from its store.",
    )


def refuse_network(model: str, file_format: str) -> MienError:
    """Return the error for a network, or a fusion with one, that shall be another file."""
    return MienError(
        f"{model} has a network, and the format {file_format} holds SVMs only.",
        "Write it as joblib: leave --format out, and name --out something like model.joblib.",
    )
