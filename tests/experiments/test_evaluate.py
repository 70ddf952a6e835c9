import joblib
import numpy as np
import pandas as pd
import pytest

from mien.errors import MienError
from mien.experiments.candidates import get_candidate
from mien.experiments.evaluate import evaluate_folds, limit_usable, most_frequent, read_features
from mien.experiments.folds import Fold, make_folds
from mien.experiments.row_data import RowData
from mien.pipeline.store import family_file

SVMS = ("svm-linear", "svm-poly", "svm-rbf")
SMALL = {"families": "blendshapes"}


def evaluate(data, folds, name="svm-rbf", given=SMALL, **options):
    candidate = get_candidate(name)
    return evaluate_folds(candidate, data, folds, candidate.parameters(given), seed=0, **options)


def fold(train, test, name="f"):
    return Fold(name, 0, None, np.asarray(train), np.asarray(test))


def edit_features(store, edit, name="blendshapes"):
    values = np.load(store.path / family_file(name))
    edit(values)
    np.save(store.path / family_file(name), values)


def test_row_data_knows_classes_and_usable_rows(make_store):
    store = make_store(persons=2, takes=1, faceless=1, damaged=2)
    data = RowData(store)
    assert data.classes == ("angry", "happy", "neutral")
    assert data.codes.tolist() == [0, 1, 2, 0, 1, 2, 0, 0]
    assert data.usable.tolist() == [True] * 6 + [False] * 2
    assert data.persons(np.array([0, 3])).tolist() == ["p00", "p01"]


def test_rows_without_label_or_person_are_known_as_such(make_store):
    store = make_store(persons=2, takes=1)
    rows = store.rows
    rows.loc[1, ["label", "reason"]] = ["", "unknown_label"]
    rows.loc[2, "label"] = ""
    rows.loc[0, "subject"] = ""
    data = RowData(store)
    assert data.codes.tolist()[:3] == [0, -1, -1]
    assert data.usable.tolist()[:3] == [True, False, False]
    assert data.persons(np.array([0, 3])) is None


def test_persons_and_exact_twins_are_groups(make_store):
    known = RowData(make_store(persons=3, takes=1, twins=1))  # rows 0 and 3 are the same picture
    assert known.groups(np.arange(9)).tolist() == [0] * 6 + [1] * 3
    assert known.groups(np.arange(1, 9)).tolist() == [0] * 2 + [1] * 3 + [2] * 3
    unknown = RowData(make_store(persons=2, takes=1, twins=1, known_persons=False))
    assert unknown.groups(np.arange(6)).tolist() == [0, 1, 2, 0, 3, 4]


@pytest.mark.parametrize("name", SVMS)
def test_an_svm_gives_the_scores_that_its_answers_come_from(make_store, name):
    store = make_store(separation=0.3)
    edit_features(store, lambda values: values[20].__setitem__(0, np.nan))
    (result,) = evaluate(RowData(store), [fold(range(18), [19, 20, 21, 22])], name)
    assert result.outputs.dtype == np.float32
    assert np.isnan(result.outputs).all(axis=1).tolist() == [False, True, False, False]
    seen = [0, 2, 3]
    assert result.outputs[seen].argmax(axis=1).tolist() == result.predicted[seen].tolist()
    assert result.held_out is None


def test_scores_have_a_column_for_a_class_that_is_not_fitted_on(store):
    (result,) = evaluate(RowData(store), [fold([0, 1, 2, 6, 7, 8, 9, 10, 15, 16], range(18, 27))])
    angry, happy, neutral = result.outputs.T
    np.testing.assert_array_equal(happy, np.minimum(angry, neutral))
    assert ((neutral > 0) == (result.predicted == 2)).all()


def test_a_network_tells_what_it_says_of_the_rows_that_it_held_back(store, fake_network):
    one = fold(range(9, 45), [1, 0])
    (result,) = evaluate(RowData(store), [one], "cnn", {})
    (call,) = fake_network
    np.testing.assert_array_equal(call.pictures, store.pixels[one.train])
    held = result.held_out.rows
    assert 0 < len(held) < 12
    assert set(held) < set(one.train)
    persons = RowData(store).subjects
    assert not set(persons[held]) & set(persons[np.setdiff1d(one.train, held)])
    np.testing.assert_array_equal(result.held_out.outputs, call.validation_probabilities)
    np.testing.assert_array_equal(result.outputs.argmax(axis=1), result.predicted)


@pytest.mark.parametrize("name", SVMS)
def test_separable_classes_are_recognised_in_the_order_of_the_test_rows(store, name):
    data = RowData(store)
    folds = make_folds(store.rows, scheme="subject:3", usable=data.usable)
    for one in folds.folds:
        (result,) = evaluate(data, [one], name)
        np.testing.assert_array_equal(result.true, data.codes[one.test])
        visible = store.has_face[one.test]
        np.testing.assert_array_equal(result.predicted[visible], result.true[visible])
        assert result.scores["accuracy"] == (result.predicted == result.true).mean()
        assert result.train_rows == store.has_face[one.train].sum()


def test_rows_without_a_face_get_the_most_frequent_class_of_the_training_rows(store):
    data = RowData(store)
    train = [0, 1, 2, 3, 4, 5, 7, 8, 12, 13, 14, 21, 22]  # happy is most frequent
    assert most_frequent(data.codes[train]) == 1
    test = [45, 6, 46, 48, 47]
    (result,) = evaluate(data, [fold(train, test)])
    assert result.predicted.tolist() == [1, 2, 1, 1, 1]
    assert store.rows["reason"].iloc[test].tolist() == ["no_face", "", "no_face", "", "no_face"]


def test_most_frequent_counts_only_rows_that_were_fitted_on(store):
    train = [0, 1, 12, 13, 45, 46, 47]  # five angry, of which three have no face
    (result,) = evaluate(RowData(store), [fold([*train, 3], [45])])
    assert result.train_rows == 5
    assert result.predicted.tolist() == [1]


def test_a_test_part_without_any_face(store):
    (result,) = evaluate(RowData(store), [fold(range(18), [45, 46])])
    assert result.predicted.tolist() == [0, 0]


def test_folds_of_the_same_training_rows_are_fitted_once(store):
    results = evaluate(RowData(store), [fold(range(18), [20], "a"), fold(range(18), [30, 31], "b")])
    assert [result.fold.name for result in results] == ["a", "b"]
    assert [len(result.predicted) for result in results] == [1, 2]
    assert results[0].fit_seconds == results[1].fit_seconds


@pytest.mark.parametrize("name", SVMS)
@pytest.mark.parametrize("poison", [1e6, np.nan])
@pytest.mark.parametrize(
    "given",
    [
        {"scaler": "zscore", "pca": 8},
        {"scaler": "minmax", "pca": 8, "mirror": "average"},
        {"families": "blendshapes+0.5*geometry", "mirror": "average", "solver": "least-squares"},
        {"families": "blendshapes+0.5*geometry", "combine": "kernels", "class_weight": "balanced"},
    ],
)
@pytest.mark.parametrize("landmarks", [0, 20])
def test_no_test_row_has_a_part_in_what_is_fitted(
    make_store, monkeypatch, name, poison, given, landmarks
):
    fitted = []
    candidate = type(get_candidate(name))
    build = candidate.build

    def remember(self, parameters, **options):
        fitted.append(build(self, parameters, **options))
        return fitted[-1]

    monkeypatch.setattr(candidate, "build", remember)
    store = make_store(faceless=0, separation=0.2)
    one = fold(range(36), range(36, 54))
    (before,) = evaluate(RowData(store), [one], name, {**SMALL, **given}, landmarks=landmarks)
    edit_features(store, lambda values: values[40:50].__setitem__(slice(None), poison))
    (after,) = evaluate(RowData(store), [one], name, {**SMALL, **given}, landmarks=landmarks)
    others = np.r_[0:4, 14:18]
    np.testing.assert_array_equal(after.predicted[others], before.predicted[others])
    first, second = fitted
    assert joblib.hash(first) == joblib.hash(second)


@pytest.mark.parametrize("name", SVMS)
def test_shuffled_labels_give_chance_level(make_store, name):
    store = make_store(persons=20, takes=5, faceless=0)
    data = RowData(store)
    data.codes = np.random.default_rng(0).permutation(data.codes)
    folds = make_folds(store.rows, scheme="subject:2", usable=data.usable)
    results = [evaluate(data, [one], name)[0] for one in folds.folds]
    accuracy = np.mean([result.scores["accuracy"] for result in results])
    assert abs(accuracy - 1 / 3) < 4 * np.sqrt(2 / 9 / 300)


def test_centring_takes_the_mean_of_each_person_off(make_store):
    store = make_store(persons=2, takes=1, faceless=1, families=("blendshapes",))
    edit_features(store, lambda values: values.__setitem__(slice(None), np.nan))

    def numbers(values):
        values[[0, 1, 2, 4, 5]] = np.array([1, 2, 6, 10, 30])[:, None]

    edit_features(store, numbers)
    found, present = read_features(RowData(store), ["blendshapes"], np.arange(6), centre="person")
    assert present.tolist() == [True, True, True, False, True, True]
    np.testing.assert_array_equal(found[:, 0], [-2, -1, 3, -10, 10])
    assert found.dtype == np.float32


def test_centring_uses_only_rows_of_its_own_side(make_store):
    store = make_store(persons=4, faceless=0)
    one = fold(range(18), range(18, 36))
    given = {**SMALL, "centre": "person"}
    (before,) = evaluate(RowData(store), [one], given=given)
    edit_features(store, lambda values: values[18:27].__iadd__(50))  # all of one person's rows
    (after,) = evaluate(RowData(store), [one], given=given)
    np.testing.assert_array_equal(after.predicted, before.predicted)


def test_centring_needs_persons(make_store):
    data = RowData(make_store(known_persons=False))
    with pytest.raises(MienError, match="needs to know the person of every row"):
        evaluate(data, [fold(range(18), range(18, 36))], given={**SMALL, "centre": "person"})
    with pytest.raises(MienError, match="centre must be one of none, person, neutral, not 'x'"):
        read_features(data, ["blendshapes"], np.arange(3), centre="x")


def test_families_stand_side_by_side_in_the_order_named(store):
    both, _ = read_features(RowData(store), ["geometry", "blendshapes"], np.array([4, 0]))
    np.testing.assert_array_equal(both[:, :2178], store.features("geometry")[[4, 0]])
    np.testing.assert_array_equal(both[:, 2178:], store.features("blendshapes")[[4, 0]])


def test_training_rows_of_one_class_are_refused(store):
    with pytest.raises(MienError, match="The training rows of f that have features are of fewer"):
        evaluate(RowData(store), [fold([0, 1, 2], [3])])
    with pytest.raises(MienError, match="fewer than two classes"):
        evaluate(RowData(store), [fold([0, 1, 45], [3])])


def test_a_fold_result_is_plain_json(store):
    (result,) = evaluate(RowData(store), [fold(range(18), [20, 19])])
    content = result.to_json()
    assert content["indices"] == [20, 19]
    assert content["true"] == RowData(store).codes[[20, 19]].tolist()
    assert content["parameters"]["families"] == "blendshapes"
    assert content["curves"] is None


def test_a_limit_keeps_the_shares_of_splits_and_classes(make_store):
    store = make_store(persons=20, takes=4, splits=("Training", "Training", "PublicTest"))
    data = RowData(store)
    kept = limit_usable(data, data.usable, 60, seed=0)
    assert kept.sum() == 60
    assert not (kept & ~data.usable).any()
    rows = store.rows[kept]
    assert rows["split"].value_counts().to_dict() == {"Training": 40, "PublicTest": 20}
    shares = pd.crosstab(rows["split"], rows["label"])  # of 60, 60, 40 and 20, 20, 40
    assert shares.loc["Training"].tolist() == [15, 15, 10]
    assert shares.loc["PublicTest"].tolist() == [5, 5, 10]
    np.testing.assert_array_equal(kept, limit_usable(data, data.usable, 60, seed=0))
    assert (kept != limit_usable(data, data.usable, 60, seed=1)).any()


@pytest.mark.parametrize("limit", [None, 1000])
def test_a_limit_above_the_rows_changes_nothing(store, limit):
    data = RowData(store)
    np.testing.assert_array_equal(limit_usable(data, data.usable, limit, 0), data.usable)


@pytest.mark.parametrize("solver", ["libsvm", "least-squares"])
def test_landmarks_approximate_the_kernel(store, solver):
    given = {**SMALL, "solver": solver, "C": 1.0}
    (result,) = evaluate(
        RowData(store), [fold(range(36), range(36, 51))], given=given, landmarks=18
    )
    visible = RowData(store).store.has_face[36:51]
    assert (result.predicted == result.true)[visible].mean() > 0.8
