import numpy as np
import pytest

from mien.models.column_grid import ColumnGrid, to_levels


def test_rounding_by_hand():
    X = np.array([[127.0, -2.54, 0.0], [-63.4, 1.0, 0.0]], np.float32)
    grid = ColumnGrid().fit(X)
    np.testing.assert_allclose(grid.step_, [1.0, 0.02, 1.0], rtol=1e-6)
    expected = [[127.0, -2.54, 0.0], [-63.0, 1.0, 0.0]]
    np.testing.assert_allclose(grid.transform(X), expected, rtol=1e-5)
    assert to_levels(X, grid.step_).tolist() == [[127, -127, 0], [-63, 50, 0]]


def test_rounded_rows_stay_as_they_are():
    X = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    grid = ColumnGrid().fit(X)
    once = grid.transform(X)
    np.testing.assert_array_equal(grid.transform(once), once)
    assert np.abs(once - X).max() <= grid.step_.max() / 2 * 1.001


def test_what_lies_beyond_is_brought_to_the_edge():
    grid = ColumnGrid().fit(np.array([[1.0], [-2.0]]))
    assert grid.transform(np.array([[9.0], [-9.0]])).ravel() == pytest.approx([2.0, -2.0])
