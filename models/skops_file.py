"""The safe file: an SVM as skops writes it, arrays and a few classes by name, no code."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

import numpy as np

from mien.errors import MienError, first_line
from mien.models.bundle import Bundle
from mien.models.bundle_migration import require_schema
from mien.models.bundle_record import from_record, to_record
from mien.models.calibrated import CalibratedClassifier
from mien.models.check_arrays import pack_check, unpack_check
from mien.models.checked_file import Agreement, write_checked
from mien.models.fused_machine import FusedMachine, KernelHead, LinearHead
from mien.models.fused_view import FusedView
from mien.models.model_format import require_svm
from mien.models.optional_package import import_optional

RECORD = "mien.json"
"""The bundle's record, beside what skops writes into the zip file."""

CHECK = "check.npz"
"""Its reference inputs and predictions, where it has them."""

TRUSTED: tuple[str, ...] = (
    "mien.models.calibrated.CalibratedClassifier",
    "mien.models.fused_machine.FusedMachine",
    "mien.models.fused_machine.KernelHead",
    "mien.models.fused_machine.LinearHead",
    "mien.models.fused_view.FusedView",
    "mien.models.fused_view.Projection",
    "mien.models.kernels.Kernel",
)
"""All classes that are loaded, beside skops' own list of numpy's and scikit-learn's."""

_LEVEL = 3


def require_skops() -> None:
    """Refuse to go on without skops.

    Raises
    ------
    MienError
        If it is not installed.
    """
    _import_skops()


def save_skops(
    bundle: Bundle, target: Path, features: np.ndarray, *, max_size: int | None = None
) -> Agreement:
    """Write an SVM's bundle with skops, atomically, and check that it predicts the same.

    Parameters
    ----------
    bundle : Bundle
    target : Path
    features : ndarray of float32, shape (n, width)
        Rows to compare predictions on.
    max_size : int, optional
        Bytes that the file may have.

    Raises
    ------
    MienError
        If skops is not installed, the bundle is not an SVM's, or see
        :func:`mien.models.checked_file.write_checked`.

    Notes
    -----
    The pipelines that the SVM was built from are left out: predictions do not need them.
    """
    skops = _import_skops()
    estimator = _without_templates(require_svm(bundle, "skops"))
    record = json.dumps(to_record(bundle), ensure_ascii=False)

    def write(path: Path) -> None:
        skops.dump(estimator, path, compression=ZIP_DEFLATED, compresslevel=_LEVEL)
        with ZipFile(path, "a", ZIP_DEFLATED) as archive:
            archive.writestr(RECORD, record)
            if bundle.check is not None:
                archive.writestr(CHECK, pack_check(bundle.check))

    return write_checked(bundle, target, features, write=write, load=load_skops, max_size=max_size)


def load_skops(path: Path) -> Bundle:
    """Read a bundle that :func:`save_skops` wrote; nothing in the file is run.

    Raises
    ------
    MienError
        If skops is not installed, the file is damaged or of something else, or it names a class
        that no model of ``mien export`` has.
    """
    record, check = _read_entries(path)
    require_schema(path, record)
    skops = _import_skops()
    try:
        estimator = skops.load(path, trusted=list(TRUSTED))
        if strange := _find_strange(estimator):
            raise MienError(f"{path} holds {strange}, not an SVM that mien export wrote.")
        return replace(from_record(record, estimator), check=check)
    except MienError:
        raise
    except skops.exceptions.UntrustedTypesFoundException as error:
        names = ", ".join(sorted({*skops.get_untrusted_types(file=path)} - {*TRUSTED}))
        raise MienError(
            f"{path} names classes that no model of mien export has: {names}. It was not loaded.",
            "Ask the one who made it for a model that mien export wrote.",
        ) from error
    except Exception as error:  # a damaged file may raise anything
        raise _damaged(path, error) from error


def read_skops_record(path: Path) -> dict[str, Any]:
    """Read a bundle's record alone: no object is made, and skops is not needed.

    Raises
    ------
    MienError
        If the file is damaged or of something else.
    """
    try:
        with ZipFile(path) as archive:
            if wrong := archive.testzip():
                raise BadZipFile(f"the checksum of its entry {wrong} is wrong")
    except Exception as error:  # a damaged file may raise anything
        raise _damaged(path, error) from error
    return _read_entries(path)[0]


def _read_entries(path: Path) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Read the record and the reference predictions."""
    try:
        with ZipFile(path) as archive:
            record = json.loads(archive.read(RECORD))
            has_check = CHECK in archive.namelist()
            return {**record}, unpack_check(archive.read(CHECK)) if has_check else None
    except Exception as error:  # a damaged file may raise anything
        raise _damaged(path, error) from error


def _import_skops() -> Any:
    module = import_optional("skops.io", extra="skops", purpose="A model in the format skops")
    import_optional("skops.io.exceptions", extra="skops", purpose="A model in the format skops")
    return module


def _damaged(path: Path, error: Exception) -> MienError:
    return MienError(
        f"{path} is not a skops model that mien export wrote, or it is damaged "
        f"({first_line(error)}).",
        "Export it again.",
    )


def _without_templates(fitted: CalibratedClassifier) -> CalibratedClassifier:
    """Return a copy without the estimators that it and its machine were cloned from."""
    bare, machine = copy.copy(fitted), copy.copy(fitted.estimator_)
    machine.pipeline = None
    bare.estimator, bare.estimator_ = None, machine
    return bare


def _find_strange(found: Any) -> str:
    """Return the name of what is in the place of an SVM or of a part of one; empty if nothing."""
    machine = getattr(found, "estimator_", None)
    parts: list[tuple[Any, Any]] = [
        (found, CalibratedClassifier),
        (machine, FusedMachine),
        (getattr(machine, "view_", None), FusedView),
        (getattr(machine, "head_", None), (LinearHead, KernelHead)),
    ]
    return next((type(own).__name__ for own, kind in parts if not isinstance(own, kind)), "")
