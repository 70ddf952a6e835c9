"""What is found on both sides of a fold, and what each answer to it does."""

import csv
import json

import cv2
import numpy as np
import pandas as pd
import pytest

from mien.errors import MienError
from mien.experiments import fits as fits_module
from mien.experiments import near_twins
from mien.experiments.compare import compare
from mien.experiments.comparison_options import ComparisonOptions
from mien.experiments.folds import Fold, Folds, make_folds
from mien.experiments.leaks import LEAKS_FILE, check_folds, find_leaks
from mien.experiments.report.schema import check_results
from mien.experiments.row_data import RowData
from mien.pipeline.store import FeatureStore
from mien.pipeline.twins import TwinPairs

SMALL = {"svm-linear": {"families": "blendshapes"}}


def options(scheme, on_leak="group", **others):
    return ComparisonOptions(
        models=("svm-linear",), parameters=SMALL, scheme=scheme, on_leak=on_leak, **others
    )


@pytest.fixture
def make_data(make_store):
    """Make data in which row 20 is row 0 in less light, row 30 its mirror image, 45 equals 10.

    Rows are of 18 films of three frames each, where persons are known.
    """

    def make(*, films=False, **others):
        store = make_store(**{"known_persons": False, "twins": 0, "faceless": 0, **others})
        n = len(store.rows)
        pixels = np.random.default_rng(0).integers(0, 256, (n, 48, 48), dtype=np.uint8)
        pixels = np.stack([cv2.GaussianBlur(picture, (0, 0), 1.5) for picture in pixels])
        pixels[20] = (pixels[0] * 0.7).astype(np.uint8)
        pixels[30] = pixels[0, :, ::-1]
        pixels[45] = pixels[10]
        rows = store.rows
        rows.loc[45, "pixels_hash"] = rows.loc[10, "pixels_hash"]
        if films:
            rows["sequence"] = [f"s{i // 3}" for i in range(n)]
        rows.to_parquet(store.path / "rows.parquet", index=False)
        np.save(store.path / "pixels.npy", pixels)
        return RowData(FeatureStore.open(store.path))

    return make


def check(data, chosen, folder):
    return check_folds(data, data.usable, chosen, folder)


def sides_of(folds, rows):
    """Return, for each fold, which of the rows are predicted and which are fitted on."""
    return [
        (set(rows) & set(fold.test.tolist()), set(rows) & set(fold.train.tolist()))
        for fold in folds.folds
    ]


SCHEMES = ["stratified:3", "random:3", "holdout:0.3"]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_group_keeps_twins_and_films_on_one_side(make_data, tmp_path, scheme, seed):
    data = make_data(films=True)
    checked = check(data, options(scheme, seed=seed), tmp_path)
    films = data.store.rows["sequence"].to_numpy(dtype=object)
    together = [(0, 20, 30), (10, 45), *(np.flatnonzero(films == film) for film in set(films))]
    for rows in together:
        rows = [int(i) for i in rows if data.usable[i]]
        assert all(not tested or not fitted for tested, fitted in sides_of(checked.folds, rows))
    assert len(checked.found)
    assert len(checked.remaining) == 0
    assert checked.left_out == dict.fromkeys(checked.left_out, 0)
    assert "were kept in one fold" in checked.state()


@pytest.mark.parametrize("scheme", ["stratified:3", "random:3"])
def test_each_row_is_still_predicted_once(make_data, tmp_path, scheme):
    data = make_data(films=True)
    checked = check(data, options(scheme, repeats=2), tmp_path)
    for repeat in (0, 1):
        tested = [fold.test for fold in checked.folds.folds if fold.repeat == repeat]
        assert len(tested) == 3
        rows = np.sort(np.concatenate(tested))
        np.testing.assert_array_equal(rows, np.flatnonzero(data.usable))


@pytest.mark.parametrize("scheme", [*SCHEMES, "subject:3", "leave-one-subject-out"])
def test_warn_and_fail_have_the_schemes_own_folds(make_data, store, tmp_path, scheme):
    by_person = scheme.startswith(("subject", "leave"))
    data = RowData(store) if by_person else make_data()
    own = make_folds(data.store.rows, scheme=scheme, usable=data.usable)
    checked = check(data, options(scheme, "warn"), tmp_path)
    assert checked.folds.digest() == own.digest()
    assert checked.data.near_twins_digest == ""
    assert checked.remaining.equals(checked.found)
    assert checked.state() == ""


@pytest.mark.parametrize("scheme", ["subject:3", "stratified:3", "random:3", "holdout:0.3", None])
def test_without_anything_to_keep_together_the_folds_are_the_schemes_own(
    make_store, tmp_path, scheme
):
    data = RowData(make_store(twins=0, known_persons=scheme in ("subject:3", None)))
    own = make_folds(data.store.rows, scheme=scheme, usable=data.usable)
    checked = check(data, options(scheme), tmp_path)
    assert checked.folds.digest() == own.digest()
    assert checked.state() == ""
    assert checked.to_json() == {"on_leak": "group", "leaks": []}


def test_persons_that_a_twin_connects_are_held_out_together(store, tmp_path):
    data = RowData(store)  # one picture of p00 is one of p01
    checked = check(data, options("subject:3"), tmp_path)
    assert len(checked.remaining) == 0
    assert checked.folds.grouped_by == "subject"
    names = data.subjects
    for fold in checked.folds.folds:
        tested = set(names[fold.test])
        assert tested.isdisjoint(names[fold.train])
        assert len({"p00", "p01"} & tested) in (0, 2)


def test_more_folds_than_separate_persons_are_refused_and_never_the_default(store, tmp_path):
    data = RowData(store)
    with pytest.raises(MienError, match="6 folds were asked for, but there are only 5 persons"):
        check(data, options("subject:6"), tmp_path)
    assert check(data, options(None), tmp_path).folds.scheme == "subject:5"


def test_the_default_without_persons_keeps_films_together(make_store, tmp_path):
    store = make_store(known_persons=False, twins=0, damaged=0)
    store.rows["sequence"] = [f"s{i // 9}" for i in range(54)]
    data = RowData(store)
    checked = check(data, options(None), tmp_path)
    assert checked.folds.scheme == "stratified:6"
    assert len(checked.folds.folds) == 6
    assert len(checked.remaining) == 0


def test_leave_one_subject_out_leaves_twins_of_the_test_person_out_of_fitting(store, tmp_path):
    """And the frames beside them."""
    data = RowData(store)
    own = make_folds(data.store.rows, scheme="leave-one-subject-out", usable=data.usable)
    checked = check(data, options("leave-one-subject-out"), tmp_path)
    for before, after in zip(own.folds, checked.folds.folds, strict=True):
        np.testing.assert_array_equal(before.test, after.test)
        gone = sorted(set(before.train.tolist()) - set(after.train.tolist()))
        assert gone == {"fold 1": [9, 10, 11], "fold 2": [0, 1, 2]}.get(before.name, [])
    assert len(checked.remaining) == 0
    assert checked.left_out == {"persons": 0, "sequences": 4, "exact twins": 2, "near twins": 0}
    told = {leak["kind"]: (leak["rows"], leak["left_out"]) for leak in checked.to_json()["leaks"]}
    assert told == {"sequences": (0, 4), "exact twins": (2, 2)}
    assert checked.state() == (
        " 6 training pictures were left out of fitting: copies of test pictures (to the pixel, in "
        "another light or cut, or mirrored), or frames of one sequence with them. That concerned "
        "2 test pictures."
    )


@pytest.fixture
def official(make_data):
    """Rows 0, 3, 6 ... are Training, 1, 4 ... PublicTest, 2, 5 ... PrivateTest.

    0 and 30 (Training) are near twins of 20 (PrivateTest); 45 (Training) is 10 (PublicTest), and
    48 is of its film.
    """
    data = make_data(splits=("Training", "PublicTest", "PrivateTest"))
    data.store.rows.loc[[10, 48], "sequence"] = "film"
    return data


def test_copies_of_official_test_rows_are_left_out_of_fitting(official, tmp_path):
    own = make_folds(official.store.rows, scheme="official", usable=official.usable)
    checked = check(official, options("official"), tmp_path)
    public, private = checked.folds.folds
    assert [fold.test.tolist() for fold in own.folds] == [
        public.test.tolist(),
        private.test.tolist(),
    ]
    expected = sorted(set(own.folds[0].train.tolist()) - {0, 30, 45, 48})
    assert public.train.tolist() == private.train.tolist() == expected
    assert checked.left_out == {"persons": 0, "sequences": 1, "exact twins": 1, "near twins": 2}
    told = {leak["kind"]: leak for leak in checked.to_json()["leaks"]}
    assert {
        kind: (leak["rows"], leak["remaining"], leak["left_out"]) for kind, leak in told.items()
    } == {
        "sequences": (1, 0, 1),
        "exact twins": (1, 0, 1),
        "near twins": (1, 0, 2),
    }
    assert told["exact twins"]["listed"] == [
        {"fold": "PublicTest", "test": official.store.rows["picture"][10],
         "train": official.store.rows["picture"][45]}
    ]  # fmt: skip


def test_a_scheme_that_leaves_nothing_to_fit_on_is_refused(official, tmp_path):
    official.store.rows["sequence"] = "one film"
    with pytest.raises(MienError, match="nothing is left to fit on"):
        check(official, options("official"), tmp_path)


def test_fail_lists_counts_and_pairs_before_anything_is_fitted(store, tmp_path, monkeypatch):
    monkeypatch.setattr(fits_module, "evaluate_folds", lambda *_, **__: pytest.fail("fitted"))
    data = RowData(store)
    with pytest.raises(MienError) as caught:
        compare(data, options("subject:6", "fail"), tmp_path)
    message = str(caught.value)
    assert "exact twins: 2 test pictures" in message
    assert "p00/angry_0.png and p01/angry_0.png (exact twins, fold" in message
    assert "persons:" not in message
    assert "Use --on-leak group" in message
    assert "--cv subject" not in message
    assert str(tmp_path / LEAKS_FILE) in message
    with pytest.raises(MienError, match=r"persons: 54 test pictures.* Use --cv subject:10"):
        compare(data, options("random:3", "fail"), tmp_path)


def test_fail_is_an_error_of_the_command_line(store, run):
    arguments = (
        "compare",
        store.path,
        "--out",
        "out",
        "--models",
        "svm-linear",
        "--cv",
        "random:3",
    )
    code, _, error = run(*arguments, "--on-leak", "fail")
    assert code == 2
    assert "sequences: 45 test pictures" in error
    assert "Traceback" not in error
    code, _, error = run(*arguments, "--on-leak", "ignore")
    assert code == 2
    assert "--on-leak must be one of group, warn, fail, not 'ignore'" in error


def test_fail_compares_where_nothing_leaks(make_store, tmp_path):
    data = RowData(make_store(twins=0))
    results = compare(data, options("subject:3", "fail"), tmp_path)
    assert results["protocol"]["leaks"] == []
    assert results["protocol"]["honest"]


def test_the_results_say_what_was_kept_together(make_data, tmp_path):
    data = make_data()
    grouped = compare(data, options("random:3"), tmp_path / "group")
    warned = compare(data, options("random:3", "warn"), tmp_path / "warn")
    for results in (grouped, warned):
        check_results(results)
    protocol = grouped["protocol"]
    assert protocol["on_leak"] == "group"
    assert (protocol["honest"], protocol["warnings"]) == (True, [])
    assert "kept in one fold; without that, " in protocol["statement"]
    assert protocol["on_both_sides"]["near_twins"] == 0
    leaks = {leak["kind"]: leak for leak in warned["protocol"]["leaks"]}
    assert leaks.keys() <= {"exact twins", "near twins"}
    affected = sum(leak["rows"] for leak in leaks.values())
    assert warned["protocol"]["on_both_sides"]["near_twins"] == affected > 0
    model = warned["models"]["svm-linear"]
    predicted = sum(len(fold["true"]) for fold in model["folds"])
    assert model["without_near_twins"]["rows"] == predicted - affected


def test_every_affected_row_is_in_the_csv(make_data, tmp_path):
    data = make_data(films=True)
    checked = check(data, options("stratified:3", "warn"), tmp_path)
    with (tmp_path / LEAKS_FILE).open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(checked.found)
    pictures = data.store.rows["picture"]
    side = {i: fold for fold in checked.folds.folds for i in fold.test.tolist()}
    for row in rows:
        test, train = int(row["test_row"]), int(row["train_row"])
        assert (row["test"], row["train"]) == (pictures[test], pictures[train])
        assert side[test].name == row["fold"]
        assert train in side[test].train
    assert {row["kind"] for row in rows} >= {"sequences", "near twins"}


def folds_of(*sides):
    folds = [Fold(f"f{i}", 0, None, np.array(a), np.array(b)) for i, (a, b) in enumerate(sides)]
    return Folds("x", 1, 0, None, tuple(folds))


def test_leaks_of_each_kind_by_hand(make_store):
    store = make_store(known_persons=False, twins=0, damaged=0)
    rows = store.rows
    rows.loc[[0, 4], "subject"] = "p"
    rows.loc[[1, 5], "sequence"] = "s"
    rows.loc[[2, 6], "pixels_hash"] = "same"
    pairs = TwinPairs(
        rows=np.array([[2, 6], [3, 7], [3, 8], [8, 9]]),
        similarity=np.array([1.0, 0.93, 0.97, 0.95], dtype=np.float32),
        mirrored=np.array([False, False, True, False]),
    )
    data = RowData(store)
    found = find_leaks(folds_of(([4, 5, 6, 7, 8], [0, 1, 2, 3, 9])), data, pairs)
    told = [
        (kind, test, train, None if np.isnan(alike) else round(alike, 2))
        for kind, test, train, alike in found[
            ["kind", "test_row", "train_row", "similarity"]
        ].itertuples(index=False)
    ]
    assert told == [
        ("persons", 0, 4, None),
        ("sequences", 1, 5, None),
        ("exact twins", 2, 6, 1.0),
        ("near twins", 3, 8, 0.97),
        ("near twins", 9, 8, 0.95),
    ]
    assert found["mirrored"].tolist()[-2:] == [True, False]
    through = find_leaks(folds_of(([7], [9])), data, pairs)
    assert through[["test_row", "train_row"]].to_numpy().tolist() == [[9, 7]]
    assert np.isnan(through["similarity"][0])
    assert len(find_leaks(folds_of(([4, 5], [2, 3, 9])), data, pairs)) == 0


def test_near_twins_are_looked_for_once(make_data, tmp_path, monkeypatch):
    data = make_data()
    first = check(data, options("stratified:3"), tmp_path)
    monkeypatch.setattr(near_twins, "find_twin_pairs", lambda *_: pytest.fail("looked again"))
    second = check(data, options("stratified:3"), tmp_path)
    assert first.folds.digest() == second.folds.digest()
    pd.testing.assert_frame_equal(first.found, second.found, atol=1e-4)


def test_inner_splits_keep_near_twins_together_where_outer_folds_do(make_data, tmp_path):
    data = make_data()
    rows = np.array([0, 10, 20, 30, 45, 50])
    grouped = check(data, options("stratified:3"), tmp_path).data
    assert grouped.groups(rows).tolist() == [0, 1, 0, 0, 1, 2]
    warned = check(data, options("stratified:3", "warn"), tmp_path).data
    assert warned.groups(rows).tolist() == [0, 1, 2, 3, 1, 4]
    assert grouped.keep_together(np.isin(np.arange(55), rows)).max() == 2


def test_fits_with_other_inner_splits_are_kept_apart(make_data, tmp_path):
    """Where the folds are the same, but near twins are kept together inside them."""
    data = make_data(splits=("Training", "PublicTest"))
    data.store.rows.loc[[20, 45], "split"] = ["", "Training"]
    compare(data, options("official", "warn"), tmp_path)
    before = {path.name for path in (tmp_path / "cells").iterdir()}
    results = compare(data, options("official"), tmp_path)
    after = {path.name for path in (tmp_path / "cells").iterdir()}
    assert results["protocol"]["leaks"] == []
    assert len(after - before) == 2 * 2, "the fit, and the one that it is calibrated by"
    folds = json.loads((tmp_path / "folds.json").read_text())
    assert folds["digest"] == results["protocol"]["folds_digest"]
