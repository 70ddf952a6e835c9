import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics.pairwise import linear_kernel, polynomial_kernel, rbf_kernel

from mien.models.dots import (
    BLOCK,
    compute_dots,
    compute_means,
)
from mien.models.kernels import (
    KERNELS,
    Kernel,
    compute_kernel_matrix,
    compute_kernel_scale,
    sum_kernels,
)

X = np.array([[0, 0], [3, 4], [6, 8]], np.float32)
Y = np.array([[1, 0], [0, 2]], np.float32)


def kernel_matrix(x, y, *, kernel, gamma, degree=3, coef0=0.0):
    return sum_kernels([compute_dots(x, y)], [Kernel(kernel, gamma, degree, coef0)])


def scale(kernel, rows):
    return compute_kernel_scale(kernel, *compute_means(compute_dots(rows, rows)))


def test_kernels_by_hand():
    linear = kernel_matrix(X, Y, kernel="linear", gamma=0.5)
    np.testing.assert_allclose(linear, [[0, 0], [1.5, 4], [3, 8]])
    poly = kernel_matrix(X, Y, kernel="poly", gamma=0.5, degree=2, coef0=1.0)
    np.testing.assert_allclose(poly, [[1, 1], [6.25, 25], [16, 81]])
    rbf = kernel_matrix(X, Y, kernel="rbf", gamma=0.1)
    distances = np.array([[1, 4], [20, 13], [89, 72]])
    np.testing.assert_allclose(rbf, np.exp(-0.1 * distances), rtol=1e-6)


def test_scale_by_hand():
    assert scale("linear", X) == pytest.approx(3 / 125)
    assert scale("poly", X) == pytest.approx(3 / 125)
    # squared distances 0, 25, 100, 25, 0, 25, 100, 25, 0
    assert scale("rbf", X) == pytest.approx(9 / 300)


@pytest.mark.parametrize("kernel", KERNELS)
def test_scale_of_equal_rows_is_one(kernel):
    assert scale(kernel, np.zeros((4, 3), np.float32)) == 1.0


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
        gamma = 2.0 * scale(kernel, values)
        return kernel_matrix(values, values, kernel=kernel, gamma=gamma, coef0=1.0)

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


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("n", [30, BLOCK + 50])
def test_kernels_straight_from_features_are_those_of_the_dot_products(kernel, n):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(n, 7)).astype(np.float32)
    blocks, kernels = [(2, 1), (4, 0)], [Kernel(kernel, 0.3, 3, 1.0, w) for w in (0.3, 0.7)]
    for columns in (rows, rows[:40]):
        parts = [
            compute_dots(rows[:, :3], columns[:, :3], symmetric=2),
            compute_dots(rows[:, 3:], columns[:, 3:]),
        ]
        expected = sum_kernels(parts, kernels)
        found = compute_kernel_matrix(rows, columns, blocks, kernels)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert compute_kernel_matrix(rows, rows, blocks, kernels, dtype=np.float32).dtype == np.float32


def test_a_weighted_sum_by_hand():
    one = Kernel("linear", 1.0, weight=0.25)
    other = Kernel("linear", 2.0, weight=0.75)
    found = sum_kernels([compute_dots(X, Y), compute_dots(X, Y)], [one, other])
    np.testing.assert_allclose(found, (0.25 + 1.5) * X @ Y.T)
