import numpy as np
import pytest

from mien.experiments.compare import compare
from mien.experiments.comparison_options import ComparisonOptions
from mien.experiments.independent_units import find_units
from mien.experiments.row_data import RowData

SMALL = {"families": "blendshapes"}


def options(**others):
    given = {"svm-linear": SMALL, "svm-rbf": SMALL}
    return ComparisonOptions(
        models=tuple(given), parameters=given, **{"scheme": "subject:3", **others}
    )


@pytest.mark.parametrize(
    ("made", "kind", "count"),
    [
        ({}, "persons", 6),
        ({"known_persons": False}, "groups of twins", 53),
        ({"known_persons": False, "twins": 0}, "pictures", 54),
    ],
)
def test_units(make_store, made, kind, count):
    units = find_units(RowData(make_store(**made)), np.arange(54))
    assert (units.kind, units.count) == (kind, count)
    assert units.numbers[54] == -1


def test_a_row_of_an_unknown_person_is_a_unit_with_its_twins(make_store):
    store = make_store()
    store.rows.loc[[0, 1, 9], "subject"] = ""  # rows 0 and 9 are twins
    units = find_units(RowData(store), np.arange(54))
    assert (units.kind, units.count) == ("persons", 8)
    assert units.numbers[0] == units.numbers[9] != units.numbers[1]


@pytest.fixture
def results(make_store, tmp_path):
    store = make_store(separation=0.3, twins=0)
    ages = np.where(store.rows["subject"] < "p03", "24", "40")
    store.rows["sex"] = np.where(store.rows["subject"] < "p02", "female", "male")
    store.rows["age"] = np.where(store.rows["subject"] == "", "", ages)
    return compare(RowData(store), options(), tmp_path)


def test_everything_is_told_of_every_model(results):
    assert results["protocol"]["bootstrap"] == {
        "unit": "persons", "units": 6, "draws": 2000, "level": 0.95,
    }  # fmt: skip
    for model in results["models"].values():
        accuracy = model["classification_report"]["accuracy"]
        ends = model["intervals"]["accuracy"]
        assert ends["low"] <= accuracy <= ends["high"]
        assert model["ranking"]["coverage"][0]["accuracy"] == pytest.approx(accuracy)
        assert accuracy <= model["ranking"]["top2"] <= 1
        assert model["persons"]["persons"] == 6
        sex, age = model["groups"]
        assert [(own["value"], own["rows"], own["persons"]) for own in sex["values"]] == [
            ("female", 18, 2), ("male", 36, 4),
        ]  # fmt: skip
        assert [own["value"] for own in age["values"]] == ["18–24", "35–44"]
        hits = sum(own["rows"] * own["accuracy"] for own in sex["values"])
        assert hits == pytest.approx(54 * accuracy)
        assert model["summary"]["kappa"]["mean"] <= 1


def test_the_faces_are_those_that_are_shown(results):
    shown = set()
    for model in results["models"].values():
        table = {
            (row, true, predicted)
            for fold in model["folds"]
            for row, true, predicted in zip(
                fold["indices"], fold["true"], fold["predicted"], strict=True
            )
        }
        for own in model["worst"]:
            assert (own["row"], own["true"], own["predicted"]) in table
            assert own["true"] != own["predicted"]
            assert 0 < own["probability"] <= 1
            shown.add(str(own["row"]))
        for key, rows in model["cells"].items():
            true, predicted = map(int, key.split(","))
            assert {(row, true, predicted) for row in rows} <= table
            shown |= set(map(str, rows))
        filled = np.argwhere(np.array(model["confusion_matrix"]))
        assert {f"{t},{p}" for t, p in filled} == set(model["cells"])
    assert set(results["faces"]) == shown
    assert all(face.startswith("data:image/jpeg;base64,") for face in results["faces"].values())


def test_persons_are_compared_whole_though_the_folds_are_not_by_person(make_store, tmp_path):
    results = compare(RowData(make_store(separation=0.3)), options(scheme="stratified:3"), tmp_path)
    (pair,) = results["comparisons"]
    assert pair["test"] == "Sign-flip permutation over 6 persons"
    assert pair["resampled"] is None or pair["resampled"]["df"] == 2
    assert pair["interval"]["low"] <= pair["difference"] <= pair["interval"]["high"]


def test_only_the_deciding_split_is_told_of(make_store, tmp_path):
    store = make_store(splits=("Training", "PublicTest", "PrivateTest"), known_persons=False)
    results = compare(RowData(store), options(scheme="official"), tmp_path)
    private = set(np.flatnonzero(store.rows["split"] == "PrivateTest").tolist())
    assert results["protocol"]["bootstrap"]["units"] <= len(private)
    for model in results["models"].values():
        assert {row for rows in model["cells"].values() for row in rows} <= private
        assert sum(own["rows"] for own in model["calibration"]["bins"]) == len(private)
