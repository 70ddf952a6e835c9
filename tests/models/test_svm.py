import numpy as np
import pytest
from sklearn.svm import SVC

from mien.models.dots import compute_dots
from mien.models.kernel_machine import Block, sum_pairwise_values
from mien.models.svm import KernelSVC, spread_pairs


def make_data(n=300, classes=4, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 12)).astype(np.float32)
    y = (X[:, 0] > 0).astype(int) + 2 * (X[:, 1] * X[:, 2] > 0).astype(int)
    return X, y % classes


@pytest.mark.parametrize("kernel", ["linear", "poly", "rbf"])
def test_binary_solution_is_libsvms(kernel):
    X, y = make_data(classes=2)
    ours = KernelSVC(kernel=kernel, C=2.0, degree=2, coef0=0.5).fit(X[:200], y[:200])
    theirs = SVC(kernel=kernel, C=2.0, gamma=ours.kernels_[0].gamma, degree=2, coef0=0.5)
    if kernel == "linear":
        theirs.set_params(C=2.0 * ours.kernels_[0].gamma)
    theirs.fit(X[:200], y[:200])
    expected = theirs.decision_function(X[200:])
    np.testing.assert_allclose(ours.decision_function(X[200:]), expected, atol=2e-3)
    np.testing.assert_array_equal(ours.predict(X[200:])[abs(expected) > 0.01],
                                  theirs.predict(X[200:])[abs(expected) > 0.01])  # fmt: skip


def test_several_classes_sum_bounded_pairwise_values():
    X, y = make_data()
    ours = KernelSVC().fit(X[:200], y[:200])
    theirs = SVC(C=10.0, gamma=ours.kernels_[0].gamma, decision_function_shape="ovo").fit(
        X[:200], y[:200]
    )
    expected = sum_pairwise_values(theirs.decision_function(X[200:]), 4)
    np.testing.assert_allclose(ours.decision_function(X[200:]), expected, atol=2e-3)


def test_pairwise_values_by_hand():
    big = 50.0
    scores = sum_pairwise_values(np.array([[big, big, -big]]), 3)
    np.testing.assert_allclose(scores, [[2.0, -2.0, 0.0]])
    np.testing.assert_allclose(sum_pairwise_values(np.zeros((1, 3)), 3), 0.0)


def test_coefficients_of_pairs_by_hand():
    # one support vector of class 0, two of class 1, one of class 2
    dual_coef = np.array([[1.0, -1.0, 0.0, -4.0], [2.0, 0.0, 3.0, -3.0]])
    expected = [[1, 2, 0], [-1, 0, 0], [0, 0, 3], [0, -4, -3]]
    np.testing.assert_array_equal(spread_pairs(dual_coef, np.array([1, 2, 1])), expected)


def test_gamma_is_relative_to_the_mean_squared_distance():
    X = np.array([[0.0], [2.0], [0.0], [2.0]], dtype=np.float32)
    svm = KernelSVC(kernel="rbf", gamma=3.0).fit(X, [0, 1, 0, 1])
    assert svm.kernels_[0].gamma == pytest.approx(3.0 / 2.0)


@pytest.mark.parametrize("kernel", ["linear", "poly", "rbf"])
def test_unit_of_the_features_does_not_matter(kernel):
    X, y = make_data()
    small = KernelSVC(kernel=kernel).fit(X[:200], y[:200])
    large = KernelSVC(kernel=kernel).fit(100 * X[:200], y[:200])
    np.testing.assert_allclose(
        small.decision_function(X[200:]), large.decision_function(100 * X[200:]), atol=5e-3
    )


def test_fit_from_dot_products_predicts_the_same():
    X, y = make_data()
    whole = KernelSVC().fit(X[:200], y[:200])
    parts = KernelSVC().fit_dots([compute_dots(X[:200], X[:200])], y[:200])
    predicted = parts.predict_dots([compute_dots(X[200:], X[:200])])
    np.testing.assert_array_equal(whole.predict(X[200:]), predicted)


def test_only_support_vectors_are_kept():
    X, y = make_data(classes=2)
    svm = KernelSVC(kernel="linear", C=100.0).fit(np.c_[X, 20.0 * y].astype(np.float32), y)
    assert svm.support_vectors_.shape == (len(svm.support_), 13)
    assert len(svm.support_vectors_) < len(X)


def test_balanced_weights_favour_the_rare_class():
    rng = np.random.default_rng(1)
    X = np.r_[rng.normal(0, 1, (180, 2)), rng.normal(1, 1, (20, 2))].astype(np.float32)
    y = np.r_[np.zeros(180, int), np.ones(20, int)]
    plain = (KernelSVC(C=1.0).fit(X, y).predict(X) == 1).sum()
    balanced = (KernelSVC(C=1.0, class_weight="balanced").fit(X, y).predict(X) == 1).sum()
    assert balanced > plain


def test_unknown_kernels_and_wrong_blocks_are_refused():
    X, y = make_data(n=20)
    with pytest.raises(ValueError, match="kernel must be one of"):
        KernelSVC(kernel="sigmoid").fit(X, y)
    with pytest.raises(ValueError, match="the blocks have 5 columns, X has 12"):
        KernelSVC(blocks=[Block(3, 2)]).fit(X, y)
