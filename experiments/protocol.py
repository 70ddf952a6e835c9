"""What a report says of the protocol: what was held out, and what leaked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mien.experiments.candidates import get_candidate
from mien.experiments.evaluate import FACELESS
from mien.experiments.folds import Folds, count_on_both_sides
from mien.experiments.row_data import RowData
from mien.experiments.scores import compute_scores
from mien.experiments.summary import choose_split


def describe_protocol(
    data: RowData,
    folds: Folds,
    *,
    nested: bool,
    parameters: Mapping[str, Mapping[str, Any]],
    tuned_on: Mapping[str, str],
    models: Mapping[str, Mapping[str, Any]],
    copies: Mapping[str, np.ndarray],
    kept_together: str = "",
) -> dict[str, Any]:
    """Return the results schema's ``protocol``.

    Parameters
    ----------
    data : RowData
    folds : Folds
    nested : bool
        Whether parameters were tuned inside each fold.
    parameters : mapping
        Complete parameters by model.
    tuned_on : mapping
        By model, the hash of the dataset that its parameters were chosen on.
    models : mapping
        The results schema's ``models``.
    copies : mapping of str to ndarray
        By fold, the test rows with an exact or near twin among the training rows; see
        :func:`mien.experiments.near_twins.find_copies`.
    kept_together : str
        What :meth:`mien.experiments.leaks.CheckedFolds.state` says.
    """
    near = len({int(i) for rows in copies.values() for i in rows})
    shared = {**count_on_both_sides(folds, data.store.rows), "near_twins": near}
    statement = _state(folds) + kept_together
    centred = [name for name, own in parameters.items() if own.get("centre") == "person"]
    if centred:
        statement += (
            f" The features of {', '.join(centred)} were centred on each person, without labels, "
            "over all pictures of that person on the same side of the fold: this figure holds "
            "where several pictures of a person are at hand, not for a single picture."
        )
    referred = [name for name, own in parameters.items() if own.get("centre") == "neutral"]
    if referred:
        statement += (
            f" From the features of {', '.join(referred)}, those of the person's own neutral face "
            "were subtracted. Neutral pictures were references for that: no model was fitted on "
            "them or scored on them, and persons without one were left out."
        )
    warnings = _warn(shared, folds, models) + _warn_of_tuning(data, folds, tuned_on)
    return {
        "scheme": folds.scheme,
        "repeats": folds.repeats,
        "seed": folds.seed,
        "nested": nested,
        "folds": len(folds.folds) // folds.repeats,
        "grouped_by": folds.grouped_by,
        "honest": not warnings,
        "warnings": warnings,
        "statement": statement,
        "on_both_sides": shared,
        "faceless": FACELESS,
        "folds_digest": folds.digest(),
    }


def _state(folds: Folds) -> str:
    kind = folds.scheme.partition(":")[0]
    if kind == "official":
        names = " and ".join(fold.split or "" for fold in folds.folds)
        return f"Every model was fitted on Training and predicted {names}, the dataset's own split."
    held_out = {
        "subject": "Each fold held out whole persons: nobody is on both sides.",
        "leave-one-subject-out": "Each fold held out one person, with all their pictures.",
        "stratified": "Each fold held out a random share of every class's pictures.",
        "random": "Each fold held out a random share of the pictures.",
        "random-holdout": "One random share of the pictures was held out.",
        "holdout": "One share was held out"
        + (
            ", of whole persons."
            if folds.grouped_by == "subject"
            else ", of every class's pictures."
        ),
    }[kind]
    return f"{held_out} All models used the same folds."


def score_without(
    model_folds: Sequence[Mapping[str, Any]], left_out: Mapping[str, np.ndarray], n_classes: int
) -> dict[str, float] | None:
    """Score a model without some of the rows that it predicted.

    Parameters
    ----------
    model_folds : sequence of mapping
        A model's folds of the results schema; of several splits, the one that decides counts.
    left_out : mapping of str to ndarray
        Row numbers by fold: exact twins of fitted rows, from
        :func:`mien.experiments.folds.find_twins`, near ones too, from
        :func:`mien.experiments.near_twins.find_copies`, or rows without measured landmarks, from
        :func:`find_placed`.
    n_classes : int

    Returns
    -------
    dict or None
        ``rows`` and the scores, all folds pooled; None where no row is left.
    """
    split = choose_split(model_folds)
    true: list[int] = []
    predicted: list[int] = []
    for fold in model_folds:
        if split is None or fold["split"] == split:
            kept = ~np.isin(fold["indices"], left_out[fold["name"]])
            true += np.asarray(fold["true"])[kept].tolist()
            predicted += np.asarray(fold["predicted"])[kept].tolist()
    if not true:
        return None
    return {"rows": len(true), **compute_scores(true, predicted, n_classes)}


def find_placed(folds: Folds, data: RowData) -> dict[str, np.ndarray]:
    """Return, by fold, the test rows in which no face was found."""
    return {fold.name: fold.test[~data.store.has_face[fold.test]] for fold in folds.folds}


def _warn(
    shared: Mapping[str, int | None], folds: Folds, models: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    warnings = []
    if shared["subjects"]:
        warnings.append(
            f"{_count(shared['subjects'], 'person is', 'persons are')} on both sides of a fold "
            f"({folds.scheme}): the figures say how well known people are recognised, not new "
            "ones. Compare with --cv subject:10."
        )
    if shared["sequences"]:
        warnings.append(
            f"{_count(shared['sequences'], 'sequence has', 'sequences have')} frames on both sides "
            "of a fold: nearly the same picture is fitted and predicted."
        )
    if shared["twins"]:
        warnings.append(
            f"{_count(shared['twins'], 'test picture has', 'test pictures have')} an exact copy "
            "among the rows that were fitted on in the same fold."
            + _tell_without(models, "without_twins")
        )
    if (shared["near_twins"] or 0) > (shared["twins"] or 0):
        warnings.append(
            f"{_count(shared['near_twins'], 'test picture has', 'test pictures have')} an exact or "
            "near copy among the rows that were fitted on: in another light or cut, or mirrored."
            + _tell_without(models, "without_near_twins")
        )
    return warnings


def _tell_without(models: Mapping[str, Mapping[str, Any]], key: str) -> str:
    told = [
        f"{model['title']}: {100 * model[key]['accuracy']:.1f} %"
        for model in models.values()
        if model.get(key)
    ]
    return f" Accuracy without them: {'; '.join(told)}." if told else ""


def _warn_of_tuning(data: RowData, folds: Folds, tuned_on: Mapping[str, str]) -> list[str]:
    """Parameters chosen by scores on the rows that are predicted make those rows' score too good.

    Under the dataset's own split, tuning never saw the test rows.
    """
    same = [n for n, told in tuned_on.items() if told == data.store.manifest["dataset_hash"]]
    if not same or folds.scheme == "official":
        return []
    advice = [
        "Compare with --nested." if any(map(_is_svm, same)) else "",
        "A network is not tuned inside the folds: choose its parameters on other pictures."
        if not all(map(_is_svm, same))
        else "",
    ]
    return [
        f"The parameters of {', '.join(same)} were chosen on the same pictures that are predicted "
        f"here, so these figures are a little too good. {' '.join(filter(None, advice))}"
    ]


def _is_svm(model: str) -> bool:
    return get_candidate(model).kind == "svm"


def _count(number: int | None, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"
