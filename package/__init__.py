"""Facial expression recognition with landmarks, classical machine learning and a CNN to compare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mien.errors import MienError

if TYPE_CHECKING:
    from mien.experiments.api.compare import Comparison, compare
    from mien.experiments.api.export import export
    from mien.experiments.api.extract import extract
    from mien.experiments.api.tune import TunedResult, tune
    from mien.pipeline.model import Model, load
    from mien.pipeline.predict import Prediction
    from mien.pipeline.store import FeatureStore

__version__ = "0.1.0"
__all__ = [
    "Comparison",
    "FeatureStore",
    "MienError",
    "Model",
    "Prediction",
    "TunedResult",
    "compare",
    "export",
    "extract",
    "load",
    "tune",
]

_MODULES = {
    "Comparison": "experiments.api.compare",
    "FeatureStore": "pipeline.store",
    "Model": "pipeline.model",
    "Prediction": "pipeline.predict",
    "TunedResult": "experiments.api.tune",
    "compare": "experiments.api.compare",
    "export": "experiments.api.export",
    "extract": "experiments.api.extract",
    "load": "pipeline.model",
    "tune": "experiments.api.tune",
}
"""Where names come from that are imported when they are first used."""

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name not in _MODULES:
            raise AttributeError(f"module 'mien' has no attribute {name!r}")
        from importlib import import_module

        value = getattr(import_module(f"mien.{_MODULES[name]}"), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
