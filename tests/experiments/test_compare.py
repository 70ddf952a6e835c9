import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from mien.errors import MienError
from mien.experiments import fits as fits_module
from mien.experiments import memory
from mien.experiments.compare import compare
from mien.experiments.comparison_options import ComparisonOptions
from mien.experiments.report.schema import check_results, read_results
from mien.experiments.row_data import RowData
from mien.models.cnn.isolated import IsolatedResult
from mien.pipeline.store import FeatureStore

SVMS = ("svm-linear", "svm-poly", "svm-rbf")
WORKER = """
import sys, time
from pathlib import Path
from mien.experiments import fits as module
from mien.experiments.compare import compare
from mien.experiments.comparison_options import ComparisonOptions
from mien.experiments.row_data import RowData
from mien.pipeline.store import FeatureStore

store, out, hang_at = sys.argv[1:]
evaluate, fits = module.evaluate_folds, []
def slow(*arguments, **options):
    fits.append(arguments)
    if len(fits) == int(hang_at):
        Path(out, "hangs").touch()
        time.sleep(60)
    return evaluate(*arguments, **options)
module.evaluate_folds = slow
small = {"families": "blendshapes"}
options = ComparisonOptions(
    models=("svm-linear", "svm-rbf"), scheme="subject:3",
    parameters={"svm-linear": small, "svm-rbf": small},
)
compare(RowData(FeatureStore.open(store)), options, Path(out))
"""


@pytest.fixture
def data(store):
    return RowData(store)


def options(*models, given=None, **others):
    small = {"families": "blendshapes", **(given or {})}
    return ComparisonOptions(
        models=models, parameters={name: small for name in models if name != "cnn"}, **others
    )


def without_times(results):
    """Results without what differs from run to run."""
    if isinstance(results, dict):
        return {
            key: without_times(value)
            for key, value in results.items()
            if key not in ("created", "timing", "fit_seconds", "predict_seconds")
        }
    return [without_times(x) for x in results] if isinstance(results, list) else results


def cells(out):
    return {path.name: path.stat().st_mtime_ns for path in (out / "cells").iterdir()}


def test_results_are_of_the_schema_and_written(data, tmp_path):
    results = compare(data, options(*SVMS, scheme="subject:3", command="mien"), tmp_path)
    check_results(results)
    read = read_results(tmp_path / "results.json")
    assert read["models"].keys() == set(SVMS)
    assert {"report.html", "report.md", "folds.json"} <= {p.name for p in tmp_path.iterdir()}
    folds = json.loads((tmp_path / "folds.json").read_text())
    assert folds["digest"] == results["protocol"]["folds_digest"]
    for model in results["models"].values():
        assert [fold["indices"] for fold in model["folds"]] == [f["test"] for f in folds["folds"]]
        for fold in model["folds"]:
            assert fold["true"] == data.codes[fold["indices"]].tolist()
            correct = np.mean(np.equal(fold["true"], fold["predicted"]))
            assert fold["scores"]["accuracy"] == correct
    assert len(results["comparisons"]) == 3
    assert results["dataset"]["faces_found"] == 51
    assert results["protocol"]["grouped_by"] == "subject"


def test_the_same_seed_gives_the_same_results(data, tmp_path):
    chosen = options("svm-rbf", "svm-linear", scheme="stratified:3", repeats=2, seed=4)
    first, second = (compare(data, chosen, tmp_path / name) for name in "ab")
    assert without_times(first) == without_times(second)


def test_finished_fits_are_kept(data, tmp_path):
    chosen = options("svm-rbf", scheme="subject:3")
    first = compare(data, chosen, tmp_path)
    before = cells(tmp_path)
    assert len(before) == 12  # folds, and what was said of each row; the fits that calibrate
    second = compare(data, chosen, tmp_path)
    assert cells(tmp_path) == before
    assert first["models"] == second["models"]


@pytest.mark.parametrize(
    "change",
    [{"seed": 1}, {"given": {"C": 3.0}}, {"scheme": "subject:2"}, {"limit": 40}, {"repeats": 2}],
)
def test_another_comparison_in_the_same_folder_is_computed_anew(data, tmp_path, change):
    compare(data, options("svm-rbf", scheme="subject:3"), tmp_path / "both")
    changed = options("svm-rbf", **{"scheme": "subject:3", **change})
    again = compare(data, changed, tmp_path / "both")
    assert (
        without_times(again)["models"]
        == without_times(compare(data, changed, tmp_path / "fresh"))["models"]
    )


@pytest.mark.parametrize("suffix", ["json", "npz"])
@pytest.mark.parametrize("content", ["[{", "", None])
def test_a_damaged_cell_is_computed_anew(data, tmp_path, suffix, content):
    chosen = options("svm-rbf", scheme="subject:3")
    first = compare(data, chosen, tmp_path)
    before = cells(tmp_path)
    damaged = next((tmp_path / "cells").glob(f"*.{suffix}"))
    damaged.unlink() if content is None else damaged.write_text(content)
    assert without_times(compare(data, chosen, tmp_path)) == without_times(first)
    after = cells(tmp_path)
    assert after.keys() == before.keys()
    changed = {name.partition(".")[0] for name in before if after[name] != before[name]}
    assert changed == {damaged.stem}


def test_a_killed_comparison_goes_on_where_it_was(store, data, tmp_path):
    out = tmp_path / "killed"
    out.mkdir()
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(store.path), str(out), "5"], env=os.environ
    )
    deadline = time.monotonic() + 60
    while not (out / "hangs").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    before = cells(out)
    assert len(before) == 8
    assert not (out / "results.json").exists()
    chosen = options("svm-linear", "svm-rbf", scheme="subject:3")
    resumed = compare(data, chosen, out)
    after = cells(out)
    assert len(after) == 24
    assert {name: after[name] for name in before} == before
    whole = compare(data, chosen, tmp_path / "whole")
    assert without_times(resumed) == without_times(whole)


def test_a_model_that_fails_does_not_stop_the_others(data, tmp_path):
    chosen = ComparisonOptions(
        models=("svm-poly", "svm-rbf"),
        scheme="subject:3",
        parameters={"svm-rbf": {"families": "blendshapes"}, "svm-poly": {"pca": 5000}},
    )
    told = []
    results = compare(data, chosen, tmp_path, on_progress=told.append)
    check_results(results)
    assert results["models"]["svm-rbf"]["status"] == "ok"
    failed = results["models"]["svm-poly"]
    assert failed["status"] == "failed"
    assert "n_components=5000" in failed["error"]
    assert results["comparisons"] == []
    assert (told[-1].model, told[-1].done, told[-1].total) == ("svm-rbf", 5, 6)


@pytest.mark.parametrize("error", [TypeError, KeyError, MemoryError, RuntimeError, MienError])
def test_any_failure_of_a_fit_is_reported_with_its_kind(data, tmp_path, monkeypatch, error):
    evaluate = fits_module.evaluate_folds

    def fail(candidate, *arguments, **others):
        if candidate.name == "svm-rbf":
            raise error("no luck")
        return evaluate(candidate, *arguments, **others)

    monkeypatch.setattr(fits_module, "evaluate_folds", fail)
    results = compare(data, options("svm-rbf", "svm-linear", scheme="subject:2"), tmp_path)
    assert "no luck" in results["models"]["svm-rbf"]["error"]
    assert error is MienError or error.__name__ in results["models"]["svm-rbf"]["error"]


def test_when_every_model_fails_it_is_an_error(data, tmp_path):
    given = {"families": "nothing"}
    with pytest.raises(MienError, match=r"Every model failed: svm-rbf: .*no feature family 'noth"):
        compare(data, options("svm-rbf", given=given, scheme="subject:3"), tmp_path)
    assert not (tmp_path / "results.json").exists()


def test_nested_tuning_sees_training_rows_only(data, tmp_path, monkeypatch):
    tune, seen = fits_module.tune, []

    def remember(data, model, *, folds, **others):
        seen.append((folds, others))
        return tune(data, model, folds=folds, **others)

    monkeypatch.setattr(fits_module, "tune", remember)
    monkeypatch.setattr("mien.experiments.svm_objective.family_choices", lambda _: ["blendshapes"])
    chosen = options("svm-linear", scheme="subject:2", nested=True, nested_trials=2)
    results = compare(data, chosen, tmp_path)
    check_results(results)
    outer = json.loads((tmp_path / "folds.json").read_text())["folds"]
    assert len(seen) == len(outer) == 2
    for (inner, others), fold in zip(seen, outer, strict=True):
        for part in inner.folds:
            assert set(part.train.tolist()) | set(part.test.tolist()) <= set(fold["train"])
        assert inner.grouped_by == "subject"
        assert others["trials"] == 2
    assert results["protocol"]["nested"] is True
    assert "tuned" in results["models"]["svm-linear"]["parameters"]
    for fold in results["models"]["svm-linear"]["folds"]:
        assert {"C", "families"} <= fold["parameters"].keys()


def test_a_network_keeps_its_parameters_with_nested_tuning(data, tmp_path, monkeypatch):
    def guess(_, __, y_train, X_tests, **___):
        classes = np.unique(y_train)
        probabilities = [np.eye(len(classes))[np.zeros(len(own), int)] for own in X_tests]
        return IsolatedResult(probabilities, classes, 1.0, 1.0, 1.0, 1.0)

    monkeypatch.setattr("mien.models.cnn.isolated.fit_predict_isolated", guess)
    monkeypatch.setattr("mien.experiments.svm_objective.family_choices", lambda _: ["blendshapes"])
    own = dict.fromkeys(("svm-linear", "cnn"), data.store.manifest["dataset_hash"])
    chosen = options(*own, scheme="subject:2", nested=True, nested_trials=1, tuned_on=own)
    results = compare(data, chosen, tmp_path)
    (warning,) = [text for text in results["protocol"]["warnings"] if "were chosen on" in text]
    assert warning.startswith("The parameters of cnn were chosen on the same pictures")
    assert warning.endswith(
        "A network is not tuned inside the folds: choose its parameters on other pictures."
    )
    assert results["models"]["cnn"]["parameters"]["epochs"] == 25
    assert "anew inside each fold" in results["models"]["svm-linear"]["parameters"]["tuned"]
    report = (tmp_path / "report.md").read_text()
    assert "the SVMs' inside each training part" in report


def test_parameters_tuned_on_the_same_pictures_are_warned_of(data, tmp_path):
    own = data.store.manifest["dataset_hash"]
    chosen = options("svm-rbf", scheme="subject:3", tuned_on={"svm-rbf": own})
    protocol = compare(data, chosen, tmp_path / "a")["protocol"]
    assert any("svm-rbf were chosen on the same pictures" in text for text in protocol["warnings"])
    assert protocol["honest"] is False
    other = options("svm-rbf", scheme="subject:3", tuned_on={"svm-rbf": "0" * 64})
    protocol = compare(data, other, tmp_path / "b")["protocol"]
    assert not any("chosen on" in text for text in protocol["warnings"])


@pytest.fixture
def split_data(make_store):
    splits = ("Training", "Training", "PublicTest", "PrivateTest")
    return RowData(make_store(persons=8, splits=splits, twins=0, known_persons=False))


def test_official_splits_are_scored_apart(split_data, tmp_path):
    own = split_data.store.manifest["dataset_hash"]
    results = compare(split_data, options("svm-rbf", tuned_on={"svm-rbf": own}), tmp_path)
    check_results(results)
    protocol, model = results["protocol"], results["models"]["svm-rbf"]
    assert (protocol["scheme"], protocol["warnings"], protocol["honest"]) == ("official", [], True)
    assert "predicted PublicTest and PrivateTest, the dataset's own split" in protocol["statement"]
    assert list(model["splits"]) == ["PublicTest", "PrivateTest"]
    assert model["reported_split"] == "PrivateTest"
    for fold in model["folds"]:
        assert set(split_data.store.rows["split"].iloc[fold["indices"]]) == {fold["split"]}
        assert model["splits"][fold["split"]]["accuracy"] == fold["scores"]["accuracy"]
        assert fold["train_rows"] == np.sum(
            split_data.store.has_face & (split_data.store.rows["split"] == "Training")
        )
    assert len(list((tmp_path / "cells").glob("*.json"))) == 2  # both splits share their fits


def test_a_class_may_be_absent_from_a_fold(make_store, tmp_path):
    store = make_store(persons=6, faceless=0)
    rows = store.rows
    keep = (rows["label"] != "happy") | rows["subject"].isin(["p00", "p01"])
    rows.loc[~keep, "reason"] = "unreadable"
    results = compare(
        RowData(store), options("svm-rbf", "svm-linear", scheme="leave-one-subject-out"), tmp_path
    )
    check_results(results)
    happy = store.classes.index("happy")
    folds = results["models"]["svm-rbf"]["folds"]
    assert [happy in fold["true"] for fold in folds] == [True] * 2 + [False] * 4
    assert all(0 <= fold["scores"]["f1_macro"] <= 1 for fold in folds)


def test_two_classes(make_store, tmp_path):
    store = make_store(classes=("smiling", "not smiling"))
    results = compare(RowData(store), options(*SVMS, scheme="subject:3"), tmp_path)
    check_results(results)
    assert results["dataset"]["classes"] == ["smiling", "not smiling"]
    assert all(len(m["confusion_matrix"]) == 2 for m in results["models"].values())


def test_a_limit_is_noted(data, tmp_path):
    results = compare(data, options("svm-rbf", scheme="subject:2", limit=30), tmp_path)
    used = sorted(i for fold in results["models"]["svm-rbf"]["folds"] for i in fold["indices"])
    assert len(used) == 30
    assert "Compared on a stratified sample of 30 of 54 usable rows." in results["dataset"]["notes"]


@pytest.mark.parametrize("solver", ["libsvm", "least-squares"])
def test_the_solver_of_each_figure_is_said(data, tmp_path, solver):
    given = {"solver": solver, "mirror": "average"}
    results = compare(data, options("svm-rbf", given=given, scheme="subject:2"), tmp_path)
    told = results["models"]["svm-rbf"]["solver"]
    assert told.startswith({"libsvm": "libsvm C-SVC", "least-squares": "least-squares SVM"}[solver])
    assert told.endswith("kernel averaged over faces and mirror images")
    assert told in (tmp_path / "report.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("solver", ["libsvm", "least-squares"])
def test_a_kernel_that_does_not_fit_is_approximated_and_the_report_says_so(data, tmp_path, solver):
    given = {"solver": solver, "C": 1.0}
    exact, narrow = (
        compare(
            data,
            options("svm-rbf", given=given, scheme="subject:2", memory=size),
            tmp_path,
        )["models"]["svm-rbf"]
        for size in (10**9, memory.estimate_fit(27, 52, solver) - 1)
    )
    assert "low-rank" not in exact["solver"]
    assert "low-rank approximation (Nyström) with " in narrow["solver"]
    assert np.mean([fold["scores"]["accuracy"] for fold in narrow["folds"]]) > 0.5


def test_nested_tuning_on_a_subset_says_so(make_store, tmp_path):
    data = RowData(make_store(families=("blendshapes",)))
    size = 24 * 26**2 + 12 * 52 * 26
    nested = options("svm-rbf", scheme="subject:2", memory=size, nested=True, nested_trials=2)
    told = compare(data, nested, tmp_path)["models"]["svm-rbf"]["solver"]
    most = memory.rows_for_trials(52, size)
    assert most < 27
    assert f"tuned on {most} of each fold's training rows, for lack of memory" in told


def test_persons_on_both_sides_are_warned_of(data, tmp_path):
    chosen = options("svm-rbf", scheme="stratified:3", on_leak="warn")
    protocol = compare(data, chosen, tmp_path)["protocol"]
    assert protocol["on_both_sides"]["subjects"] == 6
    assert protocol["warnings"][0].startswith("6 persons are on both sides of a fold")
    assert "frames on both sides" in protocol["warnings"][1]


def test_an_exact_twin_is_warned_of(data, tmp_path):
    chosen = options("svm-rbf", scheme="subject:6", on_leak="warn")
    results = compare(data, chosen, tmp_path)
    protocol, model = results["protocol"], results["models"]["svm-rbf"]
    assert protocol["on_both_sides"] == {
        "subjects": 0, "sequences": 0, "twins": 2, "near_twins": 2,
    }  # fmt: skip
    predicted = sum(len(fold["true"]) for fold in model["folds"])
    assert model["without_twins"]["rows"] == predicted - 2
    assert model["measured"]["rows"] == predicted - 3
    assert protocol["warnings"] == [
        "2 test pictures have an exact copy among the rows that were fitted on in the same fold. "
        f"Accuracy without them: SVM, RBF kernel: {100 * model['without_twins']['accuracy']:.1f} %."
    ]


def test_centring_on_persons_is_told_and_needs_folds_by_person(data, tmp_path):
    given = {"centre": "person"}
    results = compare(data, options("svm-rbf", given=given, scheme="subject:3"), tmp_path)
    assert "svm-rbf were centred on each person" in results["protocol"]["statement"]
    assert results["models"]["svm-rbf"]["view"] == "blendshapes, centred on each person"
    with pytest.raises(MienError, match="stratified:3 does not keep them together"):
        compare(data, options("svm-rbf", given=given, scheme="stratified:3"), tmp_path)


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        (ComparisonOptions(models=()), "No model was named"),
        (ComparisonOptions(models=("svm",)), "There is no model 'svm'"),
        (
            ComparisonOptions(models=("svm-rbf",), parameters={"cnn": {}, "svm": {}}),
            "Parameters were given for cnn, svm, which is not compared",
        ),
        (options("svm-rbf", given={"c": 1}), "svm-rbf has no parameter c"),
        (options("svm-rbf", scheme="kfold"), "no cross-validation scheme 'kfold'"),
    ],
)
def test_a_wrong_choice_is_refused_before_any_fit(data, tmp_path, chosen, message):
    with pytest.raises(MienError) as caught:
        compare(data, chosen, tmp_path / "out")
    assert message in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_said(data, tmp_path):
    (tmp_path / "file").touch()
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(MienError, match="cannot be written"):
            compare(data, options("svm-rbf", scheme="subject:3"), out)


@pytest.fixture
def network_options(request):
    """Make options of a comparison of networks that answer the class of their seed."""
    request.getfixturevalue("fake_networks")

    def make(*, ending="", models=("cnn",), **others):
        given = {name: {"network": ending} for name in models if name.startswith("cnn")}
        return ComparisonOptions(
            models=models, parameters=given, **{"scheme": "subject:3", **others}
        )

    return make


def test_all_networks_are_fitted_in_one_process_that_ends_with_the_comparison(
    data, tmp_path, network_options
):
    chosen = network_options(models=("cnn", "cnn-modern"))
    results = compare(data, chosen, tmp_path)
    check_results(results)
    folds = [fold for model in results["models"].values() for fold in model["folds"]]
    (process,) = {fold["training"]["process"] for fold in folds}
    assert len(folds) == 6
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    first = folds[0]["training"]
    assert (first["epochs"], first["stopped"], first["time_budget"]) == (1, "epochs", 0.0)
    assert first["pictures"] == folds[0]["train_rows"]
    assert not list((tmp_path / "cells").glob("*.checkpoint"))


def test_the_news_of_a_training_are_passed_on(data, tmp_path, network_options):
    told = []
    chosen = network_options(scheme="holdout:0.5", attempts=2)
    compare(data, chosen, tmp_path, on_progress=told.append)
    notes = [progress.note for progress in told]
    assert notes == [
        f"attempt {attempt}/2{note}"
        for attempt in (1, 2)
        for note in (
            "",
            ", epoch 1/25, loss 1.500, accuracy 25.0%, about 12 minutes left",
            ", epoch 1/25, loss 1.000, accuracy 50.0%, validation accuracy 37.5%, "
            "about 2 minutes left",
        )
    ]
    assert [(progress.done, progress.total) for progress in told] == [(0, 2)] * 3 + [(1, 2)] * 3


def test_attempts_are_seeds_and_the_figures_are_of_the_first(data, tmp_path, network_options):
    once = compare(data, network_options(seed=1), tmp_path)["models"]["cnn"]
    assert "attempts" not in once
    before = cells(tmp_path)
    results = compare(data, network_options(seed=1, attempts=3), tmp_path)
    check_results(results)
    model = results["models"]["cnn"]
    assert model["folds"] == once["folds"]
    assert model["summary"] == once["summary"]
    true = np.concatenate([fold["true"] for fold in model["folds"]])
    assert [attempt["seed"] for attempt in model["attempts"]] == [1, 2, 3]
    for attempt in model["attempts"]:
        assert attempt["accuracy"] == np.mean(true == attempt["seed"] % 3)
        assert attempt["epochs"] == [1 + attempt["seed"]] * 3
    assert model["attempts"][0]["accuracy"] == model["classification_report"]["accuracy"]
    after = cells(tmp_path)
    assert {name: after[name] for name in before} == before
    assert (len(before), len(after)) == (2 * 3, 2 * 9)  # two files a fit
    assert "All 3 attempts" in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_only_networks_are_fitted_more_than_once(data, tmp_path, network_options):
    chosen = network_options(models=("svm-linear", "cnn"), attempts=2)
    results = compare(data, chosen, tmp_path)
    assert "attempts" not in results["models"]["svm-linear"]
    assert len(results["models"]["cnn"]["attempts"]) == 2
    assert len(list((tmp_path / "cells").glob("*.json"))) == 2 * 3 + 6


def test_attempts_that_were_interrupted_go_on(data, tmp_path, network_options):
    killed = network_options(ending="killed at 1", scheme="holdout:0.5", attempts=3)
    with pytest.raises(MienError, match="was killed by SIGKILL"):
        compare(data, killed, tmp_path)
    before = cells(tmp_path)
    assert sorted(name.partition(".")[2] for name in before) == ["checkpoint", "json", "npz"]
    results = compare(data, killed, tmp_path)
    attempts = results["models"]["cnn"]["attempts"]
    assert [attempt["seed"] for attempt in attempts] == [0, 1, 2]
    after = cells(tmp_path)
    assert {name.partition(".")[2] for name in after} == {"json", "npz"}
    (kept,) = (name for name in before if name.endswith(".json"))
    assert after[kept] == before[kept]


def test_a_killed_training_process_does_not_stop_the_next_network(data, tmp_path, network_options):
    options = network_options(ending="killed at 0", models=("cnn", "cnn-modern"))
    options.parameters["cnn-modern"]["network"] = "well"
    results = compare(data, options, tmp_path)
    assert results["models"]["cnn"]["status"] == "failed"
    assert results["models"]["cnn-modern"]["status"] == "ok"


def test_a_training_that_diverged_is_said_first(data, tmp_path, network_options):
    results = compare(data, network_options(ending="diverged at 1", attempts=2), tmp_path)
    check_results(results)
    first = (tmp_path / "report.md").read_text(encoding="utf-8").split("Read first")[1]
    assert "diverged in 3 of the 3 fits of its other attempts" in first.split("\n\n")[1]


@pytest.mark.parametrize(
    ("attempts", "models", "message"),
    [
        (0, ("cnn",), "needs one attempt at least, not 0"),
        (10, SVMS, "Only networks are fitted in 10 attempts, and none is compared"),
    ],
)
def test_attempts_that_cannot_be_are_refused(data, tmp_path, attempts, models, message):
    with pytest.raises(MienError, match=message):
        compare(data, ComparisonOptions(models=models, attempts=attempts), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_the_network_is_compared_on_the_same_folds(make_store, tmp_path):
    store = make_store(persons=4, takes=5, faceless=2)
    told = []
    chosen = ComparisonOptions(
        models=("svm-rbf", "cnn"),
        scheme="holdout:0.25",
        parameters={
            "svm-rbf": {"families": "blendshapes"},
            "cnn": {"epochs": 1, "batch_size": 16},
        },
    )
    results = compare(RowData(store), chosen, tmp_path, on_progress=told.append)
    check_results(results)
    svm, cnn = results["models"]["svm-rbf"], results["models"]["cnn"]
    assert cnn["view"] == "pixels"
    assert cnn["folds"][0]["indices"] == svm["folds"][0]["indices"]
    assert len(cnn["folds"][0]["curves"]["loss"]) == 1
    assert any("epoch 1/1" in progress.note for progress in told)
    assert not list((tmp_path / "cells").glob("*.checkpoint"))
    assert FeatureStore.open(store.path).manifest == store.manifest
