"""The figures of an exported model are of rows that neither it nor its calibration had seen."""

from dataclasses import replace

import numpy as np
import pytest

from mien.experiments import held_out as held_out_module
from mien.experiments.calibration_splits import split_for_calibration
from mien.experiments.evaluate import HeldOut
from mien.experiments.export_scores import describe_held_out
from mien.experiments.fuse import PartOutputs
from mien.experiments.held_out import calibrate_held_out, combine_held_out, read_held_back
from mien.experiments.probability_scores import compute_log_loss
from mien.experiments.row_data import RowData
from mien.models.calibrated import fit_logits
from mien.models.fusion import ScoreCombiner


@pytest.fixture
def data(make_store):
    return RowData(make_store(faceless=0))


@pytest.fixture
def rows(data):
    return np.flatnonzero(data.usable)


def score(data, rows, *, noise=1.0):
    rng = np.random.default_rng(0)
    return np.eye(3)[data.codes[rows]] + noise * rng.normal(size=(len(rows), 3))


def test_each_part_is_calibrated_by_the_others_only(data, rows, monkeypatch):
    splits = split_for_calibration(data, rows, seed=0)
    scores, seen = score(data, rows), []

    def remember(own, codes):
        seen.append(own)
        return fit_logits(own, codes)

    monkeypatch.setattr(held_out_module, "fit_logits", remember)
    found = calibrate_held_out(data, rows, scores, splits)
    assert len(seen) == len(splits) == 3
    for own, (others, part) in zip(seen, splits, strict=True):
        np.testing.assert_array_equal(own, scores[others])
        logits = fit_logits(scores[others], data.codes[rows[others]])
        np.testing.assert_array_equal(found.probabilities[part], logits.predict_proba(scores[part]))
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1)
    np.testing.assert_array_equal(found.rows, rows)
    assert "3 parts" in found.statement


def test_scores_without_information_give_no_better_figures_than_chance(data, rows):
    """Labels that leak into the calibration would show here."""
    splits, rng = split_for_calibration(data, rows, seed=0), np.random.default_rng(1)
    losses = [
        compute_log_loss(
            calibrate_held_out(data, rows, rng.normal(size=(len(rows), 3)), splits).probabilities,
            data.codes[rows],
        )
        for _ in range(20)
    ]
    assert np.mean(losses) > np.log(3)


def test_two_classes_have_one_score(make_store):
    data = RowData(make_store(classes=("angry", "happy"), faceless=0))
    rows = np.flatnonzero(data.usable)
    splits = split_for_calibration(data, rows, seed=0)
    scores = data.codes[rows] - 0.5
    found = calibrate_held_out(data, rows, scores, splits).probabilities
    np.testing.assert_array_equal(found.argmax(axis=1), data.codes[rows])


def test_a_networks_held_back_rows_are_taken_as_they_are():
    outputs = np.array([[0.25, 0.75]], np.float32)
    found = read_held_back(HeldOut(np.array([7]), outputs))
    assert (found.rows.tolist(), found.probabilities.tolist()) == ([7], [[0.25, 0.75]])
    assert "best epoch" in found.statement
    assert read_held_back(HeldOut(np.empty(0, np.int64), np.empty((0, 2)))) is None


@pytest.mark.parametrize("inner", [1, 3])
def test_each_part_is_combined_by_what_the_others_teach(data, rows, inner):
    scores = score(data, rows)
    likely = np.full((len(rows), 3), 1 / 3)
    inside = PartOutputs(rows, scores.astype(np.float32), likely)
    found = combine_held_out(data, ScoreCombiner(), inside, inner=inner, seed=0)
    others, part = split_for_calibration(data, rows, seed=0)[1]
    own = ScoreCombiner().fit(inside.svm[others], likely[others], data.codes[rows[others]])
    np.testing.assert_array_equal(
        found.probabilities[part], own.predict_proba(inside.svm[part], likely[part])
    )
    assert ("best epoch" in found.statement) is (inner == 1)


def test_too_few_rows_give_no_combined_figures(data, rows):
    few = rows[:2]
    inside = PartOutputs(few, score(data, few).astype(np.float32), np.full((2, 3), 1 / 3))
    assert combine_held_out(data, ScoreCombiner(), inside, inner=1, seed=0) is None


def test_figures_are_those_of_the_predictions(data, rows):
    splits = split_for_calibration(data, rows, seed=0)
    held = calibrate_held_out(data, rows, score(data, rows), splits)
    told = describe_held_out(data, held, seed=0)
    right = held.probabilities.argmax(axis=1) == data.codes[rows]
    assert told["classification_report"]["accuracy"] == right.mean()
    assert told["rows"] == np.sum(told["confusion_matrix"]) == len(rows)
    assert told["protocol"]["bootstrap"]["unit"] == "persons"
    ends = told["intervals"]["accuracy"]
    assert ends["low"] < right.mean() < ends["high"]
    all_right = replace(held, probabilities=np.eye(3)[data.codes[rows]])
    assert describe_held_out(data, all_right, seed=0)["calibration"]["expected_error"] == 0
