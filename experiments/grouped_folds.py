"""Stratified folds of whole groups, fast enough for tens of thousands of groups."""

from __future__ import annotations

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

_RELATIVE, _ABSOLUTE = 1e-5, 1e-8


class GroupedFolds(StratifiedGroupKFold):
    """The same folds as scikit-learn's, in a fraction of the time.

    A group goes to the fold in which the classes' shares then differ least between folds. All folds
    are tried in one computation; scikit-learn tries one after another, which takes 20 seconds where
    nearly every one of FER2013's pictures is a group of its own.
    """

    def _find_best_fold(
        self, y_counts_per_fold: np.ndarray, y_cnt: np.ndarray, group_y_counts: np.ndarray
    ) -> int:
        k = len(y_counts_per_fold)
        tried = np.repeat(y_counts_per_fold[None], k, axis=0)
        tried[np.arange(k), np.arange(k)] += group_y_counts
        uneven = (tried / y_cnt).std(axis=1).mean(axis=1).tolist()
        rows = y_counts_per_fold.sum(axis=1).tolist()
        best = 0
        for i in range(1, k):
            close = abs(uneven[i] - uneven[best]) <= _ABSOLUTE + _RELATIVE * uneven[best]
            if uneven[i] < uneven[best] or (close and rows[i] < rows[best]):
                best = i
        return best
