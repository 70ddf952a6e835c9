"""The benchmark compares like with like: the same rows, folds, trials and kernels."""

import numpy as np

from mien.experiments.benchmarks.tuning import time_grid_search, time_ours
from mien.experiments.row_data import RowData
from mien.experiments.tune import make_tuning_folds


def test_both_sides_score_every_trial_alike(make_store):
    data = RowData(make_store(separation=0.05, persons=10, faceless=0))
    folds = make_tuning_folds(data, scheme="stratified:3")
    trials = [(1e-3, 1.0), (1.0, 1.0), (10.0, 0.5)]
    (_, ours), (_, theirs) = (time(data, folds, trials) for time in (time_ours, time_grid_search))
    assert ours.shape == theirs.shape == (3,)
    assert len(set(theirs.round(3).tolist())) > 1
    np.testing.assert_allclose(ours[1:], theirs[1:], atol=0.1)
