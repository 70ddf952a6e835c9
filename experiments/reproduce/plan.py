"""The runs behind each of the thesis's results: model, parameters, protocols, and how small."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from mien.experiments.reproduce.svm_choices import FOR_CK, FOR_FER2013, SvmChoice

CK, FER2013 = "ck", "fer2013"
NAMES: dict[str, str] = {CK: "CK+", FER2013: "FER2013"}
FAMILIES: dict[str, tuple[str, ...]] = {
    CK: (FOR_CK.family,),
    FER2013: ("points@primary=1", "points", "geometry"),
}
"""Families that are extracted where a path is not a store yet."""

QUICK_ROWS = 3000
QUICK_EPOCHS: dict[str, int] = {CK: 16, FER2013: 4}
CHOICE_ROWS, QUICK_CHOICE_ROWS = 8000, 1500


@dataclass(frozen=True)
class Protocol:
    """How rows are divided.

    Attributes
    ----------
    key : {"thesis", "honest"}
    scheme : str
        As ``mien compare --cv`` takes it.
    """

    key: str
    scheme: str

    @property
    def honest(self) -> bool:
        """Whether no person, sequence or twin may be on both sides."""
        return self.key == "honest"


@dataclass(frozen=True)
class Experiment:
    """One of the thesis's results.

    Attributes
    ----------
    key : str
        The thesis's section: ``4.1``.
    title : str
    dataset : {"ck", "fer2013"}
    model : str
        A candidate of ``mien compare``.
    parameters : dict
    protocols : tuple of Protocol
        The thesis's first.
    limit : int or None
        Rows, drawn with the shares of classes and splits kept.
    reduced : str
        What is smaller than in the thesis, for every figure; empty for nothing.
    choice : SvmChoice or None
        Of an SVM.
    """

    key: str
    title: str
    dataset: str
    model: str
    parameters: dict[str, Any]
    protocols: tuple[Protocol, ...]
    limit: int | None = None
    reduced: str = ""
    choice: SvmChoice | None = None


def plan_experiments(*, quick: bool = False) -> tuple[Experiment, ...]:
    """Return the thesis's four results.

    Parameters
    ----------
    quick : bool
        A subset of FER2013 and few epochs.
    """
    experiments = (
        Experiment(
            "4.1", "CNN on CK+", CK, "cnn", {"network": "ckplus"},
            _protocols("random-holdout:0.2", "holdout:0.2" if quick else "subject:5"),
        ),
        Experiment(
            "4.2", "CNN on FER2013", FER2013, "cnn", {},
            _protocols("random-holdout:0.2", "official"),
        ),
        Experiment(
            "4.3", "SVM on CK+", CK, FOR_CK.model, FOR_CK.parameters(),
            _protocols("random:10", "subject:10"), choice=FOR_CK,
        ),
        Experiment(
            "4.4", "SVM on FER2013", FER2013, FOR_FER2013.model, FOR_FER2013.parameters(),
            _protocols("random-holdout:0.25", "official"), choice=FOR_FER2013,
        ),
    )  # fmt: skip
    return tuple(map(_make_quick, experiments)) if quick else experiments


def _protocols(thesis: str, honest: str) -> tuple[Protocol, ...]:
    return (Protocol("thesis", thesis), Protocol("honest", honest))


def _make_quick(experiment: Experiment) -> Experiment:
    told = []
    limit = QUICK_ROWS if experiment.dataset == FER2013 else None
    if limit:
        told.append(f"{limit:,} rows at most")
    parameters = dict(experiment.parameters)
    if experiment.model == "cnn":
        parameters["epochs"] = QUICK_EPOCHS[experiment.dataset]
        told.append(f"{parameters['epochs']} of 25 epochs")
    reduced = f"quick: {', '.join(told)}" if told else "quick: nothing left out here"
    return replace(experiment, parameters=parameters, limit=limit, reduced=reduced)
