import pickle

import joblib
import numpy as np
import pytest
from sklearn.base import clone

from mien.features.registry import get_family
from mien.models.compact_machine import CompactSize
from mien.models.fused_machine import FusedMachine, KernelHead, LinearHead
from mien.models.svm_pipeline import build_svm
from mien.models.weighted_families import family_names, join_mirrors

BOTH = "blendshapes+0.5*pose"
VIEWS = [
    {"families": "blendshapes"},
    {"families": "blendshapes", "pca": 9},
    {"families": BOTH, "combine": "kernels", "scaler": "minmax", "pca": 3},
    {"families": "blendshapes", "mirror": "average", "scaler": "zscore"},
    {"families": BOTH, "mirror": "average", "pca": 20},
    {"families": BOTH, "mirror": "average", "scaler": "minmax", "combine": "kernels", "pca": 3},
]
SOLVERS = ("libsvm", "least-squares")


def make_data(families=BOTH, classes=3, n=90, seed=0):
    rng = np.random.default_rng(seed)
    width = sum(get_family(name).width for name in family_names(families))
    X = rng.normal(size=(n, width)).astype(np.float32)
    return X, (X[:, 0] + X[:, 5] > 0).astype(int) + (X[:, 2] > 0.5) * (classes > 2)


def check_same(kernel, given, **options):
    X, y = make_data(given["families"])
    pipeline = build_svm(kernel, {**given, "C": 1.0}, **options)
    fused = FusedMachine(pipeline).fit(X, y)
    expected = clone(pipeline).fit(X, y).decision_function(X)
    np.testing.assert_allclose(fused.decision_function(X), expected, rtol=1e-4, atol=1e-4)
    return fused


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("kernel", ["linear", "poly", "rbf"])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("landmarks", [0, 40])
def test_scores_are_the_pipelines(kernel, view, solver, landmarks):
    fused = check_same(kernel, {**view, "solver": solver}, landmarks=landmarks)
    assert isinstance(fused.head_, LinearHead) is (kernel == "linear")


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("kernel", ["poly", "rbf"])
def test_scores_of_a_machine_in_8_bits_are_the_pipelines_before_and_after_pickling(kernel, view):
    compact = CompactSize(view.get("pca", 0), directions=0, centres=90)
    fused = check_same(kernel, view, compact=compact)
    assert fused.head_.rows.any(axis=0).all()
    assert fused.head_.__getstate__()["rows"].dtype == np.int8
    X, _ = make_data(view["families"])
    again = pickle.loads(pickle.dumps(fused))
    np.testing.assert_array_equal(again.decision_function(X), fused.decision_function(X))


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("kernel", ["poly", "rbf"])
def test_scores_of_a_compact_machine_are_the_pipelines(kernel, view):
    compact = CompactSize(view.get("pca", 0), directions=6, centres=30)
    fused = check_same(kernel, view, compact=compact)
    blocks = 2 if "combine" in view else 1
    assert fused.head_.rows.shape[0] == 30
    assert fused.head_.rows.shape[1] <= 6 * blocks


@pytest.mark.parametrize("solver", SOLVERS)
def test_two_classes_have_one_score(solver):
    X, y = make_data("blendshapes", classes=2)
    pipeline = build_svm("rbf", {"families": "blendshapes", "solver": solver})
    fused = FusedMachine(pipeline).fit(X, y)
    assert fused.decision_function(X).shape == (90,)
    np.testing.assert_array_equal(fused.predict(X), clone(pipeline).fit(X, y).predict(X))


@pytest.mark.parametrize("kernel", ["linear", "poly", "rbf"])
def test_a_face_and_its_mirror_image_get_the_same_scores(kernel):
    X, y = make_data()
    given = {"families": BOTH, "mirror": "average", "scaler": "zscore"}
    fused = FusedMachine(build_svm(kernel, given, compact=CompactSize(20, 8, 50))).fit(X, y)
    source, sign = join_mirrors(family_names(BOTH))
    np.testing.assert_allclose(
        fused.decision_function(X[:, source] * sign), fused.decision_function(X), atol=1e-4
    )


def test_one_row_is_scored_as_in_a_batch_and_after_its_file(tmp_path):
    X, y = make_data()
    fused = FusedMachine(build_svm("rbf", {"families": BOTH}, compact=CompactSize(0, 8, 50)))
    fused.fit(X, y)
    joblib.dump(fused, tmp_path / "machine.joblib")
    loaded = joblib.load(tmp_path / "machine.joblib")
    whole = fused.decision_function(X)
    np.testing.assert_array_equal(loaded.decision_function(X), whole)
    ones = np.concatenate([fused.decision_function(row[None]) for row in X])
    np.testing.assert_allclose(ones, whole, atol=1e-5)


@pytest.mark.parametrize("kernel", ["poly", "rbf"])
@pytest.mark.parametrize("given", [VIEWS[0], VIEWS[2], VIEWS[3], VIEWS[5]])
def test_rows_lie_around_the_origin_but_for_antisymmetric_columns(kernel, given):
    head = check_same(kernel, given | ({"coef0": 3.0} if kernel == "poly" else {})).head_
    assert head.shift is not None
    edges = np.cumsum([0, *(width for half in head.halves for width in half)])
    for even, odd, end in zip(edges[::2], edges[1::2], edges[2::2], strict=False):
        rows = head.rows[:, even:end]
        np.testing.assert_allclose(head.rows[:, even:odd].mean(axis=0), 0, atol=1e-6)
        np.testing.assert_array_equal(head.shift[odd:end], 0)
        own = head.shift[even:end]
        added = (rows**2).sum(axis=1) if kernel == "rbf" else rows @ own
        norms = head.norms[list(edges[::2]).index(even)]
        np.testing.assert_allclose(norms, added, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("kernel", "gain"), [("poly", 20), ("rbf", 20)])
def test_rows_far_from_the_origin_are_scored_as_exactly_as_near_ones(kernel, gain, monkeypatch):
    X, y = make_data("blendshapes")
    X += 30
    given = {"families": "blendshapes"}
    near = FusedMachine(build_svm(kernel, given)).fit(X, y)
    monkeypatch.setattr(KernelHead, "centre", lambda head: head)
    far = FusedMachine(build_svm(kernel, given)).fit(X, y)
    head, kind = far.head_, far.head_.kernels[0]
    rows, wide = head.rows.astype(np.float64), X.astype(np.float64)
    if kernel == "rbf":
        values = np.exp(-kind.gamma * ((wide[:, None] - rows) ** 2).sum(axis=2))
    else:
        values = (kind.gamma * (wide @ rows.T) + kind.coef0) ** kind.degree
    exact = values @ head.dual_coef + head.intercept
    errors = [np.abs(one.head_.compute(one.view_, X) - exact).max() for one in (near, far)]
    assert errors[0] < errors[1] / gain


@pytest.mark.parametrize(("scaler", "coef0"), [("none", -50.0), ("zscore", 0.0), ("zscore", 1e-6)])
def test_a_polynomial_kernel_that_is_small_at_the_mean_is_left_alone(scaler, coef0):
    head = check_same("poly", {"families": "blendshapes", "scaler": scaler, "coef0": coef0}).head_
    assert head.shift is None
    assert [kernel.name for kernel in head.kernels] == ["poly"]


def test_a_linear_machine_keeps_no_rows():
    X, y = make_data()
    sizes = [
        len(pickle.dumps(FusedMachine(build_svm("linear", {"families": BOTH})).fit(X[:n], y[:n])))
        for n in (40, 90)
    ]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.05)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.zeros((2, 9)), "X has 9 features, but FusedMachine is expecting 55"),
        (np.zeros(55), "Expected 2D array, got 1D array"),
        (np.full((2, 55), np.nan), "Input X contains NaN"),
        (np.full((2, 55), np.inf, np.float32), "Input X contains infinity"),
    ],
)
def test_what_cannot_be_scored_is_said(wrong, message):
    X, y = make_data()
    fused = FusedMachine(build_svm("rbf", {"families": BOTH})).fit(X, y)
    with pytest.raises(ValueError, match=message):
        fused.decision_function(wrong)
