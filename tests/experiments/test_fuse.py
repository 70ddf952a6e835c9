import json

import numpy as np
import pytest

from mien.errors import MienError
from mien.experiments import fits as fits_module
from mien.experiments.compare import compare
from mien.experiments.comparison_options import ComparisonOptions
from mien.experiments.evaluate import FoldResult, HeldOut
from mien.experiments.folds import Fold
from mien.experiments.fuse import predict_inside
from mien.experiments.report.schema import check_results
from mien.experiments.row_data import RowData
from mien.experiments.scores import compute_scores
from mien.models.fusion import ScoreCombiner
from mien.pipeline.store import family_file

ALL = ("svm-rbf", "cnn-compact", "fusion")
SMALL = {"families": "blendshapes"}


@pytest.fixture
def store(make_store):
    return make_store(persons=9, takes=2)


@pytest.fixture
def data(store):
    return RowData(store)


def options(*models, fusion=None, **others):
    given = {"svm-rbf": SMALL} | ({"fusion": fusion} if fusion else {})
    return ComparisonOptions(
        models=models,
        parameters=given,
        **{"scheme": "subject:3", "seed": 2, "calibrate": False, **others},
    )


def read_times(out):
    return {path.name: path.stat().st_mtime_ns for path in (out / "cells").iterdir()}


def without_times(model):
    left_out = ("timing", "folds")
    kept = {name: value for name, value in model.items() if name not in left_out}
    return kept, [(fold["predicted"], fold["scores"]) for fold in model["folds"]]


class Fakes:
    """Parts whose outputs are random numbers that tell where they come from.

    Each row of outputs leads back to the row that it is of, and to the rows that the part was
    fitted on.
    """

    def __init__(self, data):
        self.data = data
        self.rng = np.random.default_rng(0)
        self.origin = {}
        self.combined = []
        self.evaluated = []

    def say(self, kind, rows, fitted):
        outputs = self.rng.dirichlet(np.ones(3), len(rows)).astype(np.float32)
        for row, own in zip(rows, outputs, strict=True):
            self.origin[own.tobytes()] = kind, int(row), frozenset(fitted.tolist())
        return outputs

    def evaluate(self, candidate, data, folds, parameters, **others):
        train = folds[0].train
        self.evaluated.append((candidate.name, folds, others["landmarks"]))
        held_out = None
        if candidate.kind == "cnn":
            groups = data.groups(train)
            held = np.isin(groups, self.rng.choice(np.unique(groups), 2, replace=False))
            rest = train[~held]
            held_out = HeldOut(train[held], self.say("cnn", train[held], rest))
            train = rest
        results = []
        for fold in folds:
            outputs = self.say(candidate.kind, fold.test, train)
            true, predicted = data.codes[fold.test], outputs.argmax(axis=1)
            results.append(
                FoldResult(
                    fold, true, predicted, compute_scores(true, predicted, 3), dict(parameters),
                    len(train), 1.0, 0.25, None, outputs, held_out,
                )
            )  # fmt: skip
        return results

    def combine(self, combiner, scores, probabilities, y):
        told = [
            (self.origin[own.tobytes()], self.origin[other.tobytes()])
            for own, other in zip(scores, probabilities, strict=True)
        ]
        self.combined.append((told, y.tolist()))
        return FIT(combiner, scores, probabilities, y)


FIT = ScoreCombiner.fit


@pytest.fixture
def fakes(data, monkeypatch):
    fakes = Fakes(data)
    monkeypatch.setattr(fits_module, "evaluate_folds", fakes.evaluate)
    monkeypatch.setattr(ScoreCombiner, "fit", lambda *arguments: fakes.combine(*arguments))
    return fakes


@pytest.mark.parametrize("inner", [1, 2, 3])
def test_the_combiner_sees_only_training_rows_that_no_part_was_fitted_on(
    data, fakes, tmp_path, inner
):
    compare(data, options(*ALL, fusion={"inner": inner}), tmp_path)
    outer = json.loads((tmp_path / "folds.json").read_text())["folds"]
    assert len(fakes.combined) == len(outer) == 3
    for (told, y), fold in zip(fakes.combined, outer, strict=True):
        train, test = set(fold["train"]), set(fold["test"])
        used = [row for (_, row, _), _ in told]
        assert len(used) == len(set(used)) > 0
        assert inner == 1 or set(used) == train
        for ((svm, row, svm_rows), (cnn, same, cnn_rows)), code in zip(told, y, strict=True):
            assert (svm, cnn) == ("svm", "cnn")
            assert row == same
            assert row in train
            assert code == data.codes[row]
            for fitted in (svm_rows, cnn_rows):
                assert row not in fitted
                assert fitted <= train
                assert not fitted & test
                groups = dict(zip(sorted(train), data.groups(np.array(sorted(train))), strict=True))
                assert groups[row] not in {groups[other] for other in fitted}


@pytest.mark.parametrize(("inner", "svms", "networks"), [(1, 3, 0), (3, 9, 9)])
def test_the_parts_own_fits_are_not_repeated(data, fakes, tmp_path, inner, svms, networks):
    compare(data, options(*ALL, fusion={"inner": inner}), tmp_path)
    fitted = [name for name, _, _ in fakes.evaluated]
    assert fitted.count("svm-rbf") == 3 + svms
    assert fitted.count("cnn-compact") == 3 + networks
    assert "fusion" not in fitted


@pytest.mark.parametrize(("inner", "further"), [(1, 3), (3, 0)])
def test_calibration_takes_the_fusions_inner_fit_where_it_is_the_same(
    data, fakes, tmp_path, inner, further
):
    compare(data, options(*ALL, fusion={"inner": inner}), tmp_path)
    before = len(fakes.evaluated)
    compare(data, options(*ALL, fusion={"inner": inner}, calibrate=True), tmp_path)
    assert len(fakes.evaluated) - before == further


@pytest.mark.parametrize("models", [("fusion",), ("fusion", "cnn-compact", "svm-rbf")])
def test_parts_are_fitted_where_they_are_not_compared_and_found_later(
    data, fakes, tmp_path, models
):
    results = compare(data, options(*models), tmp_path)
    assert tuple(results["models"]) == models
    before = read_times(tmp_path)
    done = len(fakes.evaluated)
    assert done == 9
    assert len(before) == 2 * (9 + 3)
    compare(data, options(*ALL), tmp_path)
    assert len(fakes.evaluated) == done
    assert read_times(tmp_path) == before


def test_one_fit_serves_folds_with_the_same_training_rows(make_store, monkeypatch, tmp_path):
    data = RowData(make_store(splits=("Training", "PublicTest", "PrivateTest"), persons=9))
    fakes = Fakes(data)
    monkeypatch.setattr(fits_module, "evaluate_folds", fakes.evaluate)
    results = compare(data, options("fusion", scheme="official", on_leak="warn"), tmp_path)
    assert [len(folds) for _, folds, _ in fakes.evaluated] == [2, 2, 1]
    fusion = results["models"]["fusion"]
    assert [fold["split"] for fold in fusion["folds"]] == ["PublicTest", "PrivateTest"]
    assert [fold["fit_seconds"] > 3 for fold in fusion["folds"]] == [True, True]
    assert all(fold["predict_seconds"] > 0.5 for fold in fusion["folds"])


@pytest.mark.parametrize(
    "change", [{"C": 2.0}, {"inner": 2}, {"svm-rbf": {"C": 3.0}}, {"cnn-compact": {"width": 0.5}}]
)
@pytest.mark.usefixtures("fakes")
def test_other_parameters_of_the_fusion_or_a_part_are_computed_anew(data, tmp_path, change):
    compare(data, options("fusion"), tmp_path)
    before = set(read_times(tmp_path))
    own = {"fusion": {n: v for n, v in change.items() if n in ("C", "inner")}}
    parts = {n: v for n, v in change.items() if n not in own["fusion"]}
    given = {"svm-rbf": SMALL, **own}
    given |= {name: {**given.get(name, {}), **part} for name, part in parts.items()}
    chosen = ComparisonOptions(("fusion",), scheme="subject:3", seed=2, parameters=given)
    compare(data, chosen, tmp_path)
    new = set(read_times(tmp_path)) - before
    assert len([name for name in new if name.startswith("fusion")]) == 6


@pytest.mark.usefixtures("fake_network")
def test_three_models_are_compared_and_told(data, tmp_path):
    results = compare(data, options(*ALL), tmp_path)
    check_results(results)
    models = results["models"]
    assert tuple(models) == ALL
    fusion = models["fusion"]
    assert fusion["view"] == "blendshapes and pixels"
    assert "the network's best epoch was chosen by its loss on them" in fusion["solver"]
    assert "libsvm" in fusion["solver"]
    assert (fusion["parameters"]["inner"], fusion["parameters"]["svm-rbf.C"]) == (1, 10.0)
    assert {(pair["a"], pair["b"]) for pair in results["comparisons"]} == {
        ("svm-rbf", "cnn-compact"), ("svm-rbf", "fusion"), ("cnn-compact", "fusion"),
    }  # fmt: skip
    costs = [models[name]["timing"]["fit_seconds"] for name in ALL]
    assert costs[2] > costs[0] + costs[1]
    assert fusion["summary"]["accuracy"]["mean"] > 0.9
    page = (tmp_path / "report.html").read_text()
    assert "Fusion of SVM and CNN" in page
    assert "blendshapes and pixels" in page


@pytest.mark.usefixtures("fake_network")
@pytest.mark.parametrize("inner", [1, 2])
def test_the_same_seed_gives_the_same_fusion(data, tmp_path, inner):
    first, second = (
        compare(data, options("fusion", fusion={"inner": inner}), tmp_path / name)["models"]
        for name in "ab"
    )
    assert without_times(first["fusion"]) == without_times(second["fusion"])


def test_the_network_alone_answers_for_rows_without_features(store, fake_network, tmp_path):
    data = RowData(store)
    assert np.isnan(store.features("blendshapes")[48:51]).all()
    results = compare(data, options("cnn-compact", "fusion"), tmp_path)
    assert fake_network
    seen = 0
    for network, fusion in zip(
        *(results["models"][name]["folds"] for name in ("cnn-compact", "fusion")), strict=True
    ):
        faceless = ~store.has_face[fusion["indices"]]
        seen += faceless.sum()
        for name in ("predicted", "true"):
            assert np.array(network[name])[faceless].tolist() == (
                np.array(fusion[name])[faceless].tolist()
            )
    assert seen == 3


@pytest.mark.usefixtures("fake_network")
def test_no_test_row_has_a_part_in_what_is_combined(make_store, store, tmp_path, monkeypatch):
    fitted = []

    def remember(combiner, *arguments):
        fitted.append(FIT(combiner, *arguments))
        return fitted[-1]

    monkeypatch.setattr(ScoreCombiner, "fit", remember)
    compare(RowData(store), options("fusion"), tmp_path / "a")
    other = make_store(persons=9, takes=2)
    values = np.load(other.path / family_file("blendshapes"))
    folds = json.loads((tmp_path / "a" / "folds.json").read_text())["folds"]
    values[folds[0]["test"]] = 1e6
    np.save(other.path / family_file("blendshapes"), values)
    compare(RowData(other), options("fusion"), tmp_path / "b")
    assert len(fitted) == 6
    np.testing.assert_array_equal(fitted[0].coef_, fitted[3].coef_)
    assert (fitted[1].coef_ != fitted[4].coef_).any()


def test_a_part_that_failed_is_not_fitted_again(data, fakes, tmp_path, monkeypatch):
    evaluate, asked = fakes.evaluate, []

    def fail(candidate, *arguments, **others):
        asked.append(candidate.name)
        if candidate.kind == "cnn":
            raise RuntimeError("the loss is not a number")
        return evaluate(candidate, *arguments, **others)

    monkeypatch.setattr(fits_module, "evaluate_folds", fail)
    results = compare(data, options("fusion", "svm-rbf", "cnn-compact"), tmp_path)
    check_results(results)
    assert asked.count("cnn-compact") == 1
    assert results["models"]["svm-rbf"]["status"] == "ok"
    told = results["models"]["fusion"]["error"]
    assert told == "Its part cnn-compact failed: RuntimeError: the loss is not a number"


def test_the_svm_inside_is_approximated_as_outside(data, fakes, tmp_path, monkeypatch):
    monkeypatch.setattr(fits_module, "plan_landmarks", lambda *_: 7)
    results = compare(data, options(*ALL), tmp_path)
    told = {(name, landmarks) for name, _, landmarks in fakes.evaluated}
    assert told == {("svm-rbf", 7), ("cnn-compact", 0)}
    assert "low-rank" in results["models"]["fusion"]["solver"]


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        (options("fusion", nested=True), "fusion cannot be compared with nested tuning yet"),
        (options("fusion", fusion={"svm": "cnn"}), "fusion: svm must be a name of svm-linear"),
        (options("fusion", fusion={"inner": 0}), "inner must be a whole number of at least 1"),
        (options("fusion", fusion={"C": 0}), "C must be a number above 0"),
        (options("fusion", fusion={"gamma": 1.0}), "fusion has no parameter gamma. It has: svm, c"),
        (options("fusion", fusion={"svm": "svm-poly"}), "given for svm-rbf, which is not compared"),
        (
            ComparisonOptions(("fusion",), parameters={"svm-rbf": {"centre": "person"}},
                              scheme="stratified:3"),
            "svm-rbf: centre needs whole persons",
        ),
    ],
)  # fmt: skip
def test_a_wrong_choice_is_refused_before_any_fit(data, fakes, tmp_path, chosen, message):
    with pytest.raises(MienError) as caught:
        compare(data, chosen, tmp_path / "out")
    assert message in str(caught.value)
    assert fakes.evaluated == []


def test_a_network_without_held_out_rows_needs_inner_folds(data):
    fold = Fold("f", 0, None, np.arange(36), np.arange(36, 45))
    with pytest.raises(MienError, match=r"held back no rows .* Combine on inner folds"):
        predict_inside(
            data, fold, inner=1, seed=0, held_out=None, score_svm=lambda _: 0, score_cnn=lambda _: 0
        )
