import numpy as np
import pytest
from sklearn.base import clone

from mien.errors import MienError
from mien.features.registry import get_family
from mien.models.least_squares import LeastSquaresSVC
from mien.models.svm import KernelSVC
from mien.models.svm_pipeline import build_svm, describe_solver
from mien.models.weighted_families import join_mirrors

BOTH = "blendshapes+0.5*pose"
VIEWS = [
    {"families": "blendshapes"},
    {"families": BOTH},
    {"families": BOTH, "combine": "kernels"},
    {"families": "blendshapes", "mirror": "average"},
    {"families": BOTH, "mirror": "average"},
    {"families": BOTH, "mirror": "average", "scaler": "zscore", "pca": 4},
    {"families": BOTH, "mirror": "average", "scaler": "minmax", "combine": "kernels", "pca": 3},
]


def make_data(families, n=90, seed=0):
    rng = np.random.default_rng(seed)
    width = sum(get_family(part.rpartition("*")[2]).width for part in families.split("+"))
    X = rng.normal(size=(n, width)).astype(np.float32)
    return X, (X[:, 0] + X[:, 5] > 0).astype(int) + (X[:, 2] > 0.5)


def test_steps_are_in_order():
    pipeline = build_svm("poly", {"scaler": "minmax", "pca": 5, "C": 3.0, "degree": 4})
    assert list(pipeline.named_steps) == ["scaler", "pca", "svm"]
    assert pipeline.named_steps["svm"].get_params()["degree"] == 4
    assert list(build_svm("rbf", {}).named_steps) == ["svm"]
    assert clone(pipeline).get_params()["pca__n_components"] == 5
    steps = build_svm("rbf", {"families": BOTH, "mirror": "average", "pca": 2}, landmarks=9)
    assert list(steps.named_steps) == ["families", "basis", "pca", "landmarks", "svm"]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("kernel", ["linear", "poly", "rbf"])
@pytest.mark.parametrize("solver", ["libsvm", "least-squares"])
def test_every_view_is_fitted_and_a_mirrored_one_is_blind_to_left_and_right(kernel, view, solver):
    X, y = make_data(view["families"])
    machine = build_svm(kernel, {**view, "solver": solver, "C": 1.0}).fit(X, y)
    assert isinstance(machine[-1], LeastSquaresSVC if solver == "least-squares" else KernelSVC)
    scores = machine.decision_function(X)
    assert np.isfinite(scores).all()
    source, sign = join_mirrors(part.rpartition("*")[2] for part in view["families"].split("+"))
    mirrored = machine.decision_function(X[:, source] * sign)
    assert bool(np.abs(mirrored - scores).max() < 2e-3) is (view.get("mirror") == "average")


def test_a_weighted_sum_of_kernels_has_one_kernel_a_family():
    X, y = make_data(BOTH)
    svm = build_svm("rbf", {"families": BOTH, "combine": "kernels"}).fit(X, y)[-1]
    assert [kernel.weight for kernel in svm.kernels_] == pytest.approx([2 / 3, 1 / 3])
    assert svm.halves_ == [(52, 0), (3, 0)]


@pytest.mark.parametrize("solver", ["libsvm", "least-squares"])
def test_a_low_rank_approximation_predicts_much_alike(solver):
    X, y = make_data("blendshapes", n=300)
    X = X @ np.diag(0.8 ** np.arange(52)).astype(np.float32)
    given = {"families": "blendshapes", "solver": solver, "gamma": 0.5, "C": 10.0}
    exact, approximate = (
        build_svm("rbf", given, landmarks=landmarks).fit(X, y) for landmarks in (0, 150)
    )
    assert (exact.predict(X) == approximate.predict(X)).mean() > 0.8
    assert approximate.decision_function(X).shape == (300, 3)


def test_the_solver_is_said():
    plain = {"families": "pose"}
    assert describe_solver(plain).startswith("libsvm C-SVC, one-against-one")
    told = describe_solver({"families": BOTH, "solver": "least-squares", "combine": "kernels"})
    assert told.startswith("least-squares SVM, one-against-rest")
    assert "weighted sum of one kernel a family" in told
    assert "mirror images" in describe_solver({**plain, "mirror": "average"})
    told = describe_solver(plain, landmarks=1500)
    assert told.startswith("liblinear")
    assert "low-rank approximation (Nyström) with 1,500 training rows" in told


@pytest.mark.parametrize(
    ("given", "message"),
    [({"scaler": "robust"}, "scaler must be one of"), ({"solver": "x"}, "solver must be one of")],
)
def test_unknown_steps_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        build_svm("rbf", given)
    with pytest.raises(MienError, match="needs to know the feature families"):
        build_svm("rbf", {"mirror": "average"})
