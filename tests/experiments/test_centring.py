from __future__ import annotations

import numpy as np
import pytest

from mien.errors import MienError
from mien.experiments.centring import centre_rows, exclude_references, find_references
from mien.experiments.compare import compare
from mien.experiments.comparison_options import ComparisonOptions
from mien.experiments.row_data import RowData

FAMILY = ("blendshapes",)


@pytest.fixture
def data(make_store):
    """Six persons, angry, happy and neutral; each person's looks outweigh every expression."""
    store = make_store(families=FAMILY, damaged=0, faceless=0, twins=0, separation=0.5)
    values = np.load(store.path / "features" / "blendshapes.npy")
    looks = np.random.default_rng(0).normal(size=(6, values.shape[1])).astype(np.float32)
    values += 30 * looks[store.rows["subject"].str[1:].astype(int)]
    np.save(store.path / "features" / "blendshapes.npy", values)
    return RowData(store)


def test_the_mean_of_a_person_is_taken_out(data):
    rows = np.arange(len(data.codes))
    values = data.store.view(FAMILY, rows)
    centred = centre_rows(data, FAMILY, values, rows, "person")
    for person in set(data.subjects):
        np.testing.assert_allclose(centred[data.subjects == person].mean(axis=0), 0, atol=1e-4)


def test_a_persons_neutral_face_is_taken_out(data):
    rows = np.arange(len(data.codes))
    values = data.store.view(FAMILY, rows)
    centred = centre_rows(data, FAMILY, values, rows, "neutral")
    person = (data.subjects == "p02") & (data.store.rows["label"] == "neutral").to_numpy()
    np.testing.assert_allclose(centred[0] - centred[1], values[0] - values[1], atol=1e-4)
    expected = values[person].mean(axis=0)
    third = np.flatnonzero(data.subjects == "p02")[0]
    np.testing.assert_allclose(values[third] - centred[third], expected, rtol=1e-5, atol=1e-4)


def test_references_are_neither_fitted_on_nor_scored_by_any_model(data, tmp_path):
    options = ComparisonOptions(
        models=("svm-linear", "svm-rbf"),
        scheme="subject:3",
        parameters={
            "svm-linear": {"families": "blendshapes", "centre": "neutral"},
            "svm-rbf": {"families": "blendshapes"},
        },
    )
    results = compare(data, options, tmp_path)
    neutral = set(np.flatnonzero(find_references(data)).tolist())
    for model in results["models"].values():
        scored = {i for fold in model["folds"] for i in fold["indices"]}
        assert scored.isdisjoint(neutral)
        assert len(scored) == 36
        assert all(fold["train_rows"] == 24 for fold in model["folds"])
    statement = results["protocol"]["statement"]
    assert "Neutral pictures were references" in statement
    accuracy = {
        name: model["summary"]["accuracy"]["mean"] for name, model in results["models"].items()
    }
    assert accuracy["svm-linear"] > 0.9 > accuracy["svm-rbf"]


def test_a_person_without_a_neutral_picture_is_left_out(data):
    neutral = (data.store.rows["label"] == "neutral").to_numpy()
    data.usable &= ~(neutral & (data.subjects == "p01"))
    kept = exclude_references(data, data.usable)
    assert set(data.subjects[kept]) == {"p00", "p02", "p03", "p04", "p05"}
    rows = np.flatnonzero(data.subjects == "p01")
    with pytest.raises(MienError, match="no neutral picture of p01"):
        centre_rows(data, FAMILY, data.store.view(FAMILY, rows), rows, "neutral")


def test_nothing_to_refer_to(make_store):
    data = RowData(make_store(classes=("angry", "happy"), families=FAMILY))
    with pytest.raises(MienError, match="needs persons with a neutral picture"):
        exclude_references(data, data.usable)


def test_an_unknown_centre_and_unknown_persons(data, make_store):
    with pytest.raises(MienError, match="centre must be one of"):
        centre_rows(data, FAMILY, np.zeros((1, 52)), np.array([0]), "mean")
    strangers = RowData(make_store(known_persons=False, families=FAMILY))
    with pytest.raises(MienError, match="needs to know the person"):
        centre_rows(strangers, FAMILY, np.zeros((1, 52)), np.array([0]), "neutral")
