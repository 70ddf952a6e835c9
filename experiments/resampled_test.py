"""The corrected resampled t-test: folds share training rows, so their scores vary too little."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class ResampledTest:
    """Outcome of a corrected resampled t-test.

    Attributes
    ----------
    t : float
    df : int
        Degrees of freedom, the number of differences less 1.
    p_value : float
        Two-sided.
    """

    t: float
    df: int
    p_value: float


def compute_resampled_t(differences: ArrayLike, *, test_share: float) -> ResampledTest | None:
    """Test whether two models' scores over folds and repeats differ.

    Parameters
    ----------
    differences : array-like of float, shape (n,)
        Score of the first model less that of the second, a value for each fold of each repeat.
    test_share : float
        Test rows of a fold over its training rows, such as 1/9 in ten folds.

    Returns
    -------
    ResampledTest or None
        ``t = mean / sqrt((1 / n + test_share) * var)`` with the sample variance, and ``n - 1``
        degrees of freedom. None with fewer than two differences, or where all are equal and not
        zero, which leaves no spread to judge by.

    Raises
    ------
    ValueError
        If ``test_share`` is not above 0.

    Notes
    -----
    The uncorrected t-test has ``1 / n`` alone, as if the folds were independent; then many repeats
    make any difference significant.

    References
    ----------
    Nadeau and Bengio, Inference for the generalization error, Machine Learning 52, 2003; over
    repeated cross-validation: Bouckaert and Frank, Evaluating the replicability of significance
    tests for comparing learning algorithms, PAKDD 2004.
    """
    if not test_share > 0:
        raise ValueError(f"expected a positive ratio of test to training rows, got {test_share}")
    values = np.asarray(differences, dtype=np.float64)
    if len(values) < 2:
        return None
    df, mean = len(values) - 1, float(values.mean())
    if np.ptp(values) == 0:
        return ResampledTest(0.0, df, 1.0) if mean == 0 else None
    from scipy.stats import t as student

    t = mean / sqrt((1 / len(values) + test_share) * float(values.var(ddof=1)))
    return ResampledTest(t, df, float(2 * student.sf(abs(t), df)))
