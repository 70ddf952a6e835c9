import numpy as np
import pytest

from mien.errors import MienError
from mien.experiments.calibration_splits import split_for_calibration
from mien.experiments.row_data import RowData
from mien.pipeline.twins import TwinPairs


def split(store, **options):
    data = RowData(store)
    rows = np.flatnonzero(data.usable & data.store.has_face)
    return data, rows, split_for_calibration(data, rows, seed=0, **options)


def check_each_row_is_scored_once(rows, parts):
    scored = np.concatenate([test for _, test in parts])
    np.testing.assert_array_equal(np.sort(scored), np.arange(len(rows)))


def count_shared(names, parts):
    shared = [set(names[train]) & set(names[test]) - {""} for train, test in parts]
    return len(set().union(*shared))


def test_persons_and_their_twins_are_held_out_together(make_store):
    data, rows, parts = split(make_store(persons=8))
    check_each_row_is_scored_once(rows, parts)
    assert count_shared(data.subjects[rows], parts) == 0
    assert count_shared(data.store.rows["pixels_hash"].to_numpy(dtype=object)[rows], parts) == 0


def test_twins_of_unknown_persons_are_held_out_together(make_store):
    data, rows, parts = split(make_store(known_persons=False, twins=6))
    check_each_row_is_scored_once(rows, parts)
    assert count_shared(data.store.rows["pixels_hash"].to_numpy(dtype=object)[rows], parts) == 0


def test_films_and_near_twins_are_held_out_together(make_store):
    store = make_store(known_persons=False, twins=0, faceless=0)
    store.rows["sequence"] = [f"s{i // 3}" for i in range(len(store.rows))]
    pairs = np.array([[0, 20], [20, 40]])
    twins = TwinPairs(pairs, np.ones(2, np.float32), np.zeros(2, bool))
    data = RowData(store).with_near_twins(twins)
    rows = np.flatnonzero(data.usable)
    parts = split_for_calibration(data, rows, seed=0)
    check_each_row_is_scored_once(rows, parts)
    assert count_shared(store.rows["sequence"].to_numpy(dtype=object)[rows], parts) == 0
    assert all({0, 20, 40} <= set(rows[a]) or {0, 20, 40} <= set(rows[b]) for a, b in parts)


def test_a_class_of_one_person_is_split_by_twins_only(make_store):
    store = make_store(faceless=0)
    own = store.rows
    own.loc[(own["label"] == "happy") & (own["subject"] != "p00"), "reason"] = "unreadable"
    data, rows, parts = split(store)
    check_each_row_is_scored_once(rows, parts)
    assert count_shared(data.subjects[rows], parts) > 0
    assert count_shared(store.rows["pixels_hash"].to_numpy(dtype=object)[rows], parts) == 0


@pytest.mark.parametrize("k", [2, 5])
def test_so_many_parts_are_held_out_as_are_asked_for(make_store, k):
    data, rows, parts = split(make_store(persons=8), k=k)
    assert len(parts) == k
    check_each_row_is_scored_once(rows, parts)
    assert count_shared(data.subjects[rows], parts) == 0


def test_too_few_rows_of_a_class_are_named(make_store):
    with pytest.raises(MienError, match="at least 3 rows of every class; 'angry' has fewer"):
        split(make_store(persons=2, takes=1, faceless=0, twins=0))
    with pytest.raises(MienError, match="Holding out 9 parts needs at least 9 rows of every class"):
        split(make_store(persons=2, takes=4, faceless=0, twins=0), k=9)
