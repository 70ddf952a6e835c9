"""Candidates: what can be compared, each with its view and its defaults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, NamedTuple

from mien.errors import MienError
from mien.models.cnn.augmentation import AUGMENTATIONS
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
_SVM_NAMES = ("svm-linear", "svm-poly", "svm-rbf")
_CNN_NAMES = ("cnn", "cnn-modern", "cnn-compact")
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
    ("fusion", "svm"): _one_of(*_SVM_NAMES),
    ("fusion", "cnn"): _one_of(*_CNN_NAMES),
    ("fusion", "inner"): (lambda value: value >= 1, "of at least 1"),
    ("fusion", "C"): (lambda value: value > 0, "above 0"),
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
    kind : {"svm", "cnn", "fusion"}
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
                f"It has: {', '.join(name for name in self.defaults if '.' not in name)}.",
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

    def part_names(self, given: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
        """Return the names of the models that this one is made of: none, but of a fusion.

        Parameters
        ----------
        given : mapping of str to mapping
            Parameters by model.
        """
        del given
        return ()

    def gather(self, given: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """Return what is given for this model, and for its parts, of parameters by model."""
        return dict(given.get(self.name, {}))

    def parts(self, parameters: Mapping[str, Any]) -> tuple[Part, ...]:
        """Return a fusion's SVM and network; nothing of another model."""
        del parameters
        return ()

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
        return describe_training(parameters)


def describe_training(parameters: Mapping[str, Any]) -> str:
    """Say how a network is trained: the optimiser, what changes its pictures, what ends it."""
    kind = "AdamW" if parameters["weight_decay"] else "Adam"
    step = f"{parameters['learning_rate']:g}"
    if parameters["schedule"] == "cosine":
        step += " falling along a cosine"
    changes = any(parameters[name] for name in AUGMENTATIONS)
    changed = ", pictures changed at random" if changes else ""
    return (
        f"{kind} at {step}, batches of {parameters['batch_size']}{changed}, early stopping on "
        f"{parameters['validation_fraction']:.0%} of the training rows"
    )


class Part(NamedTuple):
    """A model that a fusion is made of, with its complete parameters."""

    candidate: Candidate
    parameters: dict[str, Any]


@dataclass(frozen=True)
class FusionCandidate(Candidate):
    """An SVM and a network, whose outputs a small model combines.

    Its complete parameters hold those of its parts, by names like ``svm-rbf.C``.

    Attributes
    ----------
    choices : mapping of str to Candidate
        What its parts can be.
    """

    choices: Mapping[str, Candidate]

    def parameters(self, given: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the defaults, replaced by what is given; see :meth:`Candidate.parameters`."""
        checked = self.check(given or {})
        own = {**{name: self.defaults[name] for name in _FUSION}, **_without_parts(checked)}
        return own | {
            f"{name}.{key}": value
            for name in (own["svm"], own["cnn"])
            for key, value in self.choices[name].parameters(_of_part(checked, name)).items()
        }

    def check(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is given, checked; raises as :meth:`parameters` does."""
        checked = super().check(_without_parts(given))
        names = tuple(checked.get(key, self.defaults[key]) for key in ("svm", "cnn"))
        stray = sorted({name.rpartition(".")[0] for name in given if "." in name} - set(names))
        if stray:
            raise MienError(
                f"{self.name} is of {' and '.join(names)}, not of {', '.join(stray)}.",
                f"Choose its parts with --set {self.name}.svm and --set {self.name}.cnn.",
            )
        for name in names:
            own = self.choices[name].check(_of_part(given, name))
            checked |= {f"{name}.{key}": value for key, value in own.items()}
        return checked

    def part_names(self, given: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
        """Return the names of its SVM and its network; see :meth:`Candidate.part_names`."""
        own = super().check(_without_parts(given.get(self.name, {})))
        return tuple(own.get(key, self.defaults[key]) for key in ("svm", "cnn"))

    def gather(self, given: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """Return what is given for it and its parts; what is given by a part's name counts."""
        own = super().gather(given)
        gathered = _without_parts(own)
        for name in self.part_names(given):
            part = _of_part(own, name) | dict(given.get(name, {}))
            gathered |= {f"{name}.{key}": value for key, value in part.items()}
        return gathered

    def parts(self, parameters: Mapping[str, Any]) -> tuple[Part, ...]:
        """Return its SVM and its network with their parameters, of its complete parameters."""
        names = (parameters["svm"], parameters["cnn"])
        return tuple(Part(self.choices[name], _of_part(parameters, name)) for name in names)

    def families(self, parameters: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the feature families that its SVM reads."""
        svm, _ = self.parts(parameters)
        return svm.candidate.families(svm.parameters)

    def view(self, parameters: Mapping[str, Any]) -> str:
        """Say what its parts read: ``patch_hog and pixels``."""
        parts = self.parts(parameters)
        return " and ".join(part.candidate.view(part.parameters) for part in parts)

    def build(
        self,
        parameters: Mapping[str, Any],
        *,
        seed: int,
        landmarks: int = 0,
        compact: CompactSize | None = None,
    ) -> Any:
        """Return what combines the parts' outputs, unfitted; its parts are built by themselves."""
        from mien.models.fusion import ScoreCombiner

        del seed, landmarks, compact
        return ScoreCombiner(C=parameters["C"])

    def solver(
        self,
        parameters: Mapping[str, Any],
        *,
        landmarks: int = 0,
        compact: CompactSize | None = None,
    ) -> str:
        """Say how its parts are combined, on which rows, and how they are fitted."""
        svm, cnn = self.parts(parameters)
        rows = (
            "on the training rows that the network held back for early stopping (neither part was "
            "fitted on them, but the network's best epoch was chosen by its loss on them)"
            if parameters["inner"] == 1
            else f"on predictions in {parameters['inner']} inner folds of the training rows"
        )
        fitted = svm.candidate.solver(svm.parameters, landmarks=landmarks, compact=compact)
        return (
            "multinomial logistic regression on the standardised scores of the SVM and the "
            f"log-probabilities of the network, fitted {rows}. {svm.candidate.title}: {fitted}. "
            f"{cnn.candidate.title}: {cnn.candidate.solver(cnn.parameters)}"
        )


def _without_parts(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if "." not in name}


def _of_part(parameters: Mapping[str, Any], name: str) -> dict[str, Any]:
    start = f"{name}."
    return {
        key.removeprefix(start): value for key, value in parameters.items() if key.startswith(start)
    }


_FUSION = {"svm": "svm-rbf", "cnn": "cnn-compact", "inner": 1, "C": 0.1}

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
    single = {
        "svm-linear": Candidate("svm-linear", "SVM, linear kernel", "svm", linear),
        "svm-poly": Candidate("svm-poly", "SVM, polynomial kernel", "svm", poly),
        "svm-rbf": Candidate("svm-rbf", "SVM, RBF kernel", "svm", _SVM),
        "cnn": Candidate("cnn", "CNN of the thesis", "cnn", _cnn_defaults("thesis")),
        "cnn-modern": Candidate(
            "cnn-modern", "CNN of the thesis, trained well", "cnn", _cnn_defaults("modern")
        ),
        "cnn-compact": Candidate("cnn-compact", "Compact CNN", "cnn", _cnn_defaults("compact")),
    }
    of_parts = {
        f"{name}.{key}": value
        for name in (_FUSION["svm"], _FUSION["cnn"])
        for key, value in single[str(name)].defaults.items()
    }
    fusion = FusionCandidate(
        "fusion", "Fusion of SVM and CNN", "fusion", {**_FUSION, **of_parts}, single
    )
    return {**single, fusion.name: fusion}


CANDIDATE_NAMES: tuple[str, ...] = (*_SVM_NAMES, *_CNN_NAMES, "fusion")

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
