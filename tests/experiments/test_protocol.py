"""What a report says of the data, the protocol and the machine."""

import json
import os
import platform

import numpy as np
import pytest
import sklearn

import mien
from mien.experiments.dataset_facts import describe_dataset
from mien.experiments.environment import PACKAGES, describe_environment
from mien.experiments.folds import make_folds
from mien.experiments.protocol import describe_protocol, find_placed, score_without
from mien.experiments.row_data import RowData


def describe(data, scheme, *, parameters=None, tuned_on=None, copies=None, **options):
    folds = make_folds(data.store.rows, scheme=scheme, usable=data.usable, **options)
    return describe_protocol(
        data,
        folds,
        nested=False,
        parameters=parameters or {},
        tuned_on=tuned_on or {},
        models={},
        copies=copies or {},
    )


@pytest.fixture
def data(store):
    return RowData(store)


@pytest.fixture
def clean(make_store):
    """A store without twins."""
    return RowData(make_store(twins=0))


def test_folds_by_person_are_honest(clean):
    protocol = describe(clean, "subject:3", repeats=2)
    assert (protocol["folds"], protocol["repeats"], protocol["seed"]) == (3, 2, 0)
    assert (protocol["honest"], protocol["warnings"]) == (True, [])
    assert protocol["on_both_sides"] == {"subjects": 0, "sequences": 0, "twins": 0, "near_twins": 0}
    assert protocol["statement"].startswith("Each fold held out whole persons: nobody is on both")
    assert "most frequent class of the training rows" in protocol["faceless"]


@pytest.mark.parametrize(
    ("scheme", "known", "statement"),
    [
        ("leave-one-subject-out", True, "Each fold held out one person, with all their pictures."),
        ("stratified:3", True, "Each fold held out a random share of every class's pictures."),
        ("random:3", True, "Each fold held out a random share of the pictures."),
        ("holdout:0.3", True, "One share was held out, of whole persons."),
        ("holdout:0.3", False, "One share was held out, of every class's pictures."),
    ],
)
def test_each_scheme_says_what_was_held_out(make_store, scheme, known, statement):
    protocol = describe(RowData(make_store(known_persons=known)), scheme)
    assert protocol["statement"] == f"{statement} All models used the same folds."
    assert protocol["scheme"] == scheme


def test_one_is_not_many(make_store):
    store = make_store(persons=2, takes=6, twins=0)
    store.rows.loc[store.rows["subject"] == "p01", ["subject", "sequence"]] = ["p02", ""]
    store.rows.loc[store.rows["label"] != "happy", "sequence"] = ""
    store.rows.loc[36 - 18 :, "reason"] = "unreadable"
    warnings = describe(RowData(store), "stratified:3")["warnings"]
    assert warnings[0].startswith("1 person is on both sides of a fold (stratified:3)")
    assert warnings[1].startswith("1 sequence has frames on both sides")


def test_unknown_persons_are_not_counted(make_store):
    protocol = describe(RowData(make_store(known_persons=False, twins=0)), "stratified:3")
    assert protocol["on_both_sides"] == {
        "subjects": None,
        "sequences": None,
        "twins": 0,
        "near_twins": 0,
    }
    assert protocol["honest"]


@pytest.mark.parametrize(("scheme", "warned"), [("subject:3", True), ("official", False)])
def test_tuning_on_the_same_pictures_matters_where_they_are_predicted(make_store, scheme, warned):
    data = RowData(make_store(splits=("Training", "PublicTest"), twins=0))
    own = {"svm-rbf": data.store.manifest["dataset_hash"], "svm-poly": "0"}
    warnings = describe(data, scheme, tuned_on=own)["warnings"]
    assert any("The parameters of svm-rbf were chosen" in text for text in warnings) == warned


def test_dataset_facts(data):
    folds = make_folds(data.store.rows, scheme="subject:3", usable=data.usable)
    facts = describe_dataset(data, folds)
    assert json.loads(json.dumps(facts)) == facts
    assert (facts["rows"], facts["faces_found"], facts["no_face"]) == (55, 51, 3)
    assert facts["class_counts"] == {"angry": 19, "happy": 18, "neutral": 18}
    assert (facts["subjects"], facts["sequences"], facts["splits"]) == (6, 18, {})
    assert facts["hash"] == data.store.manifest["dataset_hash"]
    assert facts["notes"] == []
    assert facts["samples"][0]["picture"].startswith("data:image/png;base64,")


def test_facts_of_unknown_persons_splits_and_a_sample(make_store):
    data = RowData(make_store(known_persons=False, splits=("Training", "PublicTest")))
    usable = data.usable & (np.arange(len(data.usable)) < 20)
    folds = make_folds(data.store.rows, scheme="stratified:2", usable=usable)
    facts = describe_dataset(data, folds)
    assert (facts["subjects"], facts["sequences"]) == (None, None)
    assert facts["splits"] == {"Training": 28, "PublicTest": 27}
    assert facts["notes"] == ["Compared on a stratified sample of 20 of 54 usable rows."]


def test_environment_names_versions_and_processor():
    told = describe_environment()
    assert json.loads(json.dumps(told)) == told
    assert told["mien"] == mien.__version__
    assert told["python"] == platform.python_version()
    assert told["scikit-learn"] == sklearn.__version__
    assert told["processors"] == os.cpu_count()
    assert told["processor"]
    assert set(PACKAGES) < set(told)


def test_a_missing_package_is_no_error(monkeypatch):
    monkeypatch.setattr("mien.experiments.environment.PACKAGES", ("no-such-package",))
    assert describe_environment()["no-such-package"] == "not installed"


def test_scores_without_twins_by_hand():
    folds = [
        {"name": "a", "split": None, "indices": [4, 7], "true": [0, 1], "predicted": [0, 0]},
        {"name": "b", "split": None, "indices": [1, 2], "true": [1, 1], "predicted": [0, 1]},
    ]
    left_out = {"a": np.array([4]), "b": np.array([], dtype=int)}
    scores = score_without(folds, left_out, 2)
    assert scores["rows"] == 3
    assert scores["accuracy"] == pytest.approx(1 / 3)
    everything = {"a": np.array([4, 7]), "b": np.array([1, 2])}
    assert score_without(folds, everything, 2) is None


def test_rows_without_a_face_are_found_in_every_fold(data):
    folds = make_folds(data.store.rows, scheme="subject:3", usable=data.usable)
    placed = find_placed(folds, data)
    rows = np.concatenate(list(placed.values()))
    assert sorted(rows) == np.flatnonzero(data.usable & ~data.store.has_face).tolist() != []


def test_only_the_deciding_split_is_scored_without_twins():
    folds = [
        {"name": s, "split": s, "indices": [i], "true": [0], "predicted": [p]}
        for i, (s, p) in enumerate([("PublicTest", 1), ("PrivateTest", 0)])
    ]
    none = {"PublicTest": np.array([], dtype=int), "PrivateTest": np.array([], dtype=int)}
    assert score_without(folds, none, 2)["accuracy"] == 1.0


def test_near_copies_are_warned_of_when_there_are_more_than_exact_ones(clean):
    copies = {"fold 1": np.array([3, 4]), "fold 2": np.array([9])}
    told = describe(clean, "subject:2", copies=copies)
    assert told["on_both_sides"]["near_twins"] == 3
    assert not told["honest"]
    assert told["warnings"] == [
        "3 test pictures have an exact or near copy among the rows that were fitted on: in another "
        "light or cut, or mirrored."
    ]
