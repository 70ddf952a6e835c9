import optuna
import pytest

from mien.errors import MienError
from mien.experiments.candidates import (
    CANDIDATE_NAMES,
    family_choices,
    get_candidate,
    grid_size,
    suggest_svm,
    svm_grid,
)

SVMS = [name for name in CANDIDATE_NAMES if name.startswith("svm")]


@pytest.mark.parametrize("name", CANDIDATE_NAMES)
def test_defaults_build_an_estimator_of_the_candidate(name):
    candidate = get_candidate(name)
    assert candidate.name == name
    assert candidate.parameters() == candidate.parameters(candidate.defaults) == candidate.defaults
    estimator = candidate.build(candidate.parameters(), seed=3)
    assert hasattr(estimator, "fit")
    assert candidate.title
    assert candidate.solver()


def test_there_is_no_other_model():
    with pytest.raises(
        MienError, match=r"no model 'svm'\. Use one or more of: svm-linear, svm-poly"
    ):
        get_candidate("svm")


@pytest.mark.parametrize("name", SVMS)
def test_svm_gets_its_kernel_and_parameters(name):
    candidate = get_candidate(name)
    given = {"C": 3.0, "scaler": "zscore", "pca": 5, "class_weight": "balanced"}
    built = candidate.build(candidate.parameters(given), seed=0)
    assert list(built.named_steps) == ["scaler", "pca", "svm"]
    svm = built.named_steps["svm"]
    assert (svm.kernel, svm.C, svm.class_weight) == (name.removeprefix("svm-"), 3.0, "balanced")
    assert built.named_steps["pca"].n_components == 5


def test_cnn_gets_its_parameters():
    candidate = get_candidate("cnn")
    network = candidate.build(candidate.parameters({"epochs": 2}), seed=5)
    assert (network.epochs, network.random_state) == (2, 5)


def test_what_a_model_reads():
    svm, cnn = get_candidate("svm-rbf"), get_candidate("cnn")
    parameters = svm.parameters({"families": "geometry+blendshapes", "centre": "person"})
    assert svm.families(parameters) == ("geometry", "blendshapes")
    assert svm.view(parameters) == "geometry+blendshapes, centred on each person"
    assert svm.view(svm.parameters()) == "patch_hog"
    assert cnn.families(cnn.parameters()) == ()
    assert cnn.view(cnn.parameters()) == "pixels"


def test_whole_numbers_do_for_numbers():
    c = get_candidate("svm-rbf").parameters({"C": 1})["C"]
    assert (c, type(c)) == (1.0, float)


@pytest.mark.parametrize(
    ("model", "given", "message"),
    [
        ("svm-rbf", {"degree": 2}, "svm-rbf has no parameter degree. It has: families, centre"),
        ("svm-rbf", {"C": "abc"}, "svm-rbf: C must be a number above 0, not 'abc'"),
        ("svm-rbf", {"C": 0.0}, "a number above 0, not 0.0"),
        ("svm-rbf", {"C": float("nan")}, "not nan"),
        ("svm-rbf", {"C": float("inf")}, "not inf"),
        ("svm-rbf", {"C": 10**400}, "C must be a number above 0"),
        ("svm-rbf", {"C": True}, "not True"),
        ("svm-rbf", {"gamma": -1}, "gamma must be a number above 0, not -1.0"),
        ("svm-rbf", {"pca": 2.5}, "pca must be a whole number of at least 0, not 2.5"),
        ("svm-rbf", {"pca": True}, "pca must be a whole number of at least 0, not True"),
        ("svm-rbf", {"pca": -1}, "not -1"),
        ("svm-poly", {"degree": 0}, "degree must be a whole number of at least 1, not 0"),
        ("svm-poly", {"coef0": None}, "coef0 must be a number, not None"),
        ("svm-rbf", {"scaler": "robust"}, "scaler must be a name of none, zscore, minmax"),
        ("svm-rbf", {"class_weight": None}, "class_weight must be a name of none, balanced"),
        ("svm-rbf", {"centre": "all"}, "centre must be a name of none, person"),
        ("svm-rbf", {"families": ""}, "families must be a name of a feature family"),
        ("svm-rbf", {"families": ["geometry"]}, "families must be a name"),
        ("cnn", {"epochs": "5"}, "cnn: epochs must be a whole number, not '5'"),
        ("cnn", {"C": 1.0}, "cnn has no parameter C"),
    ],
)
def test_wrong_parameters_are_refused(model, given, message):
    with pytest.raises(MienError) as caught:
        get_candidate(model).parameters(given)
    assert message in str(caught.value)


def test_family_choices_are_each_alone_the_small_ones_and_all():
    assert family_choices(("patch_hog",)) == ["patch_hog"]
    assert family_choices(("geometry", "patch_hog")) == ["geometry", "patch_hog"]
    assert family_choices(("blendshapes", "geometry")) == [
        "blendshapes", "geometry", "geometry+blendshapes",
    ]  # fmt: skip
    assert family_choices(("blendshapes", "geometry", "patch_hog")) == [
        "blendshapes", "geometry", "patch_hog", "geometry+blendshapes",
        "blendshapes+geometry+patch_hog",
    ]  # fmt: skip


@pytest.mark.parametrize("name", SVMS)
def test_every_draw_and_every_grid_point_is_allowed(name):
    candidate = get_candidate(name)
    grid = svm_grid(candidate, ["geometry"], [0, 32])
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(30):
        drawn = suggest_svm(study.ask(), candidate, ["geometry"], [0, 32])
        assert candidate.parameters(drawn) == {**candidate.defaults, **drawn}
    trial = study.ask()
    suggest_svm(trial, candidate, ["geometry"], [0, 32])
    assert set(grid) == set(trial.params)
    for parameter, distribution in trial.distributions.items():
        assert all(
            distribution._contains(distribution.to_internal_repr(value))
            for value in grid[parameter]
        )


def test_grid_size_is_the_product():
    assert grid_size({"a": [1, 2], "b": [3], "c": [4, 5, 6]}) == 6
