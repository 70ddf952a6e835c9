"""What changed between two comparisons, by hand-made results."""

import copy
import json

import pytest

from mien.experiments.compare import compare
from mien.experiments.comparison_options import ComparisonOptions
from mien.experiments.diff_runs import diff_results
from mien.experiments.row_data import RowData

TRUE = [0, 1] * 10


def make_model(wrong, folds=(range(20),), *, interval=None):
    """A model that is wrong in the given rows."""
    model = {
        "title": "SVM",
        "status": "ok",
        "parameters": {"C": 1.0},
        "folds": [
            {
                "name": f"fold {i + 1}",
                "repeat": 0,
                "split": None,
                "indices": list(rows),
                "true": [TRUE[row] for row in rows],
                "predicted": [TRUE[row] ^ (row in wrong) for row in rows],
            }
            for i, rows in enumerate(folds)
        ],
        "classification_report": {"accuracy": 1 - len(wrong) / 20},
    }
    if interval:
        model["intervals"] = {"accuracy": dict(zip(("low", "high"), interval, strict=True))}
    return model


def make_results(**models):
    return {
        "dataset": {"name": "faces", "hash": "a", "rows": 20, "classes": ["sad", "happy"]},
        "protocol": {"scheme": "stratified:2", "seed": 0, "grouped_by": None},
        "environment": {"numpy": "2.4.6"},
        "models": models,
    }


FAILED = {"title": "SVM", "status": "failed", "error": "no"}


def test_equal_runs_have_no_changes():
    results = make_results(svm=make_model({1, 2}))
    told = diff_results(results, copy.deepcopy(results))
    assert told["changes"] == told["only_before"] == told["only_after"] == []
    [model] = told["models"]
    assert model["sentence"] == (
        "SVM: 90.0 % before, 90.0 % now. Equally many are right: no difference."
    )
    assert not model["worse"]


def test_the_same_rows_are_compared_pair_by_pair():
    before, after = make_results(svm=make_model(set())), make_results(svm=make_model({*range(10)}))
    [model] = diff_results(before, after)["models"]
    assert model["paired"]
    assert model["p_adjusted"] == pytest.approx(2 / 2**10)
    assert model["difference"] == pytest.approx(-0.5)
    assert model["worse"]
    assert model["sentence"] == (
        "SVM: 100.0 % before, 50.0 % now. It is worse by 50.0 points; by chance this happens in 2 "
        "of 1,000 repeats (McNemar, exact, Holm-adjusted)."
    )
    [better] = diff_results(after, before)["models"]
    assert better["significant"]
    assert not better["worse"]


def test_models_are_adjusted_together():
    wrong = {*range(6)}  # 2 / 2^6 = 0.031 alone, twice that of two
    before = make_results(one=make_model(set()), two=make_model(set()))
    after = make_results(one=make_model(wrong), two=make_model(wrong))
    models = diff_results(before, after)["models"]
    assert [model["p_adjusted"] for model in models] == pytest.approx([4 / 2**6] * 2)
    assert not any(model["worse"] for model in models)
    assert "may be chance" in models[0]["sentence"]


def test_persons_are_compared_whole():
    """Ten wrong rows of one person are one loss, not ten."""
    before, after = make_results(svm=make_model(set())), make_results(svm=make_model({*range(10)}))
    persons = ["p1"] * 10 + [f"p{i}" for i in range(2, 12)]
    [model] = diff_results(before, after, persons=persons)["models"]
    assert model["p_adjusted"] > 0.5
    assert "11 persons" in model["sentence"]


def test_folds_of_persons_stand_in_for_persons():
    folds = (range(10), range(10, 20))
    before = make_results(svm=make_model(set(), folds))
    after = make_results(svm=make_model({*range(10)}, folds))
    for results in (before, after):
        results["protocol"]["grouped_by"] = "subject"
    [model] = diff_results(before, after)["models"]
    assert "2 folds of persons" in model["sentence"]
    assert not model["significant"]
    after["models"]["svm"]["folds"] = make_model({*range(10)}, (range(5), range(5, 20)))["folds"]
    [model] = diff_results(before, after)["models"]
    assert "finds differences too easily" in model["sentence"]


@pytest.mark.parametrize(
    ("interval", "significant", "told"),
    [
        ((0.4, 0.6), True, "do not overlap, so it is more than chance"),
        ((0.4, 0.9), False, "overlap, so it may be chance"),
        (None, None, "there are no intervals to compare"),
    ],
)
def test_other_pictures_cannot_be_paired(interval, significant, told):
    before = make_results(svm=make_model(set(), interval=(0.8, 1.0)))
    after = make_results(svm=make_model({*range(10)}, interval=interval))
    after["dataset"]["hash"] = "b"
    [model] = diff_results(before, after)["models"]
    assert not model["paired"]
    assert model["significant"] is significant
    assert model["worse"] is bool(significant)
    assert "cannot be tested picture by picture: the datasets differ" in model["sentence"]
    assert told in model["sentence"]


def test_other_rows_cannot_be_paired():
    before = make_results(svm=make_model(set()))
    after = make_results(svm=make_model(set(), (range(10),)))
    [model] = diff_results(before, after)["models"]
    assert "they did not predict the same pictures" in model["sentence"]


def test_a_model_that_fails_now_is_worse():
    before, after = make_results(svm=make_model(set())), make_results(svm=FAILED)
    [model] = diff_results(before, after)["models"]
    assert model["worse"]
    assert model["sentence"] == "SVM failed; before, it was right on 100.0 %."
    [model] = diff_results(after, before)["models"]
    assert not model["worse"]
    [model] = diff_results(after, after)["models"]
    assert model["sentence"] == "SVM failed in both."


def test_every_kind_of_change_is_named():
    before = make_results(svm=make_model(set()), cnn=make_model(set()))
    after = copy.deepcopy(before)
    after["dataset"]["hash"] = "b"
    after["protocol"] |= {"seed": 1, "on_leak": "group"}
    after["models"]["svm"]["parameters"] = {"C": 10.0}
    after["environment"]["numpy"] = "2.5.0"
    after["models"]["fusion"] = after["models"].pop("cnn")
    told = diff_results(before, after)
    assert [tuple(change.values()) for change in told["changes"]] == [
        ("dataset", "hash", "a", "b"),
        ("protocol", "seed", "0", "1"),
        ("protocol", "on_leak", None, "group"),
        ("svm", "C", "1", "10"),
        ("environment", "numpy", "2.4.6", "2.5.0"),
    ]
    assert (told["only_before"], told["only_after"]) == (["cnn"], ["fusion"])


@pytest.fixture
def two_runs(store, tmp_path):
    """Results of a comparison, and of one in which the model's labels are turned."""
    options = ComparisonOptions(
        models=("svm-linear",),
        scheme="subject:3",
        parameters={"svm-linear": {"families": "blendshapes"}},
    )
    compare(RowData(store), options, tmp_path / "a")
    results = json.loads((tmp_path / "a" / "results.json").read_text())
    model = results["models"]["svm-linear"]
    for fold in model["folds"]:
        fold["predicted"] = [(code + 1) % 3 for code in fold["true"]]
    model["classification_report"]["accuracy"] = 0.0
    (tmp_path / "b.json").write_text(json.dumps(results))
    return tmp_path / "a" / "results.json", tmp_path / "b.json"


def test_command_tells_and_fails_where_it_is_asked_to(run, two_runs):
    before, after = two_runs
    code, out, _ = run("diff", before, after)
    assert code == 0
    assert out.startswith("Same dataset, protocol, folds, parameters and versions.\n")
    assert "6 persons" in out  # of the store that is still there
    code, out, _ = run("diff", before, after, "--json", "--fail-on-worse")
    [model] = json.loads(out)["models"]
    assert code == int(model["worse"])
    assert model["after"] == 0.0
    assert run("diff", before, before, "--fail-on-worse")[0] == 0


def test_command_fails_where_a_model_failed(run, two_runs):
    before, after = two_runs
    results = json.loads(after.read_text())
    results["models"]["svm-linear"] = {**FAILED, "title": "SVM, linear kernel"}
    after.write_text(json.dumps(results))
    assert run("diff", before, after)[0] == 0
    assert run("diff", before, after, "--fail-on-worse")[0] == 1


def test_report_command_writes_the_pages_again(run, two_runs, tmp_path):
    before, _ = two_runs
    page = before.with_name("report.html")
    page.unlink()
    assert run("report", before)[:2] == (0, f"Report: {page}\n")
    assert "<html" in page.read_text()
    assert run("report", before, "--out", "pages")[0] == 0
    assert {p.name for p in (tmp_path / "pages").iterdir()} == {"report.html", "report.md"}


def test_commands_refuse_what_is_no_results_file(run, tmp_path):
    (tmp_path / "x.json").write_text("{}")
    for command in (["report", "x.json"], ["diff", "x.json", "x.json"], ["rerun", "x.json"]):
        code, _, error = run(*command)
        assert code == 2
        assert "Expected results of the schema mien.results/2" in error
