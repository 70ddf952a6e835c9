import numpy as np
import pytest

from mien.models.gradient_directions import find_directions
from mien.models.kernel_machine import Block
from mien.models.least_squares import LeastSquaresSVC


def make_data(n=150, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 7)).astype(np.float32)
    return X, (X[:, 0] + X[:, 5] ** 2 > 1).astype(int) + (X[:, 1] > 0.7)


def differentiate(machine, row, step=1e-2):
    """Slopes of all scores by central differences; shape (d, n_classes)."""
    moves = step * np.eye(len(row), dtype=np.float32)
    higher, lower = (machine.decision_function(row + sign * moves) for sign in (1, -1))
    return (higher - lower) / (2 * step)


@pytest.mark.parametrize("kernel", ["linear", "poly", "rbf"])
@pytest.mark.parametrize("blocks", [None, [Block(4, 3)], [Block(2, 2, 0.7), Block(3, 0, 0.3)]])
def test_the_best_direction_is_that_of_the_gradients(kernel, blocks):
    X, y = make_data()
    machine = LeastSquaresSVC(kernel=kernel, degree=2, blocks=blocks).fit(X, y)
    slopes = differentiate(machine, X[0])
    found = find_directions(machine, X[:1], 1)
    for block, (even, odd) in enumerate(found.halves):
        assert even + odd == 1
        half = 2 * block + (even == 0)
        own = slopes[found.spans[half]]
        best = np.linalg.eigh(own @ own.T)[1][:, -1]
        assert abs(best @ found.vectors[half][:, 0]) == pytest.approx(1, abs=1e-2)


def test_columns_that_do_not_matter_are_left_out():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 8)).astype(np.float32)
    y = (X[:, 2] > 0).astype(int)
    machine = LeastSquaresSVC(gamma=0.5, C=1.0).fit(X, y)
    (direction,) = find_directions(machine, X, 1).vectors[0].T
    assert abs(direction[2]) > 0.95


def test_all_directions_only_turn_the_features():
    X, y = make_data()
    machine = LeastSquaresSVC(blocks=[Block(4, 3)]).fit(X, y)
    found = find_directions(machine, X, 7)
    assert found.halves == ((4, 3),)
    turned = found.project(X)
    np.testing.assert_allclose(turned @ turned.T, X @ X.T, atol=1e-4)
    assert found.project(X * np.repeat([1, -1], [4, 3]).astype(np.float32))[:, 4:] == (
        pytest.approx(-turned[:, 4:])
    )
