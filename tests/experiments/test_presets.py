import json

import pytest

from mien.errors import MienError
from mien.experiments import presets as module
from mien.experiments.presets import collect_parameters, get_preset, preset_names
from mien.features.registry import get_family
from mien.models.weighted_families import family_names

RBF = {"C": 3.0, "families": "blendshapes"}
LINEAR = {"families": "blendshapes"}


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A preset of two models, in place of those that come with Mien."""
    content = {
        "schema": "mien.preset/1",
        "title": "Own",
        "scheme": "subject:2",
        "parameters": {"svm-rbf": RBF, "svm-linear": LINEAR},
        "chosen": "by hand",
        "dataset_hash": "0" * 64,
    }
    (tmp_path / "presets").mkdir()
    (tmp_path / "presets" / "own.json").write_text(json.dumps(content))
    monkeypatch.setattr(module, "files", lambda _: tmp_path)


def test_every_preset_that_comes_with_mien_has_complete_parameters_of_known_families():
    assert preset_names()
    for name in preset_names():
        preset = get_preset(name)
        assert preset.title
        assert preset.chosen
        assert len(preset.dataset_hash) == 64
        for own in preset.parameters.values():
            for family in family_names(own["families"]) if "families" in own else ():
                assert get_family(family).width


@pytest.mark.usefixtures("own")
def test_an_unknown_preset_is_refused_with_those_that_exist():
    with pytest.raises(MienError, match=r"no preset 'fer'\. Use one of: own\."):
        get_preset("fer")


@pytest.mark.usefixtures("own")
def test_a_file_replaces_the_preset_and_single_values_replace_both(tmp_path):
    tuned = tmp_path / "tuned.json"
    tuned.write_text(
        json.dumps(
            {
                "schema": "mien.parameters/1",
                "model": "svm-linear",
                "parameters": {"families": "geometry", "C": 7.0},
                "dataset_hash": "1" * 64,
            }
        )
    )
    found = collect_parameters("own", [tuned], {"svm-rbf": {"gamma": 9.0}, "svm-poly": {}})
    assert found.models == ("svm-rbf", "svm-linear")
    assert found.scheme == "subject:2"
    assert (found.of("svm-rbf")["C"], found.of("svm-rbf")["gamma"]) == (3.0, 9.0)
    assert (found.of("svm-linear")["families"], found.of("svm-linear")["C"]) == ("geometry", 7.0)
    assert found.tuned_on == {"svm-rbf": "0" * 64, "svm-linear": "1" * 64}
    with pytest.raises(MienError, match=r"of svm-rbf, svm-linear, but --model is svm-poly\."):
        found.of("svm-poly")


def test_without_a_preset_nothing_is_chosen():
    found = collect_parameters(None, [], {"svm-rbf": {"C": 2.0}})
    assert (found.models, found.scheme, found.tuned_on) == ((), None, {})
    assert found.of("svm-rbf") == {"C": 2.0}
    assert found.of("svm-poly") == {}


@pytest.mark.usefixtures("own")
def test_a_fusion_of_a_preset_keeps_what_its_parts_are_given():
    assigned = {"fusion": {"svm": "svm-linear"}, "cnn-compact": {"width": 0.5}}
    found = collect_parameters("own", [], assigned, models=["fusion"])
    assert found.parameters.keys() == {"svm-linear", "fusion", "cnn-compact"}
    assert found.of("fusion")["svm-linear.families"] == "blendshapes"
    assert found.of("fusion")["cnn-compact.width"] == 0.5
    assert found.tuned_on == {"svm-linear": "0" * 64}
    plain = collect_parameters("own", [], {}, models=["fusion"])
    assert plain.of("fusion")["svm-rbf.C"] == 3.0


@pytest.mark.usefixtures("own")
def test_compare_takes_models_scheme_and_parameters_from_a_preset(run, store, tmp_path):
    code, _, error = run("compare", store.path, "--preset", "own", "--out", tmp_path / "report")
    assert code == 0, error
    results = json.loads((tmp_path / "report" / "results.json").read_text())
    assert list(results["models"]) == ["svm-rbf", "svm-linear"]
    assert results["protocol"]["scheme"] == "subject:2"
    assert results["models"]["svm-rbf"]["parameters"]["C"] == 3.0


@pytest.mark.usefixtures("own")
def test_compare_takes_one_model_of_a_preset_under_another_scheme(run, store, tmp_path):
    code, _, error = run(
        "compare", store.path, "--preset", "own", "--models", "svm-linear", "--cv", "subject:3",
        "--out", tmp_path / "report",
    )  # fmt: skip
    assert code == 0, error
    results = json.loads((tmp_path / "report" / "results.json").read_text())
    assert list(results["models"]) == ["svm-linear"]
    assert results["protocol"]["scheme"] == "subject:3"


@pytest.mark.usefixtures("own")
def test_export_takes_a_model_of_a_preset(run, store, tmp_path):
    target = tmp_path / "model.joblib"
    code, _, error = run("export", store.path, "--preset", "own", "--out", target)
    assert code == 0, error
    assert target.exists()
    code, _, error = run("export", store.path, "--preset", "own", "--model", "cnn", "--out", target)
    assert code == 2
    assert "--model is cnn" in error
