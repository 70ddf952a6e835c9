import numpy as np
import pytest

from mien.models.dots import (
    BLOCK,
    add_dots,
    compute_dot_products,
    compute_dots,
    compute_means,
    compute_row_means,
    compute_squared_norms,
)

X = np.array([[0, 0], [3, 4], [6, 8]], np.float32)
Y = np.array([[1, 0], [0, 2]], np.float32)


def test_dot_products_and_norms_by_hand():
    dots = compute_dot_products(X, Y)
    np.testing.assert_array_equal(dots, [[0, 0], [3, 8], [6, 16]])
    np.testing.assert_array_equal(compute_squared_norms(X), [0, 25, 100])
    assert dots.dtype == compute_squared_norms(X).dtype == np.float32


def test_means_need_no_matrix():
    rows = np.random.default_rng(0).normal(1, size=(50, 6)).astype(np.float32)
    for symmetric in (None, 4):
        expected = compute_means(compute_dots(rows, rows, symmetric=symmetric))
        assert compute_row_means(rows, symmetric=symmetric) == pytest.approx(expected, rel=1e-5)


def test_added_dot_products_are_those_of_scaled_columns_side_by_side():
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=(9, d)).astype(np.float32) for d in (4, 3))
    sides = np.concatenate([np.sqrt(0.5) * a, np.sqrt(3.0) * b], axis=1).astype(np.float32)
    found = add_dots([compute_dots(a, a[:5]), compute_dots(b, b[:5])], [0.5, 3.0])
    expected = compute_dots(sides, sides[:5])
    for name in ("symmetric", "row_norms", "column_norms"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-4)
    assert found.antisymmetric is None


def test_some_rows_and_columns_of_dot_products():
    dots = compute_dots(X, X, symmetric=1)
    some = dots.take(np.array([2, 0]), np.array([1]))
    np.testing.assert_array_equal(some.symmetric, [[18], [0]])
    np.testing.assert_array_equal(some.antisymmetric, [[32], [0]])
    assert (some.row_norms.tolist(), some.column_norms.tolist()) == ([100, 0], [25])
    assert dots.nbytes == 2 * 9 * 4


def test_the_halves_add_up_and_blocks_change_nothing():
    rows = np.random.default_rng(0).normal(size=(BLOCK + 60, 5)).astype(np.float32)
    for columns in (rows, rows[:30]):
        dots = compute_dots(rows, columns, symmetric=3)
        products = dots.symmetric + dots.antisymmetric
        np.testing.assert_allclose(products, rows @ columns.T, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(dots.symmetric, rows[:, :3] @ columns[:, :3].T, atol=1e-5)
    assert compute_dots(rows, rows, symmetric=5).antisymmetric is None
