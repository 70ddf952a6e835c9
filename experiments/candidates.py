"""Candidates: what can be compared, each with its view and its defaults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from mien.errors import MienError
from mien.models.compact_machine import CompactSize
from mien.models.svm_pipeline import (
    COMBINATIONS,
    MIRRORS,
    SCALERS,
    SOLVERS,
    build_svm,
    describe_solver,
)
from mien.models.weighted_families import family_names, parse_families

PIXELS = "pixels"
_KINDS: dict[type, str] = {int: "a whole number", float: "a number", str: "a name"}


def _one_of(*names: str) -> tuple[Callable[[Any], bool], str]:
    return (lambda value: value in names), f"of {', '.join(names)}"


_RULES: dict[tuple[str, str], tuple[Callable[[Any], bool], str]] = {
    ("svm", "families"): (
        lambda value: bool(parse_families(value)),
        "of a feature family, or several joined by +",
    ),
    ("svm", "combine"): _one_of(*COMBINATIONS),
    ("svm", "mirror"): _one_of(*MIRRORS),
    ("svm", "solver"): _one_of(*SOLVERS),
    ("svm", "centre"): _one_of("none", "person", "neutral"),
    ("svm", "scaler"): _one_of(*SCALERS),
    ("svm", "class_weight"): _one_of("none", "balanced"),
    ("svm", "pca"): (lambda value: value >= 0, "of at least 0"),
    ("svm", "C"): (lambda value: value > 0, "above 0"),
    ("svm", "gamma"): (lambda value: value > 0, "above 0"),
    ("svm", "degree"): (lambda value: value >= 1, "of at least 1"),
}
"""What a value must be besides its type; a network checks its own."""


@dataclass(frozen=True)
class Candidate:
    """A model before it is fitted.

    Attributes
    ----------
    name : str
        ``svm-rbf``.
    title : str
        ``SVM, RBF kernel``.
    kind : {"svm", "cnn"}
    defaults : mapping
        Parameters used when none are given.
    """

    name: str
    title: str
    kind: str
    defaults: Mapping[str, Any]

    @property
    def kernel(self) -> str:
        """The SVM's kernel."""
        return self.name.removeprefix("svm-")

    def parameters(self, given: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the defaults, replaced by what is given.

        Raises
        ------
        MienError
            If a name is not one of this model's parameters, or a value is of another type than
            the default's or not allowed.
        """
        return {**self.defaults, **self.check(given or {})}

    def check(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is given, checked; raises as :meth:`parameters` does."""
        unknown = sorted(set(given) - set(self.defaults))
        if unknown:
            raise MienError(
                f"{self.name} has no parameter {', '.join(unknown)}.",
                f"It has: {', '.join(self.defaults)}.",
            )
        return {
            name: self._check_value(name, value, type(self.defaults[name]))
            for name, value in given.items()
        }

    def _check_value(self, name: str, value: Any, kind: type) -> Any:
        """Return a value of the default's type; a whole number will do for a float."""
        if kind is float and type(value) is int and abs(value) < 2**53:
            value = float(value)
        allowed, told = _RULES.get((self.kind, name), (lambda _: True, ""))
        finite = not isinstance(value, float) or isfinite(value)
        if type(value) is not kind or not finite or not allowed(value):
            expected = " ".join(filter(None, (_KINDS[kind], told)))
            raise MienError(f"{self.name}: {name} must be {expected}, not {value!r}.")
        return value

    def families(self, parameters: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the feature families that the model reads; none for pixels."""
        return () if self.kind == "cnn" else family_names(parameters["families"])

    def view(self, parameters: Mapping[str, Any]) -> str:
        """Say what the model reads: ``patch_hog+blendshapes`` or ``pixels``."""
        if self.kind == "cnn":
            return PIXELS
        centred = {
            "none": "",
            "person": ", centred on each person",
            "neutral": ", less each person's neutral face",
        }[parameters["centre"]]
        return f"{parameters['families']}{centred}"

    def build(
        self,
        parameters: Mapping[str, Any],
        *,
        seed: int,
        landmarks: int = 0,
        compact: CompactSize | None = None,
    ) -> Any:
        """Return an unfitted scikit-learn estimator.

        Parameters
        ----------
        parameters : mapping
            Complete.
        seed : int
        landmarks : int
            Approximate an SVM's kernel with so many training rows; 0 for the exact kernel.
        compact : CompactSize, optional
            Build a small least-squares SVM instead.
        """
        if self.kind == "svm":
            return build_svm(
                self.kernel, parameters, seed=seed, landmarks=landmarks, compact=compact
            )
        from mien.models.cnn.classifier import CNNClassifier

        return CNNClassifier(**parameters, random_state=seed)

    def solver(
        self,
        parameters: Mapping[str, Any],
        *,
        landmarks: int = 0,
        compact: CompactSize | None = None,
    ) -> str:
        """Say how the model is fitted: the solver, mirrored or not, approximated or not."""
        if self.kind == "svm":
            return describe_solver(parameters, landmarks=landmarks, compact=compact)
        return "Adam, early stopping on a fifth of the training rows"


_SVM = {
    "families": "patch_hog",
    "combine": "distances",
    "centre": "none",
    "scaler": "none",
    "pca": 0,
    "mirror": "none",
    "solver": "libsvm",
    "C": 10.0,
    "gamma": 2.0,
    "class_weight": "none",
}


def _cnn_defaults(preset: str) -> dict[str, Any]:
    from dataclasses import asdict

    from mien.models.cnn.presets import get_preset

    return asdict(get_preset(preset))


def _candidates() -> dict[str, Candidate]:
    linear = {**_SVM, "C": 1.0, "gamma": 1.0}
    poly = {**_SVM, "C": 10.0, "gamma": 1.0, "degree": 3, "coef0": 1.0}
    return {
        "svm-linear": Candidate("svm-linear", "SVM, linear kernel", "svm", linear),
        "svm-poly": Candidate("svm-poly", "SVM, polynomial kernel", "svm", poly),
        "svm-rbf": Candidate("svm-rbf", "SVM, RBF kernel", "svm", _SVM),
        "cnn": Candidate("cnn", "CNN of the thesis", "cnn", _cnn_defaults("thesis")),
        "cnn-modern": Candidate(
            "cnn-modern", "CNN of the thesis, trained well", "cnn", _cnn_defaults("modern")
        ),
        "cnn-compact": Candidate(
            "cnn-compact", "Compact CNN", "cnn", _cnn_defaults("compact")
        ),
    }


CANDIDATE_NAMES: tuple[str, ...] = (
    "svm-linear",
    "svm-poly",
    "svm-rbf",
    "cnn",
    "cnn-modern",
    "cnn-compact",
)

DEFAULT_MODELS: tuple[str, ...] = ("svm-linear", "svm-poly", "svm-rbf", "cnn")
"""What a comparison compares when nothing is named: what a small machine does in an hour or so."""


def get_candidate(name: str) -> Candidate:
    """Return the candidate of that name.

    Raises
    ------
    MienError
        If there is none; the message lists those that exist.
    """
    known = _candidates()
    if name not in known:
        raise MienError(f"There is no model {name!r}.", f"Use one or more of: {', '.join(known)}.")
    return known[name]
