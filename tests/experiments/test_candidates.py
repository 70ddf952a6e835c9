import pytest

from mien.errors import MienError
from mien.experiments.candidates import CANDIDATE_NAMES, get_candidate
from mien.models.compact_machine import CompactSize

SVMS = [name for name in CANDIDATE_NAMES if name.startswith("svm")]


@pytest.mark.parametrize("name", CANDIDATE_NAMES)
def test_defaults_build_an_estimator_of_the_candidate(name):
    candidate = get_candidate(name)
    assert candidate.name == name
    assert candidate.parameters() == candidate.parameters(candidate.defaults) == candidate.defaults
    estimator = candidate.build(candidate.parameters(), seed=3)
    assert hasattr(estimator, "fit")
    assert candidate.title
    assert candidate.solver(candidate.parameters())


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


def test_weights_are_no_part_of_the_families_that_are_read():
    svm = get_candidate("svm-rbf")
    parameters = svm.parameters({"families": "patch_hog+0.3*geometry"})
    assert svm.families(parameters) == ("patch_hog", "geometry")
    assert svm.view(parameters) == "patch_hog+0.3*geometry"


def test_the_solver_follows_the_parameters():
    svm = get_candidate("svm-rbf")
    given = svm.parameters({"solver": "least-squares", "mirror": "average"})
    assert svm.solver(given).startswith("least-squares SVM")
    assert "mirror images" in svm.solver(given)
    assert "low-rank" in svm.solver(given, landmarks=500)
    assert svm.build(given, seed=0)[-1].C == 10.0
    assert svm.build(given, seed=0, landmarks=5)[-1].n_centres == 5
    libsvm = svm.build({**given, "solver": "libsvm"}, seed=0, landmarks=5)
    assert list(libsvm.named_steps)[-2:] == ["landmarks", "svm"]
    compact = CompactSize(components=0, directions=8, centres=50)
    assert "of 50 training rows" in svm.solver(given, compact=compact)
    assert svm.build(given, seed=0, compact=compact)[-1].n_directions == 8


def test_a_fusion_is_made_of_parts_with_their_own_parameters():
    fusion = get_candidate("fusion")
    given = {
        "fusion": {"svm": "svm-poly", "cnn": "cnn", "C": 2},
        "svm-poly": {"degree": 2, "families": "patch_hog+0.1*geometry"},
        "cnn": {"epochs": 3},
        "svm-rbf": {"C": 5.0},
    }
    assert fusion.part_names(given) == ("svm-poly", "cnn")
    assert fusion.part_names({}) == ("svm-rbf", "cnn-compact")
    parameters = fusion.parameters(fusion.gather(given))
    assert (parameters["C"], parameters["svm-poly.degree"], parameters["cnn.epochs"]) == (2.0, 2, 3)
    assert not any(name.startswith("svm-rbf") for name in parameters)
    assert fusion.parameters(parameters) == parameters
    svm, cnn = fusion.parts(parameters)
    assert svm.parameters == get_candidate("svm-poly").parameters(given["svm-poly"])
    assert cnn.parameters == get_candidate("cnn").parameters(given["cnn"])
    assert fusion.families(parameters) == ("patch_hog", "geometry")
    assert fusion.view(parameters) == "patch_hog+0.1*geometry and pixels"
    assert fusion.build(parameters, seed=0).C == 2.0
    assert "landmark" not in fusion.solver(parameters)
    assert "low-rank" in fusion.solver(parameters, landmarks=50)


def test_a_fusion_says_what_its_combining_model_is_fitted_on():
    fusion = get_candidate("fusion")
    one, three = (fusion.solver(fusion.parameters({"inner": inner})) for inner in (1, 3))
    assert "best epoch was chosen by its loss on them" in one
    assert "in 3 inner folds of the training rows" in three
    assert "best epoch" not in three


def test_a_part_that_was_chosen_before_another_leaves_nothing_behind():
    fusion = get_candidate("fusion")
    complete = {**fusion.parameters(), "svm": "svm-linear"}
    gathered = fusion.gather({"fusion": complete, "svm-linear": {"C": 9.0}})
    assert fusion.parameters(gathered)["svm-linear.C"] == 9.0
    with pytest.raises(MienError, match="fusion is of svm-linear and cnn-compact, not of svm-rbf"):
        fusion.parameters(complete)


def test_whole_numbers_do_for_numbers():
    c = get_candidate("svm-rbf").parameters({"C": 1})["C"]
    assert (c, type(c)) == (1.0, float)


@pytest.mark.parametrize(
    ("model", "given", "message"),
    [
        (
            "svm-rbf",
            {"degree": 2},
            "svm-rbf has no parameter degree. It has: families, combine, centre",
        ),
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
        ("svm-rbf", {"families": ""}, "Families are names joined by +, each with a weight"),
        ("svm-rbf", {"families": "geometry+0*pose"}, "a weight above 0 or none, not"),
        ("svm-rbf", {"mirror": "both"}, "mirror must be a name of none, average"),
        ("svm-rbf", {"solver": "sgd"}, "solver must be a name of libsvm, least-squares"),
        ("svm-rbf", {"combine": "x"}, "combine must be a name of distances, kernels"),
        ("svm-rbf", {"families": ["geometry"]}, "families must be a name"),
        ("cnn", {"epochs": "5"}, "cnn: epochs must be a whole number, not '5'"),
        ("cnn", {"C": 1.0}, "cnn has no parameter C"),
        ("fusion", {"gamma": 1.0}, "fusion has no parameter gamma. It has: svm, cnn, inner, C."),
        ("fusion", {"svm-rbf.degree": 1}, "svm-rbf has no parameter degree"),
        ("fusion", {"svm-rbf.C": "x"}, "svm-rbf: C must be a number above 0, not 'x'"),
        ("fusion", {"cnn": "svm-rbf"}, "cnn must be a name of cnn, cnn-modern, cnn-compact, not"),
        ("fusion", {"svm": [1]}, "svm must be a name of svm-linear, svm-poly, svm-rbf, not [1]"),
        ("fusion", {"inner": 0}, "inner must be a whole number of at least 1, not 0"),
    ],
)
def test_wrong_parameters_are_refused(model, given, message):
    with pytest.raises(MienError) as caught:
        get_candidate(model).parameters(given)
    assert message in str(caught.value)
