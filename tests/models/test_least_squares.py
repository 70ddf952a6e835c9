import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge

from mien.models.dots import compute_dots
from mien.models.least_squares import LeastSquaresSVC

FOLDS = [np.array([0, 7, 31]), np.arange(40, 100), np.array([5]), np.arange(20, 0, -2)]


def make_data(n=150, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 6)).astype(np.float32)
    return X, (X[:, 0] + 0.5 * rng.normal(size=n) > 0).astype(int) + (X[:, 1] > 0.7) * (classes > 2)


def test_solution_by_hand():
    # K = [[1, -1], [-1, 1]], ridge 1: alpha = (-1/3, 1/3), no bias
    X, y = np.array([[-1.0], [1.0]]), [0, 1]
    machine = LeastSquaresSVC(kernel="linear", gamma=1.0, C=1.0).fit(X, y)
    np.testing.assert_allclose(machine.dual_coef_[:, 0], [-1 / 3, 1 / 3], rtol=1e-5)
    np.testing.assert_allclose(machine.intercept_, [0], atol=1e-6)
    np.testing.assert_allclose(machine.decision_function(X), [-2 / 3, 2 / 3], rtol=1e-5)


@pytest.mark.parametrize("kernel", ["linear", "poly", "rbf"])
@pytest.mark.parametrize("weight", [None, {0: 0.5, 1: 3.0, 2: 1.0}])
def test_the_system_with_the_bias_is_solved(kernel, weight):
    X, y = make_data()
    machine = LeastSquaresSVC(kernel=kernel, C=2.0, class_weight=weight).fit(X, y)
    alpha, bias = machine.dual_coef_, machine.intercept_
    np.testing.assert_allclose(alpha.sum(axis=0), 0, atol=1e-4)
    v = np.ones(len(y)) if weight is None else np.array([weight[code] for code in y])
    residuals = alpha / (2.0 * v[:, None])  # e_i = alpha_i / (C v_i)
    targets = np.where(y[:, None] == np.arange(3), 1.0, -1.0)
    np.testing.assert_allclose(machine.decision_function(X), targets - residuals, atol=1e-3)
    assert bias.shape == (3,)


def test_without_a_bias_it_would_be_kernel_ridge_regression():
    X, y = make_data(classes=2)
    machine = LeastSquaresSVC(C=4.0).fit(X, y)
    targets = np.where(y == 1, 1.0, -1.0)
    ridge = KernelRidge(kernel="rbf", gamma=machine.kernels_[0].gamma, alpha=0.25)
    ridge.fit(X, targets - machine.intercept_[0])
    expected = ridge.predict(X) + machine.intercept_[0]
    np.testing.assert_allclose(machine.decision_function(X), expected, atol=1e-4)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kernel", ["linear", "rbf"])
def test_held_out_scores_are_those_of_machines_fitted_without_the_rows(classes, weighted, kernel):
    X, y = make_data(classes=classes)
    weight = {0: 0.4, 1: 2.5, 2: 1.0} if weighted else None
    if weighted and classes == 2:
        weight.pop(2)
    machine = LeastSquaresSVC(kernel=kernel, C=3.0, class_weight=weight)
    matrix = machine.make_matrix([compute_dots(X, X)])
    unit = machine.kernels_[0].gamma / machine.gamma
    found = machine.score_held_out(matrix, y, FOLDS)
    for rows, scores in zip(FOLDS, found, strict=True):
        others = np.setdiff1d(np.arange(len(X)), rows)
        refitted = LeastSquaresSVC(kernel=kernel, C=3.0, class_weight=weight)
        refitted.make_matrix([compute_dots(X[others], X[others])])
        refitted.gamma *= unit / (refitted.kernels_[0].gamma / refitted.gamma)  # the same width
        refitted.fit(X[others], y[others])
        np.testing.assert_allclose(scores, refitted.decision_function(X[rows]), atol=1e-4)


def test_balanced_weights_favour_the_rare_class():
    rng = np.random.default_rng(1)
    X = np.r_[rng.normal(0, 1, (180, 2)), rng.normal(1, 1, (20, 2))].astype(np.float32)
    y = np.r_[np.zeros(180, int), np.ones(20, int)]
    plain, balanced = (
        (LeastSquaresSVC(C=1.0, class_weight=weight).fit(X, y).predict(X) == 1).sum()
        for weight in (None, "balanced")
    )
    assert balanced > plain


def test_fit_from_dot_products_predicts_the_same():
    X, y = make_data()
    whole = LeastSquaresSVC().fit(X[:100], y[:100])
    parts = LeastSquaresSVC().fit_dots([compute_dots(X[:100], X[:100])], y[:100])
    predicted = parts.predict_dots([compute_dots(X[100:], X[:100])])
    np.testing.assert_array_equal(whole.predict(X[100:]), predicted)


@pytest.mark.parametrize(
    ("options", "labels", "message"),
    [
        ({}, [0, 0, 0], "two classes"),
        ({"C": 0.0}, [0, 1, 1], "C must be above 0"),
        ({"kernel": "sigmoid"}, [0, 1, 1], "kernel must be one of"),
    ],
)
def test_what_cannot_be_fitted_is_said(options, labels, message):
    with pytest.raises(ValueError, match=message):
        LeastSquaresSVC(**options).fit(np.eye(3), labels)
