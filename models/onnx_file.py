"""An SVM as an ONNX file, which works without Mien and without Python, and the way back."""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode, b64encode
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mien.errors import MienError, first_line
from mien.models.bundle import Bundle
from mien.models.bundle_migration import require_schema
from mien.models.bundle_record import from_record, to_record
from mien.models.check_arrays import pack_check, unpack_check
from mien.models.checked_file import Agreement, write_checked
from mien.models.dots import BLOCK
from mien.models.model_format import require_svm
from mien.models.onnx_graph import INPUT, PROBABILITIES, build_model
from mien.models.optional_package import import_optional

RECORD = "mien.record"
"""Key of the bundle's record among the model's metadata."""

CHECK = "mien.check"
"""Key of its reference inputs and predictions, where it has them, in base 64."""

# One metadata entry, as protobuf writes it: messages written one after another are one message.
_SEAL = b"\x72\x4f\x0a\x0bmien.sha256\x12\x40"
_DIGITS = 64
_SILENT = 4


class OnnxClassifier:
    """A classifier on a session of onnxruntime.

    Parameters
    ----------
    session : onnxruntime.InferenceSession

    Attributes
    ----------
    classes_ : ndarray of int, shape (n_classes,)
        All class indices.
    n_features_in_ : int
    """

    def __init__(self, session: Any) -> None:
        self._session = session
        self.n_features_in_ = int(session.get_inputs()[0].shape[1])
        self.classes_ = np.arange(session.get_outputs()[1].shape[1])

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return probabilities; float32, shape (n, n_classes).

        Raises
        ------
        ValueError
            If X has another number of columns, or values that are not finite.
        """
        X = np.ascontiguousarray(X, dtype=np.float32)
        if X.ndim != 2 or X.shape[1] != self.n_features_in_:
            raise ValueError(
                f"expected rows of {self.n_features_in_} features, got shape {X.shape}"
            )
        if not np.isfinite(X).all():
            raise ValueError("expected finite features, got NaN or infinity")
        parts = [self._run(X[start : start + BLOCK]) for start in range(0, len(X), BLOCK)]
        return np.concatenate(parts) if parts else np.empty((0, len(self.classes_)), np.float32)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the most probable class, shape (n,)."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def _run(self, X: np.ndarray) -> np.ndarray:
        found: np.ndarray = self._session.run([PROBABILITIES], {INPUT: X})[0]
        return found


def require_onnx() -> None:
    """Refuse to go on without what writes ONNX files and what checks them.

    Raises
    ------
    MienError
        If onnx or onnxruntime is not installed.
    """
    import_optional("onnx", extra="onnx", purpose="Writing the format onnx")
    _import_runtime()


def save_onnx(
    bundle: Bundle, target: Path, features: np.ndarray, *, max_size: int | None = None
) -> Agreement:
    """Write an SVM's bundle as an ONNX file, atomically, and check that it predicts the same.

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
        If onnx or onnxruntime is not installed, the bundle is not an SVM's, its arrays have more
        than 2 GB, or see :func:`mien.models.checked_file.write_checked`.
    """
    _import_runtime()
    model = build_model(require_svm(bundle, "onnx"), len(bundle.classes))
    for key, value in _describe(bundle).items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    content = model.SerializeToString()
    del model

    def write(path: Path) -> None:
        with path.open("wb") as file:
            file.write(content)
            file.write(_seal(content))

    return write_checked(bundle, target, features, write=write, load=load_onnx, max_size=max_size)


def load_onnx(path: Path) -> Bundle:
    """Read a bundle that :func:`save_onnx` wrote.

    Returns
    -------
    Bundle
        Its estimator is an :class:`OnnxClassifier`.

    Raises
    ------
    MienError
        If onnxruntime is not installed, or the file is damaged or of something else.
    """
    content = _read_sealed(path)
    runtime = _import_runtime()
    try:
        session = _start_session(runtime, content)
        entries = session.get_modelmeta().custom_metadata_map
        record = json.loads(entries[RECORD])
        require_schema(path, record)
        check = unpack_check(b64decode(entries[CHECK])) if CHECK in entries else None
        return replace(from_record(record, OnnxClassifier(session)), check=check)
    except MienError:
        raise
    except Exception as error:  # of the runtime, whose errors have no common class
        raise _foreign(path, error) from error


def read_onnx_record(path: Path) -> dict[str, Any]:
    """Read a bundle's record alone: nothing is computed, and onnxruntime is not needed.

    Raises
    ------
    MienError
        If onnx is not installed, or the file is damaged or of something else.
    """
    content = _read_sealed(path)
    onnx = import_optional("onnx", extra="onnx", purpose="A model in the format onnx")
    try:
        model = onnx.ModelProto.FromString(content)
        entries = {entry.key: entry.value for entry in model.metadata_props}
        record: dict[str, Any] = json.loads(entries[RECORD])
        return {**record}
    except Exception as error:  # of protobuf, whose errors have no common class
        raise _foreign(path, error) from error


def _describe(bundle: Bundle) -> dict[str, str]:
    """Return the model's metadata."""
    told = {RECORD: json.dumps(to_record(bundle), ensure_ascii=False)}
    if bundle.check is not None:
        told[CHECK] = b64encode(pack_check(bundle.check)).decode()
    return told


def _import_runtime() -> Any:
    return import_optional("onnxruntime", extra="onnx", purpose="A model in the format onnx")


def _start_session(runtime: Any, content: bytes) -> Any:
    """Start a session on this process' processors, whose threads sleep between predictions."""
    import joblib

    options = runtime.SessionOptions()
    options.intra_op_num_threads = joblib.cpu_count()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = _SILENT
    return runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _seal(content: bytes | memoryview) -> bytes:
    """Return the checksum as a metadata entry, to be written behind the content."""
    return _SEAL + hashlib.sha256(content).hexdigest().encode()


def _read_sealed(path: Path) -> bytes:
    """Read a file whose checksum is right."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise MienError(f"{path} cannot be read ({error.strerror}).") from error
    length = len(_SEAL) + _DIGITS
    start = content[-length:-_DIGITS]
    if start != _SEAL:
        raise MienError(
            f"{path} is not an ONNX model that mien export wrote, or it is cut short (its checksum "
            "is not at the end).",
            "Export it again. Mien reads no other ONNX files, and none that were changed.",
        )
    if _seal(memoryview(content)[:-length]) != content[-length:]:
        raise MienError(
            f"{path} is damaged: its content does not have its checksum.", "Export it again."
        )
    return content


def _foreign(path: Path, error: Exception) -> MienError:
    return MienError(
        f"{path} is not an ONNX model that this release reads ({first_line(error)}).",
        "Export it again.",
    )
