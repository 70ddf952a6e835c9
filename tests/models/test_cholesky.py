import numpy as np
import pytest

from mien.models.cholesky import (
    NotPositiveDefiniteError,
    factor_in_place,
    invert_factor_in_place,
    solve_factored,
)

FULL_SIZE = 28_709
"""Training rows of FER2013."""


def make_matrix(n, seed=0):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, n + 5))
    return (rows @ rows.T / n + 0.5 * np.eye(n)).astype(np.float32)


@pytest.mark.parametrize("block", [1, 3, 8, 20, 64])
def test_blocks_give_the_factor_solution_and_inverse(block):
    matrix = make_matrix(20)
    factor = factor_in_place(matrix.copy(), block=block)
    np.testing.assert_allclose(np.tril(factor), np.linalg.cholesky(matrix), atol=1e-5)
    right = np.random.default_rng(1).normal(size=(20, 3))
    found = solve_factored(factor, right, block=block)
    np.testing.assert_allclose(matrix @ found, right, atol=1e-4)
    inverse = invert_factor_in_place(factor, block=block)
    np.testing.assert_allclose(inverse.T @ inverse, np.linalg.inv(matrix), atol=1e-4)
    np.testing.assert_array_equal(np.triu(inverse, 1), 0)


def test_factor_by_hand():
    factor = factor_in_place(np.array([[4, 2], [2, 10]], np.float32), block=1)
    np.testing.assert_array_equal(np.tril(factor), [[2, 0], [1, 3]])


def test_it_works_in_place_and_in_single_precision():
    matrix = make_matrix(10)
    factor = factor_in_place(matrix, block=4)
    assert factor is matrix
    assert invert_factor_in_place(factor, block=4) is matrix
    assert solve_factored(factor_in_place(make_matrix(10)), np.ones((10, 1))).dtype == np.float32


@pytest.mark.parametrize("block", [1, 2, 8])
def test_a_matrix_that_is_not_positive_definite_is_refused(block):
    matrix = np.diag([1, 2, 3, -1]).astype(np.float32)
    with pytest.raises(NotPositiveDefiniteError, match=r"4 rows .* not positive definite.*smaller"):
        factor_in_place(matrix, block=block)


@pytest.mark.slow
def test_full_size():
    """A matrix of exp(-|i - j| / 3) with a ridge, whose rows are known without keeping a copy."""
    n = FULL_SIZE
    index = np.arange(n, dtype=np.float32)
    matrix = np.empty((n, n), dtype=np.float32)
    for start in range(0, n, 2048):
        part = slice(start, start + 2048)
        matrix[part] = np.exp(-np.abs(index[part, None] - index[None, :]) / 3)
    matrix[np.diag_indices(n)] += np.float32(0.1)
    right = np.random.default_rng(0).normal(size=(n, 3)).astype(np.float32)
    factor = factor_in_place(matrix)
    solution = solve_factored(factor, right)
    for row in (0, 2047, 2048, 14_000, 26_623, n - 1):
        values = np.exp(-np.abs(index[row] - index) / 3)
        values[row] += 0.1
        np.testing.assert_allclose(values @ solution, right[row], atol=1e-3)
    inverse = invert_factor_in_place(factor)
    np.testing.assert_allclose(inverse.T @ (inverse @ right), solution, atol=1e-3)
