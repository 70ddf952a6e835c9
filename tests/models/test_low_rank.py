import numpy as np
import pytest

from mien.models.dots import compute_dots
from mien.models.kernel_machine import Block
from mien.models.kernels import sum_kernels
from mien.models.low_rank import LandmarkRows


def make_rows(n=60):
    return np.random.default_rng(0).normal(size=(n, 6)).astype(np.float32)


@pytest.mark.parametrize("kernel", ["linear", "poly", "rbf"])
def test_with_all_rows_the_dot_products_are_the_kernel(kernel):
    X = make_rows()
    mapped = LandmarkRows(kernel=kernel, blocks=[Block(4, 2)], n_rows=60).fit(X)
    features = mapped.transform(X)
    expected = sum_kernels([compute_dots(X, X, symmetric=4)], mapped.kernels_)
    np.testing.assert_allclose(features @ features.T, expected, atol=5e-3 * expected.max())


def test_few_rows_give_few_columns_and_a_close_kernel():
    rng = np.random.default_rng(1)
    X = (rng.normal(size=(300, 3)) @ rng.normal(size=(3, 20))).astype(np.float32)
    mapped = LandmarkRows(gamma=0.5, n_rows=60).fit(X)
    features = mapped.transform(X)
    assert features.shape[1] <= 60
    expected = sum_kernels([compute_dots(X, X)], mapped.kernels_)
    assert np.abs(features @ features.T - expected).mean() < 0.01


def test_the_seed_chooses_the_rows():
    X = make_rows()
    first, again, other = (LandmarkRows(n_rows=9, random_state=s).fit(X).rows_ for s in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert len(LandmarkRows(n_rows=1000).fit(X).rows_) == 60
