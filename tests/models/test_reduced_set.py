import numpy as np
import pytest

from mien.models.kernel_machine import Block
from mien.models.least_squares import LeastSquaresSVC
from mien.models.reduced_set import ReducedLeastSquaresSVC


def make_data(n=200, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 7)).astype(np.float32)
    return X, (X[:, 0] + X[:, 5] ** 2 > 1).astype(int) + (X[:, 1] > 0.7)


@pytest.mark.parametrize("kernel", ["linear", "poly", "rbf"])
@pytest.mark.parametrize("weight", [None, "balanced"])
@pytest.mark.parametrize("blocks", [None, [Block(4, 3)], [Block(2, 2, 0.7), Block(3, 0, 0.3)]])
def test_with_all_rows_it_is_the_exact_machine(kernel, weight, blocks):
    X, y = make_data()
    given = {"kernel": kernel, "degree": 2, "class_weight": weight, "blocks": blocks}
    exact = LeastSquaresSVC(**given).fit(X, y)
    reduced = ReducedLeastSquaresSVC(**given, n_centres=len(X)).fit(X, y)
    np.testing.assert_allclose(reduced.decision_function(X), exact.decision_function(X), atol=2e-3)


def test_few_rows_minimise_the_objective_over_their_coefficients():
    X, y = make_data()
    machine = ReducedLeastSquaresSVC(C=3.0, n_centres=15).fit(X, y)
    targets = np.where(y[:, None] == np.arange(3), 1.0, -1.0)
    centres = machine.support_vectors_
    among = machine._compute_kernel(centres, centres, np.float64)
    values = machine._compute_kernel(X, centres, np.float64)
    errors = targets - machine.decision_function(X)
    # the gradient by the coefficients, K_mm b - C K_nm^T e, and by the constant, sum e, vanish
    gradient = among @ machine.dual_coef_ - 3.0 * values.T @ errors
    assert np.abs(gradient).max() < 1e-2
    np.testing.assert_allclose(errors.sum(axis=0), 0, atol=1e-2)


def test_equal_rows_do_no_harm():
    X, y = make_data()
    twice, labels = np.vstack([X, X]), np.hstack([y, y])
    machine = ReducedLeastSquaresSVC(n_centres=400).fit(twice, labels)
    assert (machine.predict(X) == y).mean() > 0.95


def test_rows_are_drawn_by_the_seed():
    X, y = make_data()
    first, again, other = (
        ReducedLeastSquaresSVC(n_centres=9, random_state=seed).fit(X, y).support_
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
