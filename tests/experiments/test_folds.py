import hashlib
import json
import struct

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.errors import MienError
from mien.experiments.folds import (
    Fold,
    Folds,
    count_on_both_sides,
    default_scheme,
    find_twins,
    group_by_training,
    inner_scheme,
    make_folds,
    rows_for_tuning,
)


def table(labels, subjects=None, splits=None, sequences=None, hashes=None):
    def column(values):
        return pd.Series(list(values) if values is not None else [""] * len(labels), dtype="str")

    return pd.DataFrame(
        {
            "label": column(labels),
            "subject": column(subjects),
            "split": column(splits),
            "sequence": column(sequences),
            "pixels_hash": column(hashes),
        }
    )


@st.composite
def datasets(draw):
    """Rows of two to four classes and three to eight persons, some of them unlabelled."""
    n_classes = draw(st.integers(2, 4))
    persons = draw(st.integers(3, 8))
    n = draw(st.integers(max(24, 2 * persons), 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    labels = [f"c{i % n_classes}" for i in range(n)]
    rng.shuffle(labels)
    subjects = [f"p{i % persons}" for i in rng.permutation(n)]
    labels = ["" if rng.random() < 0.1 else label for label in labels]
    return table(labels + ["c0", "c1"] * 8, subjects + [f"p{i % persons}" for i in range(16)])


SCHEMES = ["subject:3", "leave-one-subject-out", "stratified:3", "random:3"]


@pytest.mark.parametrize("scheme", SCHEMES)
@settings(max_examples=25, deadline=None)
@given(rows=datasets(), seed=st.integers(0, 100), repeats=st.integers(1, 2))
def test_each_usable_row_is_tested_once_a_repeat(scheme, rows, seed, repeats):
    repeats = 1 if scheme == "leave-one-subject-out" else repeats
    usable = np.arange(len(rows)) % 7 != 0
    folds = make_folds(rows, scheme=scheme, repeats=repeats, seed=seed, usable=usable)
    expected = np.flatnonzero(usable & (rows["label"] != "").to_numpy())
    for repeat in range(repeats):
        own = [fold for fold in folds.folds if fold.repeat == repeat]
        tested = np.sort(np.concatenate([fold.test for fold in own]))
        np.testing.assert_array_equal(tested, expected)
    for fold in folds.folds:
        both = np.sort(np.concatenate([fold.train, fold.test]))
        np.testing.assert_array_equal(both, expected)
        assert (np.diff(fold.train) > 0).all()
        assert (np.diff(fold.test) > 0).all()
    names = [fold.name for fold in folds.folds]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("scheme", ["subject:3", "leave-one-subject-out", "holdout:0.3"])
@settings(max_examples=25, deadline=None)
@given(rows=datasets(), seed=st.integers(0, 100))
def test_no_person_is_on_both_sides(scheme, rows, seed):
    folds = make_folds(rows, scheme=scheme, seed=seed)
    assert folds.grouped_by == "subject"
    assert count_on_both_sides(folds, rows)["subjects"] == 0
    for fold in folds.folds:
        sides = [set(rows["subject"].iloc[part]) for part in (fold.train, fold.test)]
        assert sides[0].isdisjoint(sides[1])
        assert all(sides)


@settings(max_examples=25, deadline=None)
@given(
    counts=st.lists(st.integers(5, 40), min_size=2, max_size=5),
    k=st.integers(2, 5),
    seed=st.integers(0, 50),
)
def test_stratified_folds_share_out_each_class_evenly(counts, k, seed):
    labels = np.repeat([f"c{i}" for i in range(len(counts))], counts)
    folds = make_folds(table(labels), scheme=f"stratified:{k}", seed=seed)
    for code, count in enumerate(counts):
        own = [int((labels[fold.test] == f"c{code}").sum()) for fold in folds.folds]
        assert set(own) <= {count // k, -(-count // k)}


def test_folds_by_person_keep_the_shares_of_classes_where_persons_allow():
    rows = table(["a", "b", "b"] * 20, np.repeat([f"p{i}" for i in range(20)], 3))
    for fold in make_folds(rows, scheme="subject:5").folds:
        assert rows["label"].iloc[fold.test].value_counts().to_dict() == {"a": 4, "b": 8}


def test_leave_one_subject_out_has_a_fold_a_person():
    rows = table(["a", "b"] * 6, [f"p{i // 4}" for i in range(12)])
    folds = make_folds(rows, scheme="leave-one-subject-out")
    assert [fold.test.tolist() for fold in folds.folds] == [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
        [8, 9, 10, 11],
    ]


@pytest.mark.parametrize(
    ("share", "persons"), [("0.2", 2), ("0.3", 3), ("0.5", 5), ("0.7", 7), ("0.01", 1), ("0.99", 9)]
)
def test_holdout_of_persons_holds_out_the_share_that_was_asked(share, persons):
    rows = table(["a", "b"] * 20, np.repeat([f"p{i}" for i in range(10)], 4))
    folds = make_folds(rows, scheme=f"holdout:{share}")
    assert len(folds.folds) == 1
    assert rows["subject"].iloc[folds.folds[0].test].nunique() == persons


@pytest.mark.parametrize("subjects", [None, ["p0"] * 40, ["p0", *[""] * 39]])
def test_holdout_without_persons_is_stratified(subjects):
    rows = table(["a"] * 10 + ["b"] * 30, subjects)
    folds = make_folds(rows, scheme="holdout:0.2")
    assert folds.grouped_by is None
    assert rows["label"].iloc[folds.folds[0].test].value_counts().to_dict() == {"a": 2, "b": 6}


def test_a_random_holdout_pools_splits_and_persons_and_rounds_up():
    rows = table(["a", "b"] * 21, np.repeat([f"p{i}" for i in range(21)], 2))
    folds = make_folds(rows, scheme="random-holdout:0.25")
    assert folds.grouped_by is None
    assert [len(fold.test) for fold in folds.folds] == [11]
    assert count_on_both_sides(folds, rows)["subjects"] > 0
    other = make_folds(rows, scheme="random-holdout:0.25", seed=1)
    assert other.folds[0].test.tolist() != folds.folds[0].test.tolist()


def official_rows(*splits):
    return table(["a", "b"] * 2 * len(splits), splits=np.repeat(splits, 4))


def test_official_splits_share_their_training_rows():
    rows = official_rows("PrivateTest", "Training", "PublicTest", "")
    folds = make_folds(rows)
    assert folds.scheme == "official"
    assert [(f.name, f.split) for f in folds.folds] == [("PublicTest",) * 2, ("PrivateTest",) * 2]
    assert [f.test.tolist() for f in folds.folds] == [[8, 9, 10, 11], [0, 1, 2, 3]]
    assert [f.train.tolist() for f in folds.folds] == [[4, 5, 6, 7]] * 2
    assert group_by_training(folds) == [list(folds.folds)]


@pytest.mark.parametrize("test_split", ["PublicTest", "PrivateTest", "test"])
def test_official_with_one_test_split(test_split):
    folds = make_folds(official_rows("Training", test_split), scheme="official")
    assert [fold.split for fold in folds.folds] == [test_split]


def test_folds_of_their_own_training_rows_stand_alone():
    folds = make_folds(table(["a", "b"] * 10), scheme="stratified:4")
    assert group_by_training(folds) == [[fold] for fold in folds.folds]


@pytest.mark.parametrize("scheme", ["subject:3", "stratified:3", "random:3", "holdout:0.3"])
def test_seed_and_repeat_decide_the_folds(scheme):
    rows = table(["a", "b"] * 30, np.repeat([f"p{i}" for i in range(12)], 5))
    first = make_folds(rows, scheme=scheme, repeats=2, seed=3)
    assert make_folds(rows, scheme=scheme, repeats=2, seed=3).digest() == first.digest()
    assert make_folds(rows, scheme=scheme, repeats=2, seed=5).digest() != first.digest()
    tests = [tuple(fold.test) for fold in first.folds]
    assert len(set(tests)) == len(tests)
    own = [fold.test.tolist() for fold in first.folds if fold.repeat == 1]
    alone = make_folds(rows, scheme=scheme, seed=4)
    assert own == [fold.test.tolist() for fold in alone.folds]


def test_digest_is_known_and_notices_any_change():
    def folds(name="f", train=(0, 1), test=(2, 3)):
        fold = Fold(name, 0, None, np.array(train), np.array(test))
        return Folds("x", 1, 0, None, (fold,))

    digests = {
        folds().digest(),
        folds(name="g").digest(),
        folds(train=(1, 0)).digest(),
        folds(train=(0,), test=(1, 2, 3)).digest(),
        folds(test=(2, 4)).digest(),
    }
    assert len(digests) == 5
    assert folds().digest() == folds(train=np.array([0, 1], np.int32)).digest()
    content = b"f" + struct.pack("<2q", 0, 1) + b"|" + struct.pack("<2q", 2, 3) + b"|"
    assert folds().digest() == hashlib.sha256(content).hexdigest()


def test_folds_as_json_hold_every_index():
    folds = make_folds(table(["a", "b"] * 6), scheme="stratified:2", seed=7)
    content = json.loads(json.dumps(folds.to_json()))
    assert content["schema"] == "mien.folds/1"
    assert (content["scheme"], content["seed"], content["repeats"]) == ("stratified:2", 7, 1)
    assert content["digest"] == folds.digest()
    assert [fold["test"] for fold in content["folds"]] == [f.test.tolist() for f in folds.folds]


@pytest.mark.parametrize(
    ("rows", "scheme"),
    [
        (official_rows("Training", "PublicTest"), "official"),
        (official_rows("Training", "Training"), "stratified:4"),
        (official_rows("PublicTest", "PrivateTest"), "stratified:4"),
        (table(["a", "b"] * 40, np.repeat([f"p{i}" for i in range(16)], 5)), "subject:10"),
        (table(["a", "b"] * 40, ["p0", "p1"] * 40), "subject:2"),
        (table(["a", "b"] * 40, ["p0"] * 80), "stratified:10"),
        (table(["a", "b"] * 40, ["", "p1"] * 40), "stratified:10"),
        (table(["a", "b"] * 40), "stratified:10"),
        (table(["a", "a", "b"]), "stratified:2"),
        (table(["a", "b"] * 3, [f"p{i}" for i in range(6)]), "subject:3"),
    ],
)
def test_default_scheme_always_works(rows, scheme):
    assert default_scheme(rows) == scheme
    assert make_folds(rows).scheme == scheme


def test_default_scheme_counts_only_the_rows_that_take_part():
    rows = table(["a", "b"] * 20, np.repeat([f"p{i}" for i in range(10)], 4))
    usable = np.arange(40) < 16
    assert make_folds(rows, usable=usable).scheme == "subject:4"


def test_inner_scheme_keeps_persons_apart_where_they_are_known():
    rows = table(["a", "b"] * 10, [*np.repeat(["p0", "p1", "p2", "p3"], 4), *[""] * 4])
    assert inner_scheme(rows, range(16)) == "subject:3"
    assert inner_scheme(rows, range(16), 5) == "subject:4"
    assert inner_scheme(rows, np.arange(8)) == "subject:2"
    assert inner_scheme(rows, range(4)) == "stratified:3"
    assert inner_scheme(rows, range(20)) == "stratified:3"


@settings(max_examples=25, deadline=None)
@given(rows=datasets(), seed=st.integers(0, 100))
@pytest.mark.parametrize(
    ("scheme", "pairs"),
    [
        ("subject:2", 1),
        ("leave-one-subject-out", 3),
        ("holdout:0.3", 1),
        ("stratified:3", 12),
        ("random:3", 12),
    ],
)
def test_rows_of_one_group_are_never_on_both_sides(scheme, pairs, rows, seed):
    rng = np.random.default_rng(seed)
    groups = np.arange(len(rows))
    for one, other in rng.integers(0, len(rows), (pairs, 2)):
        groups[groups == groups[one]] = groups[other]
    folds = make_folds(rows, scheme=scheme, seed=seed, groups=groups)
    for fold in folds.folds:
        assert set(groups[fold.train]).isdisjoint(groups[fold.test])
        if folds.grouped_by == "subject":
            sides = [set(rows["subject"].iloc[part]) for part in (fold.train, fold.test)]
            assert sides[0].isdisjoint(sides[1])
    if not scheme.startswith("holdout"):
        tested = np.sort(np.concatenate([fold.test for fold in folds.folds]))
        np.testing.assert_array_equal(tested, np.flatnonzero(rows["label"] != ""))


@pytest.mark.parametrize("scheme", ["subject:3", "leave-one-subject-out", "holdout:0.3"])
def test_groups_within_persons_change_nothing(scheme):
    rows = table(["a", "b"] * 30, np.repeat([f"p{i}" for i in (7, 3, 9, 1, 5, 0)], 10))
    own = make_folds(rows, scheme=scheme, seed=2)
    grouped = make_folds(rows, scheme=scheme, seed=2, groups=np.arange(60) // 5)
    assert own.digest() == grouped.digest()


def test_copies_of_official_test_rows_are_left_out_of_all_folds_that_share_a_fit():
    rows = official_rows("PrivateTest", "Training", "PublicTest")
    groups = np.array([0, 1, 2, 3, 0, 5, 6, 7, 8, 7, 8, 11])
    folds = make_folds(rows, groups=groups)
    assert [f.train.tolist() for f in folds.folds] == [[5, 6]] * 2
    assert [f.test.tolist() for f in folds.folds] == [[8, 9, 10, 11], [0, 1, 2, 3]]
    with pytest.raises(MienError, match="Every training row of PublicTest is a copy"):
        make_folds(rows, groups=np.zeros(12, int))


def test_no_more_folds_than_groups_are_chosen():
    rows = table(["a", "b"] * 20, np.repeat([f"p{i}" for i in range(10)], 4))
    pairs_of_persons = np.arange(40) // 8
    assert default_scheme(rows, pairs_of_persons) == "subject:5"
    assert inner_scheme(rows, np.arange(16), 3, pairs_of_persons) == "subject:2"
    unknown = table(["a", "b"] * 20)
    assert default_scheme(unknown, pairs_of_persons) == "stratified:5"
    assert inner_scheme(unknown, np.arange(16), 3, pairs_of_persons) == "stratified:2"
    with pytest.raises(MienError, match="only 5 groups of rows that stay together"):
        make_folds(unknown, scheme="random:6", groups=pairs_of_persons)


def test_rows_for_tuning_are_never_the_datasets_test_rows():
    rows = official_rows("Training", "PublicTest", "PrivateTest", "")
    assert np.flatnonzero(rows_for_tuning(rows)).tolist() == [0, 1, 2, 3]
    assert rows_for_tuning(official_rows("Training", "")).all()
    assert rows_for_tuning(table(["a", "b"])).all()


PERSONS = [f"p{i // 4}" for i in range(12)]


@pytest.mark.parametrize(
    ("scheme", "options", "message"),
    [
        ("kfold:5", {}, "no cross-validation scheme 'kfold:5'. Use one of: subject:K"),
        ("official:2", {}, "no cross-validation scheme 'official:2'"),
        ("leave-one-subject-out:2", {}, "no cross-validation scheme"),
        ("stratified", {}, "'stratified' needs a number of folds of at least 2, not ''"),
        ("stratified:1", {}, "at least 2, not '1'"),
        ("random:x", {}, "Write for example --cv random:5"),
        ("random:²", {}, "at least 2, not '²'"),
        ("subject:-3", {}, "at least 2, not '-3'"),
        ("stratified:7", {}, "7 folds were asked for, but there are only 6 rows in the largest"),
        ("random:13", {}, "13 folds were asked for, but there are only 12 rows"),
        ("subject:4", {"subjects": PERSONS}, "4 folds were asked for, but there are only 3 person"),
        ("subject:3", {}, "'subject' needs to know the person of every row; 12 of 12 rows have"),
        ("leave-one-subject-out", {"subjects": ["", *PERSONS[1:]]}, "1 of 12 rows have none"),
        ("leave-one-subject-out", {"subjects": ["p"] * 12}, "two persons; all rows are of 'p'"),
        ("subject:7", {"subjects": [f"p{i}" for i in range(12)]}, "only 6 rows in the largest"),
        ("holdout", {}, "a share between 0 and 1, not ''"),
        ("holdout:1", {}, "between 0 and 1, not '1'"),
        ("holdout:nan", {}, "between 0 and 1, not 'nan'"),
        ("holdout:0.01", {}, "cannot be split by holdout"),
        ("official", {}, "needs rows of the split Training and of one of PublicTest"),
        ("official", {"splits": ["Training"] * 12}, "this store has: Training"),
        ("official", {"splits": ["PublicTest"] * 12}, "this store has: PublicTest"),
    ],
)
def test_what_a_dataset_lacks_is_said(scheme, options, message):
    with pytest.raises(MienError) as caught:
        make_folds(table(["a", "b"] * 6, **options), scheme=scheme)
    assert message in str(caught.value)


def test_one_class_or_none_is_refused():
    with pytest.raises(MienError, match="at least two classes; this store has only 'a'"):
        make_folds(table(["a", "a", ""]))
    with pytest.raises(MienError, match="no labelled row"):
        make_folds(table(["a", "b"]), usable=np.array([False, False]))


def test_repeats_are_refused_where_they_would_be_the_same():
    rows = official_rows("Training", "PublicTest")
    with pytest.raises(MienError, match="'official' is always the same; --repeats must be 1"):
        make_folds(rows, repeats=2)
    with pytest.raises(MienError, match="at least 1, not 0"):
        make_folds(rows, scheme="random:2", repeats=0)


def test_what_lies_on_both_sides_is_counted_once_over_all_folds():
    rows = table(
        "ababab",
        subjects=["p", "q", "p", "q", "", ""],
        sequences=["s", "t", "u", "t", "", ""],
        hashes=["1", "2", "1", "3", "", ""],
    )
    sides = [([0, 1, 4], [2, 3, 5]), ([2, 3, 5], [0, 1, 4])]
    folds = Folds("x", 1, 0, None, tuple(
        Fold(f"f{i}", 0, None, np.array(a), np.array(b)) for i, (a, b) in enumerate(sides)
    ))  # fmt: skip
    assert count_on_both_sides(folds, rows) == {"subjects": 2, "sequences": 1, "twins": 2}
    twins = find_twins(folds, rows)
    assert {name: found.tolist() for name, found in twins.items()} == {"f0": [2], "f1": [0]}


def test_names_that_a_dataset_does_not_have_count_as_unknown():
    rows = table("abab", hashes=["1", "1", "2", "3"])
    folds = Folds("x", 1, 0, None, (Fold("f", 0, None, np.array([0, 2]), np.array([3])),))
    assert count_on_both_sides(folds, rows) == {"subjects": None, "sequences": None, "twins": 0}
