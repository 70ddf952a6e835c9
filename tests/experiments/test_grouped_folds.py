import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from mien.experiments.grouped_folds import GroupedFolds


def split(kind, k, y, groups, seed):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return [
            test.tolist()
            for _, test in kind(k, shuffle=True, random_state=seed).split(y, y, groups)
        ]


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(20, 120),
    n_classes=st.integers(2, 9),
    groups=st.integers(10, 120),
    k=st.integers(2, 10),
    seed=st.integers(0, 1000),
)
def test_the_folds_are_those_of_scikit_learn(n, n_classes, groups, k, seed):
    rng = np.random.default_rng(seed)
    y = np.r_[np.zeros(k, int), rng.integers(0, n_classes, n)]
    own = np.r_[np.arange(k), rng.integers(0, groups, n)]
    assert split(GroupedFolds, k, y, own, seed) == split(StratifiedGroupKFold, k, y, own, seed)


def test_nearly_all_groups_of_one_row_share_out_classes_and_keep_groups_whole():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 7, 3000)
    groups = np.arange(3000)
    groups[1::10] = groups[::10]
    folds = split(GroupedFolds, 5, y, groups, 3)
    np.testing.assert_array_equal(np.sort(np.concatenate(folds)), np.arange(3000))
    for i, one in enumerate(folds):
        counts = np.bincount(y[one], minlength=7)
        assert (np.abs(counts - np.bincount(y) / 5) <= 2).all()
        for other in folds[:i]:
            assert not set(groups[one]) & set(groups[other])


def test_what_scikit_learn_calls_is_still_what_is_replaced():
    """A scikit-learn that chooses folds elsewhere would be right, but take 20 seconds again."""
    own, theirs = (kind._find_best_fold for kind in (GroupedFolds, StratifiedGroupKFold))
    assert own is not theirs
    called = []

    class Told(GroupedFolds):
        def _find_best_fold(self, **options):
            called.append(options)
            return super()._find_best_fold(**options)

    split(Told, 2, np.array([0, 1, 0, 1]), np.arange(4), 0)
    assert len(called) == 4


@pytest.mark.parametrize("k", [3, 7])
def test_too_few_groups_are_refused_as_scikit_learn_refuses_them(k):
    y = np.tile([0, 1], 10)
    with pytest.raises(ValueError, match="greater than the number of groups"):
        split(GroupedFolds, k, y, np.arange(20) % 2, 0)
