import numpy as np
import pytest
from scipy import stats
from sklearn.datasets import make_moons
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score
from sklearn.svm import SVC

from mien.experiments.resampled_test import compute_resampled_t


def test_by_hand():
    # mean 2, sample variance 4, n = 3: t = 2 / sqrt((1/3 + 1/6) * 4) = sqrt(2)
    found = compute_resampled_t([0.0, 2.0, 4.0], test_share=1 / 6)
    assert (found.t, found.df) == (pytest.approx(2**0.5), 2)
    # Student's distribution function with 2 degrees of freedom in closed form
    assert found.p_value == pytest.approx(1 - 2**0.5 / (2 + 2) ** 0.5)


def test_the_published_example_of_scikit_learn():
    # "Statistical comparison of models using grid search", scikit-learn's examples: the areas under
    # the curves of an RBF and a linear SVM in ten times ten folds; corrected t 0.750 and one-sided
    # p 0.227, uncorrected 2.611 and 0.005.
    X, y = make_moons(noise=0.352, random_state=1, n_samples=100)
    folds = RepeatedStratifiedKFold(n_splits=10, n_repeats=10, random_state=0)
    rbf, linear = (
        cross_val_score(SVC(kernel=kernel, random_state=0), X, y, scoring="roc_auc", cv=folds)
        for kernel in ("rbf", "linear")
    )
    found = compute_resampled_t(rbf - linear, test_share=10 / 90)
    assert (found.t, found.p_value) == pytest.approx((0.750, 2 * 0.227), abs=0.001)
    assert stats.ttest_rel(rbf, linear).statistic == pytest.approx(2.611, abs=0.001)


@pytest.mark.parametrize("seed", range(5))
def test_it_is_a_t_test_of_a_smaller_number_of_values(seed):
    differences = np.random.default_rng(seed).normal(0.1, 1, 30)
    found = compute_resampled_t(differences, test_share=1 / 9)
    plain = stats.ttest_1samp(differences, 0)
    assert found.t == pytest.approx(plain.statistic * ((1 / 30) / (1 / 30 + 1 / 9)) ** 0.5)
    assert found.p_value > plain.pvalue
    assert found.p_value == pytest.approx(2 * stats.t.cdf(-abs(found.t), 29))


def test_the_order_of_the_models_is_the_sign():
    first, second = (compute_resampled_t([0.1 * s, 0.3 * s], test_share=0.25) for s in (1, -1))
    assert (first.t, first.p_value) == (-second.t, second.p_value)


def test_what_cannot_be_judged():
    assert compute_resampled_t([0.1], test_share=0.1) is None
    assert compute_resampled_t([0.1, 0.1, 0.1], test_share=0.1) is None
    assert compute_resampled_t([0.0, 0.0], test_share=0.1).p_value == 1.0
    with pytest.raises(ValueError, match="positive ratio"):
        compute_resampled_t([0.0, 0.1], test_share=0)


def draw_differences(rng, n_rows=60, repeats=6, k=3):
    """Accuracies of two equally good classifiers in repeated folds of two Gaussian classes.

    Either knows one of two coordinates, and both coordinates tell the classes equally well. Each
    takes the side of the nearer class mean of its training rows.
    """
    y = np.arange(n_rows) % 2
    X = rng.normal(size=(n_rows, 2)) + 0.8 * y[:, None]
    differences = []
    for _ in range(repeats):
        parts = rng.permutation(n_rows).reshape(k, -1)
        for test in parts:
            train = np.setdiff1d(np.arange(n_rows), test)
            means = np.stack([X[train][y[train] == c].mean(axis=0) for c in (0, 1)])
            answers = abs(X[test] - means[0]) > abs(X[test] - means[1])
            right = (answers == y[test, None]).mean(axis=0)
            differences.append(right[0] - right[1])
    return np.array(differences)


def test_false_alarms_are_rare_where_folds_share_rows():
    # 300 data sets, 18 folds each. Two standard errors of 5 % are 2.5 points.
    rng = np.random.default_rng(0)
    corrected = plain = 0
    for _ in range(300):
        differences = draw_differences(rng)
        found = compute_resampled_t(differences, test_share=1 / 2)
        corrected += found is not None and found.p_value <= 0.05
        plain += stats.ttest_1samp(differences, 0).pvalue <= 0.05
    assert corrected / 300 <= 0.075
    assert plain / 300 > 0.2
