"""What a model's predictions say of it beyond its scores: how sure, for whom, where it fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mien.experiments.coverage import compute_confidence, describe_ranking
from mien.experiments.group_scores import describe_groups, read_groups
from mien.experiments.independent_units import Units
from mien.experiments.person_scores import describe_persons
from mien.experiments.probability_scores import describe_calibration
from mien.experiments.row_data import RowData
from mien.experiments.score_intervals import compute_intervals
from mien.experiments.summary import choose_split
from mien.experiments.worst_faces import choose_cell_rows, choose_worst
from mien.pipeline.face_crop import encode_face


def describe_evidence(
    data: RowData,
    folds: Sequence[Mapping[str, Any]],
    outputs: Sequence[np.ndarray],
    units: Units,
    *,
    seed: int,
) -> dict[str, Any]:
    """Compute what the results schema holds of how sure a model is, for whom, and where it fails.

    Parameters
    ----------
    data : RowData
    folds : sequence of mapping
        The model's, of the results schema, with ``probabilities``.
    outputs : sequence of ndarray of float, shape (n, n_classes)
        By fold, its scores or probabilities: read where a fold has no ``probabilities``.
    units : Units
        Of the rows that were predicted.
    seed : int

    Returns
    -------
    dict
        ``intervals``, ``ranking``, ``calibration``, ``persons``, ``groups``, ``worst`` and
        ``cells``, of all folds pooled, or of the split that decides.
    """
    split = choose_split(folds)
    kept = [i for i, fold in enumerate(folds) if split is None or fold["split"] == split]
    rows, true, predicted = (
        np.concatenate([np.asarray(folds[i][key], dtype=np.int64) for i in kept])
        for key in ("indices", "true", "predicted")
    )
    given = [folds[i]["probabilities"] for i in kept]
    likely = all(own is not None for own in given)
    told = np.concatenate([np.asarray(own) for own in (given if likely else _pick(outputs, kept))])
    confidence = compute_confidence(told, predicted, probabilities=likely)
    right = true == predicted
    persons = data.subjects[rows].astype(str)
    groups = {name: own[rows] for name, own in read_groups(data.store.rows).items()}
    own_units = units.numbers[rows]
    return {
        "intervals": compute_intervals(true, predicted, own_units, len(data.classes), seed=seed),
        "ranking": describe_ranking(told, true, predicted, confidence),
        "calibration": describe_calibration(told, true) if likely else None,
        "persons": describe_persons(right, persons),
        "groups": describe_groups(right, groups, persons=persons, units=own_units, seed=seed),
        "worst": choose_worst(
            rows,
            true,
            predicted,
            confidence,
            names=data.store.rows["picture"].tolist(),
            probabilities=likely,
        ),
        "cells": choose_cell_rows(rows, true, predicted, seed=seed),
    }


def draw_faces(data: RowData, models: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return the results schema's ``faces``: the rows that ``worst`` and ``cells`` name.

    Parameters
    ----------
    data : RowData
    models : mapping
        The results schema's ``models``.

    Returns
    -------
    dict of str to str
        By row number, a data URI of 48 x 48 pixels.
    """
    shown: set[int] = set()
    for model in models.values():
        shown |= {own["row"] for own in model.get("worst", [])}
        shown |= {row for own in model.get("cells", {}).values() for row in own}
    return {str(row): encode_face(np.asarray(data.store.pixels[row])) for row in sorted(shown)}


def _pick(outputs: Sequence[np.ndarray], kept: Sequence[int]) -> list[np.ndarray]:
    return [outputs[i] for i in kept]
