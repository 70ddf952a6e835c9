import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics.pairwise import linear_kernel, polynomial_kernel, rbf_kernel

from mien.models.kernels import (
    KERNELS,
    apply_kernel,
    compute_dot_products,
    compute_kernel_scale,
    compute_squared_norms,
)

X = np.array([[0, 0], [3, 4], [6, 8]], np.float32)
Y = np.array([[1, 0], [0, 2]], np.float32)


def kernel_matrix(x, y, **options):
    return apply_kernel(
        compute_dot_products(x, y),
        compute_squared_norms(x),
        compute_squared_norms(y),
        **options,
    )


def test_dot_products_and_norms_by_hand():
    dots = compute_dot_products(X, Y)
    np.testing.assert_array_equal(dots, [[0, 0], [3, 8], [6, 16]])
    np.testing.assert_array_equal(compute_squared_norms(X), [0, 25, 100])
    assert dots.dtype == compute_squared_norms(X).dtype == np.float32


def test_kernels_by_hand():
    linear = kernel_matrix(X, Y, kernel="linear", gamma=0.5)
    np.testing.assert_allclose(linear, [[0, 0], [1.5, 4], [3, 8]])
    poly = kernel_matrix(X, Y, kernel="poly", gamma=0.5, degree=2, coef0=1.0)
    np.testing.assert_allclose(poly, [[1, 1], [6.25, 25], [16, 81]])
    rbf = kernel_matrix(X, Y, kernel="rbf", gamma=0.1)
    distances = np.array([[1, 4], [20, 13], [89, 72]])
    np.testing.assert_allclose(rbf, np.exp(-0.1 * distances), rtol=1e-6)


def test_scale_by_hand():
    norms = compute_squared_norms(X)
    dots = compute_dot_products(X, X)
    assert compute_kernel_scale("linear", dots, norms) == pytest.approx(3 / 125)
    assert compute_kernel_scale("poly", dots, norms) == pytest.approx(3 / 125)
    # squared distances 0, 25, 100, 25, 0, 25, 100, 25, 0
    assert compute_kernel_scale("rbf", dots, norms) == pytest.approx(9 / 300)


@pytest.mark.parametrize("kernel", KERNELS)
def test_scale_of_equal_rows_is_one(kernel):
    rows = np.zeros((4, 3), np.float32)
    dots, norms = compute_dot_products(rows, rows), compute_squared_norms(rows)
    assert compute_kernel_scale(kernel, dots, norms) == 1.0


@settings(max_examples=30, deadline=None)
@given(n=st.integers(1, 12), m=st.integers(1, 12), d=st.integers(1, 8), seed=st.integers(0, 99))
def test_kernels_are_those_of_scikit_learn(n, m, d, seed):
    rng = np.random.default_rng(seed)
    x, y = (rng.normal(size=(k, d)).astype(np.float32) for k in (n, m))
    options = {"gamma": 0.3, "degree": 3, "coef0": 1.5}
    expected = {
        "linear": 0.3 * linear_kernel(x, y),
        "poly": polynomial_kernel(x, y, **options),
        "rbf": rbf_kernel(x, y, gamma=0.3),
    }
    for kernel in KERNELS:
        found = kernel_matrix(x, y, kernel=kernel, **options)
        np.testing.assert_allclose(found, expected[kernel], rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("kernel", KERNELS)
def test_kernel_is_double_precision_as_libsvm_wants_it(kernel):
    assert kernel_matrix(X, Y, kernel=kernel, gamma=1.0).dtype == np.float64


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("factor", [10.0, 0.01])
def test_kernel_does_not_depend_on_the_unit_of_the_features(kernel, factor):
    rows = np.random.default_rng(0).normal(size=(20, 5)).astype(np.float32)

    def scaled(values):
        dots, norms = compute_dot_products(values, values), compute_squared_norms(values)
        gamma = 2.0 * compute_kernel_scale(kernel, dots, norms)
        return apply_kernel(dots, norms, norms, kernel=kernel, gamma=gamma, coef0=1.0)

    np.testing.assert_allclose(scaled(rows * factor), scaled(rows), rtol=1e-4, atol=1e-5)


def test_rbf_of_a_row_with_itself_is_never_above_one():
    rows = 1000 + np.random.default_rng(0).normal(size=(50, 30)).astype(np.float32)
    found = kernel_matrix(rows, rows, kernel="rbf", gamma=1.0)
    assert found.max() <= 1.0
    assert (np.diagonal(found) > 0).all()


@pytest.mark.parametrize("kernel", KERNELS)
def test_many_rows_go_through_blocks_unchanged(kernel):
    rows = np.random.default_rng(0).normal(size=(2100, 3)).astype(np.float32)
    options = {"kernel": kernel, "gamma": 0.5, "coef0": 1.0}
    whole = kernel_matrix(rows, rows[:4], **options)
    for start in (0, 1023, 1024, 2047, 2099):
        part = rows[start : start + 1]
        np.testing.assert_allclose(
            whole[start : start + 1], kernel_matrix(part, rows[:4], **options), rtol=1e-5
        )
