"""From a fitted model to a bundle: what it tells of itself, its figures, its threshold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from mien.errors import MienError
from mien.experiments.abstaining import choose_threshold, describe_threshold
from mien.experiments.candidates import Candidate
from mien.experiments.export_scores import describe_comparison, describe_held_out
from mien.experiments.held_out import HeldOutPredictions
from mien.experiments.row_data import RowData
from mien.models.bundle import Bundle
from mien.models.bundle_check import make_check
from mien.models.bundle_versions import describe_alignment, read_versions

_LICENCE = (
    "The model was fitted on {dataset}: the terms of that dataset hold for what is learnt from it. "
    "The software that made it is under the MIT licence."
)


@dataclass(frozen=True)
class CardOptions:
    """What the user says of a model's figures, threshold and licence.

    Attributes
    ----------
    results : mapping, optional
        Of the results schema: figures are taken from there.
    abstain_below : float, optional
        The threshold.
    target_accuracy : float, optional
        Choose the threshold that makes this share of the kept predictions right.
    licence : str
        A note of one's own; by default one that names the dataset.
    """

    results: Mapping[str, Any] | None = None
    abstain_below: float | None = None
    target_accuracy: float | None = None
    licence: str = ""

    def check(self) -> None:
        """Refuse options that contradict each other or are no shares.

        Raises
        ------
        MienError
            Naming the option.
        """
        given = {"--abstain-below": self.abstain_below, "--target-accuracy": self.target_accuracy}
        for option, share in given.items():
            if share is not None and not 0 <= share <= 1:
                raise MienError(
                    f"{option} must be between 0 and 1, not {share:g}.", "For example 0.5."
                )
        if None not in given.values():
            raise MienError(
                "--abstain-below and --target-accuracy both choose the threshold.", "Give one."
            )


class FittedModel(NamedTuple):
    """A fitted model and what its fit leaves behind.

    Attributes
    ----------
    estimator : object
    rows : ndarray of int64
        Row numbers that it was fitted on.
    solver : str
    features : ndarray of float32, shape (n, width), or None
        That it was fitted on; None of a network alone.
    held_out : HeldOutPredictions or None
        None where too few rows could be held out.
    """

    estimator: Any
    rows: np.ndarray
    solver: str
    features: np.ndarray | None
    held_out: HeldOutPredictions | None


def find_comparison(
    card: CardOptions, data: RowData, candidate: Candidate, parameters: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Return the figures of the comparison that was named; raises as the functions it calls do."""
    card.check()
    if card.results is None:
        return None
    return describe_comparison(card.results, data, candidate, parameters)


def make_bundle(
    data: RowData,
    candidate: Candidate,
    parameters: dict[str, Any],
    fitted: FittedModel,
    *,
    card: CardOptions,
    compared: dict[str, Any] | None,
    split: str | None,
    seed: int,
) -> Bundle:
    """Make a bundle of a fitted model.

    Parameters
    ----------
    data : RowData
    candidate : Candidate
    parameters : dict
        Complete.
    fitted : FittedModel
    card : CardOptions
    compared : dict, optional
        Figures from :func:`find_comparison`; else they are of held-out rows.
    split : str, optional
        The dataset's split that was fitted on.
    seed : int

    Raises
    ------
    MienError
        If the target accuracy cannot be reached.
    """
    manifest = data.store.manifest
    counts = Counter(data.codes[fitted.rows].tolist())
    held = fitted.held_out
    evaluation = compared or (describe_held_out(data, held, seed=seed) if held else None)
    abstaining = _choose_abstaining(data, card, held)
    bundle = Bundle(
        model=candidate.name,
        estimator=fitted.estimator,
        classes=data.classes,
        families={
            name: manifest["families"][name]["version"] for name in candidate.families(parameters)
        },
        parameters=parameters,
        detector={key: manifest["detector"][key] for key in ("name", "version", "bundle_sha256")},
        training={
            "dataset": manifest["name"],
            "dataset_hash": manifest["dataset_hash"],
            "split": split,
            "rows": len(fitted.rows),
            "solver": fitted.solver,
            "class_counts": {name: counts[i] for i, name in enumerate(data.classes)},
        },
        versions=read_versions(network=candidate.kind != "svm"),
        with_pixels=candidate.kind == "fusion",
        threshold=abstaining["threshold"] if abstaining else card.abstain_below,
        scores={"evaluation": evaluation, "abstaining": abstaining},
        alignment=describe_alignment(),
        licence=card.licence or _LICENCE.format(dataset=manifest["name"]),
    )
    return replace(bundle, check=make_check(bundle, fitted.features, seed=seed))


def _choose_abstaining(
    data: RowData, card: CardOptions, held: HeldOutPredictions | None
) -> dict[str, Any] | None:
    """Describe the threshold by held-out rows; None without one, or without such rows."""
    if card.abstain_below is None and card.target_accuracy is None:
        return None
    if held is None:
        if card.target_accuracy is None:
            return None
        raise MienError(
            "--target-accuracy needs held-out predictions, and too few rows could be held out.",
            "Set the threshold by hand with --abstain-below, or use more pictures.",
        )
    true, threshold = data.codes[held.rows], card.abstain_below
    if card.target_accuracy is not None:
        threshold = choose_threshold(held.probabilities, true, card.target_accuracy)
    assert threshold is not None
    return {
        "target": card.target_accuracy,
        **describe_threshold(held.probabilities, true, threshold),
    }
