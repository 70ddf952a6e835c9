import json
from pathlib import Path

import numpy as np
import optuna
import pytest

from mien.errors import MienError
from mien.experiments.candidates import get_candidate
from mien.experiments.evaluate import evaluate_folds
from mien.experiments.parameters import read_parameters, write_parameters
from mien.experiments.row_data import RowData
from mien.experiments.svm_objective import study_name
from mien.experiments.svm_scorer import SvmScorer
from mien.experiments.tune import TuneResult, choose_rows, make_tuning_folds, plan_folds, tune
from mien.models.cholesky import NotPositiveDefiniteError

SMALL = ["blendshapes"]


@pytest.fixture
def data(store):
    return RowData(store)


@pytest.fixture
def folds(data):
    return make_tuning_folds(data, scheme="subject:2")


@pytest.fixture
def hard(make_store):
    """Classes that overlap, so that parameters matter."""
    return RowData(make_store(separation=0.15, persons=10))


def sqlite(path):
    return f"sqlite:///{path}"


def load_trials(storage, study):
    """Trials of a study, with the storage closed again."""
    from mien.experiments.storages import open_storage

    with open_storage(storage) as opened:
        return optuna.load_study(study_name=study, storage=opened).get_trials()


def test_a_study_finds_parameters_that_separate_the_classes(data, folds):
    told = []
    result = tune(
        data, "svm-rbf", folds=folds, trials=6, families=SMALL, on_trial=lambda *x: told.append(x)
    )
    assert result.trials == 6
    assert result.accuracy > 0.9
    assert result.parameters.keys() == get_candidate("svm-rbf").defaults.keys()
    assert result.parameters["families"] == "blendshapes"
    assert [(done, wanted) for done, wanted, _ in told] == [(i, 6) for i in range(1, 7)]
    assert told[-1][2] == result.accuracy


@pytest.mark.parametrize("sampler", ["tpe", "random", "grid"])
def test_the_same_seed_gives_the_same_trials(hard, tmp_path, sampler):
    folds = make_tuning_folds(hard, scheme="subject:2")
    options = {"folds": folds, "trials": 14, "sampler": sampler, "families": SMALL}

    def run(file, seed):
        result = tune(hard, "svm-poly", seed=seed, storage=sqlite(tmp_path / file), **options)
        trials = load_trials(sqlite(tmp_path / file), result.study)
        return result, [(t.state, t.params, t.value, t.intermediate_values) for t in trials]

    first, other = run("first.db", 1), run("other.db", 2)
    assert run("again.db", 1) == first
    assert len(first[1]) == 14
    assert other[1] != first[1]


@pytest.mark.parametrize("make_url", [sqlite, lambda path: f"journal:{path}"])
@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_a_resumed_study_goes_on_with_new_draws(data, folds, tmp_path, make_url, sampler):
    storage = make_url(tmp_path / "study")
    options = {"folds": folds, "storage": storage, "sampler": sampler, "families": SMALL}
    first = tune(data, "svm-rbf", trials=4, **options)
    second = tune(data, "svm-rbf", trials=8, **options)
    third = tune(data, "svm-rbf", trials=8, **options)
    assert (first.trials, second.trials, third.trials) == (4, 8, 8)
    assert third == second
    assert second.study == first.study
    assert second.accuracy >= first.accuracy
    drawn = [trial.params["C"] for trial in load_trials(storage, first.study)]
    assert len(drawn) == len(set(drawn)) == 8


def test_a_resumed_random_study_equals_one_in_a_single_run(data, folds, tmp_path):
    options = {"folds": folds, "sampler": "random", "families": SMALL, "seed": 3}
    storage = sqlite(tmp_path / "study.db")
    tune(data, "svm-linear", trials=3, storage=storage, **options)
    resumed = tune(data, "svm-linear", trials=7, storage=storage, **options)
    assert resumed == tune(data, "svm-linear", trials=7, **options)


def test_studies_of_other_data_folds_families_or_values_are_not_mixed(data, folds, make_store):
    candidate = get_candidate("svm-rbf")
    other = RowData(make_store(seed=1))
    names = [
        study_name(data, candidate, folds, SMALL, {}),
        study_name(other, candidate, folds, SMALL, {}),
        study_name(data, get_candidate("svm-poly"), folds, SMALL, {}),
        study_name(data, candidate, make_tuning_folds(data, scheme="subject:3"), SMALL, {}),
        study_name(data, candidate, folds, ["geometry"], {}),
        study_name(data, candidate, folds, SMALL, {"centre": "person"}),
        study_name(data, candidate, folds, SMALL, {}, grid=True),
    ]
    assert len(set(names)) == len(names)
    assert names[0] == study_name(data, candidate, folds, SMALL, {})


def test_one_storage_holds_many_studies(data, folds, tmp_path):
    storage = sqlite(tmp_path / "study.db")
    options = {"folds": folds, "storage": storage, "trials": 2, "families": SMALL}
    first, second = (tune(data, name, **options) for name in ("svm-linear", "svm-poly"))
    assert first.study != second.study
    assert [len(load_trials(storage, result.study)) for result in (first, second)] == [2, 2]


@pytest.mark.parametrize("scored", [5, 13])  # in the third of eight trials, and in the seventh
def test_an_interrupted_trial_is_done_by_the_next_run(data, folds, tmp_path, monkeypatch, scored):
    storage = sqlite(tmp_path / "study.db")
    options = {"folds": folds, "trials": 100, "sampler": "grid", "storage": storage}
    score, left = SvmScorer.score, iter(range(scored))

    def interrupt(self, *arguments):
        if next(left, None) is None:
            raise KeyboardInterrupt
        return score(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(SvmScorer, "score", interrupt)
        with pytest.raises(KeyboardInterrupt):
            tune(data, "svm-linear", families=SMALL, **options)
    result = tune(data, "svm-linear", families=SMALL, **options)
    trials = [t for t in load_trials(storage, result.study) if t.state.name != "FAIL"]
    assert result.trials == len(trials) == 8
    assert len({tuple(sorted(trial.params.items())) for trial in trials}) == 8


@pytest.mark.parametrize(("model", "points"), [("svm-linear", 8), ("svm-rbf", 32)])
def test_the_grid_is_gone_through_once(data, folds, monkeypatch, model, points):
    scored, score = [], SvmScorer.score

    def remember(self, fold, parameters):
        scored.append((fold.name, *sorted(parameters.items())))
        return score(self, fold, parameters)

    monkeypatch.setattr(SvmScorer, "score", remember)
    result = tune(data, model, folds=folds, trials=1000, sampler="grid", families=SMALL)
    assert result.trials == points
    assert len(scored) == len(set(scored))
    assert len([name for name, *_ in scored if name == "fold 1"]) == points


def test_a_finished_grid_is_not_begun_again(data, folds, tmp_path):
    storage = f"journal:{tmp_path / 'study'}"
    options = {"folds": folds, "sampler": "grid", "storage": storage, "families": SMALL}
    first = tune(data, "svm-linear", trials=5, **options)
    assert first.trials == 5
    results = [tune(data, "svm-linear", trials=1000, **options) for _ in range(2)]
    assert [result.trials for result in results] == [8, 8]
    assert len(load_trials(storage, first.study)) == 8


def test_a_grid_is_not_mixed_with_trials_drawn_at_random(data, folds, tmp_path):
    options = {"folds": folds, "storage": sqlite(tmp_path / "study.db"), "families": SMALL}
    assert tune(data, "svm-linear", trials=3, **options).trials == 3
    assert tune(data, "svm-linear", trials=1000, sampler="grid", **options).trials == 8


def test_hopeless_trials_are_cut_short_and_counted(hard, tmp_path):
    folds = make_tuning_folds(hard, scheme="subject:3")
    storage = f"journal:{tmp_path / 'study'}"
    result = tune(hard, "svm-rbf", folds=folds, trials=25, storage=storage, families=SMALL)
    states = [trial.state.name for trial in load_trials(storage, result.study)]
    assert result.pruned == states.count("PRUNED") > 0
    assert result.trials == len(states) == 25


def test_the_result_is_the_score_of_its_parameters(hard):
    folds = make_tuning_folds(hard, scheme="subject:3")
    result = tune(hard, "svm-rbf", folds=folds, trials=5, families=SMALL)
    candidate = get_candidate("svm-rbf")
    scores = [
        evaluate_folds(candidate, hard, [fold], result.parameters, seed=0)[0].scores["accuracy"]
        for fold in folds.folds
    ]
    assert result.accuracy == pytest.approx(np.mean(scores))


def test_fixed_parameters_are_not_searched(hard):
    folds = make_tuning_folds(hard, scheme="subject:3")
    fixed = {"centre": "person", "C": 5}
    result = tune(hard, "svm-linear", folds=folds, trials=3, families=SMALL, fixed=fixed)
    assert result.parameters["centre"] == "person"
    assert result.parameters["C"] == 5.0


def test_a_trial_without_a_solution_is_cut_short_and_the_study_goes_on(hard, monkeypatch):
    folds = make_tuning_folds(hard, scheme="subject:3")
    score, left = SvmScorer.score, iter(range(2))

    def fail(self, *arguments):
        if next(left, None) is not None:
            raise NotPositiveDefiniteError("no factor")
        return score(self, *arguments)

    monkeypatch.setattr(SvmScorer, "score", fail)
    fixed = {"solver": "least-squares"}
    result = tune(hard, "svm-rbf", folds=folds, trials=4, families=SMALL, fixed=fixed)
    assert (result.trials, result.pruned) == (4, 2)
    assert result.parameters["solver"] == "least-squares"


def test_a_study_without_a_finished_trial_says_why(hard, monkeypatch):
    def fail(*_):
        raise NotPositiveDefiniteError("no factor")

    monkeypatch.setattr(SvmScorer, "score", fail)
    folds = make_tuning_folds(hard, scheme="subject:3")
    with pytest.raises(MienError, match=r"came to its end \(in 2, no factor\)"):
        tune(hard, "svm-rbf", folds=folds, trials=2, families=SMALL)


def test_rows_that_do_not_fit_into_memory_are_left_out(hard):
    rows = choose_rows(hard, None, 0, families=SMALL, memory=50_000)
    assert 10 < rows.sum() < hard.usable.sum()
    assert choose_rows(hard, 12, 0, memory=10**9).sum() == 12
    folds = make_tuning_folds(hard, scheme="stratified:2", rows=rows)
    result = tune(hard, "svm-linear", folds=folds, trials=1, families=SMALL, memory=50_000)
    assert result.rows == rows.sum()
    assert result.left_out == hard.usable.sum() - rows.sum()


def test_components_fit_the_rows_that_have_a_face(make_store):
    store = make_store(persons=8, takes=3, faceless=9)
    rows = store.rows
    assert (rows["reason"] == "no_face").sum() == 9
    data = RowData(store)
    # 24 to 32 training rows with a face, and 33 to 41 in all
    folds = make_tuning_folds(data, scheme="subject:2")
    tune(data, "svm-linear", folds=folds, trials=12, sampler="random", families=SMALL)


def test_a_datasets_own_test_rows_never_judge_trials(make_store):
    data = RowData(make_store(splits=("Training", "PublicTest", "PrivateTest")))
    folds = make_tuning_folds(data, scheme="stratified:2")
    used = np.unique(np.concatenate([np.r_[fold.train, fold.test] for fold in folds.folds]))
    assert set(data.store.rows["split"].iloc[used]) == {"Training"}
    assert choose_rows(data, 10, 0).sum() == 10
    assert set(data.store.rows["split"][choose_rows(data, 10, 0)]) == {"Training"}


def test_an_svm_is_judged_by_five_folds_and_a_network_by_one_holdout(data, monkeypatch):
    svm, cnn = (plan_folds(data, model) for model in ("svm-rbf", "cnn"))
    assert (svm.scheme, len(svm.folds)) == ("subject:5", 5)
    assert (cnn.scheme, len(cnn.folds), cnn.grouped_by) == ("holdout:0.2", 1, "subject")
    (fold,) = cnn.folds
    held_out = data.store.rows["subject"].iloc[fold.test]
    assert set(held_out).isdisjoint(data.store.rows["subject"].iloc[fold.train])
    assert len(fold.train) + len(fold.test) == data.usable.sum()
    monkeypatch.setattr("mien.experiments.tune.CNN_LIMIT", 30)
    (fold,) = plan_folds(data, "cnn").folds
    assert len(fold.train) + len(fold.test) == 30
    assert np.bincount(data.codes[np.r_[fold.train, fold.test]]).tolist() == [10, 10, 10]
    (fold,) = plan_folds(data, "cnn-modern", limit=45).folds
    assert len(fold.train) + len(fold.test) == 45
    assert plan_folds(data, "cnn", scheme="stratified:3").scheme == "stratified:3"


@pytest.mark.parametrize("model", ["svm-linear", "cnn"])
def test_a_plan_leaves_out_a_datasets_own_test_rows(make_store, model):
    data = RowData(make_store(splits=("Training", "PublicTest", "PrivateTest")))
    sides = [side for fold in plan_folds(data, model).folds for side in (fold.train, fold.test)]
    assert set(data.store.rows["split"].iloc[np.concatenate(sides)]) == {"Training"}


def test_only_the_rows_that_are_given_judge_trials(data):
    rows = np.arange(len(data.codes)) < 27
    folds = make_tuning_folds(data, scheme="subject:2", rows=rows)
    for fold in folds.folds:
        assert max(fold.train.max(), fold.test.max()) < 27


@pytest.mark.parametrize("scheme", ["subject:2", "stratified:3", "holdout:0.3"])
def test_twins_and_films_judge_no_trial_that_was_fitted_on_them(data, scheme):
    rows = data.store.rows
    for fold in make_tuning_folds(data, scheme=scheme).folds:
        for name in ("pixels_hash", "sequence"):
            assert set(rows[name].iloc[fold.train]).isdisjoint(rows[name].iloc[fold.test])


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ("cnn", {"families": ["pose"]}, "cnn reads pixels, no families"),
        ("cnn", {"fixed": {"learning_rate": -1.0}}, "learning_rate must be above 0, got -1.0"),
        ("cnn", {"fixed": {"network": "vgg"}}, "cnn: network must be one of"),
        ("cnn", {"fixed": {"C": 1.0}}, "cnn has no parameter C"),
        ("svm", {}, "There is no model 'svm'"),
        ("fusion", {}, "fusion is not tuned as a whole"),
        ("svm-rbf", {"sampler": "cma"}, "no sampler 'cma'. Use one of: tpe, random, grid"),
        ("svm-rbf", {"trials": 0}, "--trials must be at least 1, not 0"),
        ("svm-rbf", {"fixed": {"c": 1.0}}, "svm-rbf has no parameter c"),
        ("svm-rbf", {"families": ["hog"]}, "no feature family 'hog'"),
        ("svm-rbf", {"storage": "nonsense"}, "storage 'nonsense' cannot be opened"),
        ("svm-rbf", {"storage": "sqlite:////proc/no/study.db"}, "cannot be opened"),
        ("svm-rbf", {"storage": "postgres+x://host/db"}, "cannot be opened"),
        ("svm-rbf", {"storage": "journal:/proc/no/study.log"}, "cannot be opened"),
    ],
)
def test_what_cannot_be_tuned_is_said(data, folds, model, options, message):
    with pytest.raises(MienError) as caught:
        tune(data, model, folds=folds, **{"trials": 1, **options})
    assert message in str(caught.value)


@pytest.mark.parametrize("kind", ["sqlite:///{}", "journal:{}"])
def test_a_file_of_something_else_is_no_storage(data, folds, tmp_path, kind):
    file = tmp_path / "picture.png"
    file.write_bytes(b"\x89PNG, and no study at all" * 100)
    with pytest.raises(MienError, match="cannot be opened"):
        tune(data, "svm-rbf", folds=folds, trials=1, storage=kind.format(file))


def test_a_fold_that_cannot_be_fitted_is_said(make_store):
    data = RowData(make_store(persons=2, classes=("angry", "happy"), takes=3, faceless=3, twins=0))
    with pytest.raises(MienError, match=r"training rows of fold \d that have features are of few"):
        tune(data, "svm-rbf", folds=make_tuning_folds(data, scheme="subject:2"), trials=1)


def test_parameters_survive_their_file(data, folds, tmp_path):
    result = tune(data, "svm-poly", folds=folds, trials=2, families=SMALL)
    file = tmp_path / "new" / "tuned.json"
    write_parameters(file, result, data, folds)
    stored = read_parameters(file)
    assert (stored.model, stored.parameters) == ("svm-poly", result.parameters)
    assert stored.dataset_hash == data.store.manifest["dataset_hash"]
    content = json.loads(file.read_text())
    assert (content["accuracy"], content["trials"]) == (result.accuracy, 2)
    assert (content["scheme"], content["folds_digest"]) == ("subject:2", folds.digest())


def test_an_unwritable_parameters_file_is_said(data, folds, tmp_path):
    (tmp_path / "file").touch()
    result = TuneResult("svm-rbf", {}, 1.0, 1, 0, "study")
    with pytest.raises(MienError, match="cannot be written"):
        write_parameters(tmp_path / "file" / "tuned.json", result, data, folds)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read"),
        (b"{", "cannot be read"),
        (b"\xff\xfe", "cannot be read"),
        (b"[]", "does not hold parameters of the schema mien.parameters/1"),
        (b'{"schema": "mien.results/1"}', "does not hold parameters"),
        (b'{"schema": "mien.parameters/1"}', "does not hold parameters"),
        (b'{"schema": "mien.parameters/1", "model": "svm-rbf"}', "does not hold parameters"),
        (b'{"schema": "mien.parameters/1", "model": "forest"}', "no model 'forest'"),
        (
            b'{"schema": "mien.parameters/1", "model": "svm-rbf", "parameters": {"c": 1}}',
            "svm-rbf has no parameter c",
        ),
        (b'{"schema": "mien.parameters/1", "model": "svm-rbf", "parameters": 3}', "not hold"),
    ],
)
def test_another_file_is_not_taken_for_parameters(tmp_path, content, message):
    file = tmp_path / "tuned.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(MienError) as caught:
        read_parameters(file)
    assert message in str(caught.value)


def test_no_connection_stays_open(data, folds, tmp_path):
    storage = tmp_path / "study.db"
    tune(data, "svm-linear", folds=folds, trials=1, storage=sqlite(storage), families=SMALL)
    descriptors = Path("/proc/self/fd")
    if not descriptors.exists():
        pytest.skip("needs /proc")
    links = [link.readlink() for link in descriptors.iterdir() if link.exists()]
    assert storage not in links
