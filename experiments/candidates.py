"""Candidates: what can be compared, each with its view, its defaults and its search space."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from math import isfinite
from typing import TYPE_CHECKING, Any

from mien.errors import MienError
from mien.models.svm import SCALERS, SOLVER, build_svm

if TYPE_CHECKING:
    import optuna

PIXELS = "pixels"
_KINDS: dict[type, str] = {int: "a whole number", float: "a number", str: "a name"}


def _one_of(*names: str) -> tuple[Callable[[Any], bool], str]:
    return (lambda value: value in names), f"of {', '.join(names)}"


_RULES: dict[tuple[str, str], tuple[Callable[[Any], bool], str]] = {
    ("svm", "families"): (bool, "of a feature family, or several joined by +"),
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
        return () if self.kind == "cnn" else tuple(str(parameters["families"]).split("+"))

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

    def build(self, parameters: Mapping[str, Any], *, seed: int) -> Any:
        """Return an unfitted scikit-learn estimator."""
        if self.kind == "svm":
            return build_svm(self.kernel, parameters, seed=seed)
        from mien.models.cnn.classifier import CNNClassifier

        return CNNClassifier(**parameters, random_state=seed)

    def solver(self) -> str:
        """Say how the model is fitted."""
        if self.kind == "svm":
            return SOLVER
        return "Adam, early stopping on a fifth of the training rows"


_SVM = {
    "families": "patch_hog",
    "centre": "none",
    "scaler": "none",
    "pca": 0,
    "C": 10.0,
    "gamma": 2.0,
    "class_weight": "none",
}


def _cnn_defaults() -> dict[str, Any]:
    from dataclasses import asdict

    from mien.models.cnn.presets import get_preset

    return asdict(get_preset("thesis"))


def _candidates() -> dict[str, Candidate]:
    linear = {**_SVM, "C": 1.0, "gamma": 1.0}
    poly = {**_SVM, "C": 10.0, "gamma": 1.0, "degree": 3, "coef0": 1.0}
    return {
        "svm-linear": Candidate("svm-linear", "SVM, linear kernel", "svm", linear),
        "svm-poly": Candidate("svm-poly", "SVM, polynomial kernel", "svm", poly),
        "svm-rbf": Candidate("svm-rbf", "SVM, RBF kernel", "svm", _SVM),
        "cnn": Candidate("cnn", "CNN of the thesis", "cnn", _cnn_defaults()),
    }


CANDIDATE_NAMES: tuple[str, ...] = ("svm-linear", "svm-poly", "svm-rbf", "cnn")


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


def family_choices(families: tuple[str, ...]) -> list[str]:
    """Return the sets of families that a study tries: each alone, then everything together."""
    small = [name for name in ("geometry", "blendshapes") if name in families]
    choices = list(families)
    if len(small) == 2:
        choices.append("+".join(small))
    if len(families) > 2:
        choices.append("+".join(families))
    return choices


def suggest_svm(
    trial: optuna.Trial, candidate: Candidate, choices: list[str], components: list[int]
) -> dict[str, Any]:
    """Draw one set of an SVM's parameters.

    Parameters
    ----------
    trial : optuna.Trial
    candidate : Candidate
    choices : list of str
        Sets of families, names joined by ``+``.
    components : list of int
        Numbers of principal components; 0 is none.
    """
    drawn: dict[str, Any] = {
        "centre": "none",
        "families": trial.suggest_categorical("families", choices),
        "scaler": trial.suggest_categorical("scaler", list(SCALERS)),
        "pca": trial.suggest_categorical("pca", components),
        "C": trial.suggest_float("C", 1e-2, 1e3, log=True),
        "class_weight": trial.suggest_categorical("class_weight", ["none", "balanced"]),
    }
    if candidate.kernel == "linear":
        return {**drawn, "gamma": 1.0}
    drawn["gamma"] = trial.suggest_float("gamma", 0.1, 10.0, log=True)
    if candidate.kernel == "poly":
        drawn["degree"] = trial.suggest_int("degree", 2, 4)
        drawn["coef0"] = trial.suggest_float("coef0", 0.0, 2.0)
    return drawn


def svm_grid(candidate: Candidate, choices: list[str], components: list[int]) -> dict[str, list]:
    """Return the grid of ``--sampler grid``, over the names that :func:`suggest_svm` draws."""
    grid: dict[str, list] = {
        "families": choices,
        "scaler": ["none", "zscore"],
        "pca": components[:1],
        "C": [0.1, 1.0, 10.0, 100.0],
        "class_weight": ["none"],
    }
    if candidate.kernel != "linear":
        grid["gamma"] = [0.5, 1.0, 2.0, 4.0]
    if candidate.kernel == "poly":
        grid["degree"] = [2, 3]
        grid["coef0"] = [1.0]
    return grid


def grid_size(grid: Mapping[str, list]) -> int:
    """Return the number of points of a grid."""
    return len(list(product(*grid.values())))
