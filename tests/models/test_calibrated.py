import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import StratifiedKFold

from mien.models.calibrated import CalibratedClassifier
from mien.models.least_squares import LeastSquaresSVC


def make_data(n=600, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4)).astype(np.float32)
    logits = 1.5 * X[:, :classes]
    drawn = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    return X, drawn * 2


def fit(estimator, X, y):
    splits = list(StratifiedKFold(3, shuffle=True, random_state=0).split(X, y))
    return CalibratedClassifier(estimator).fit(X, y, splits=splits)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("estimator", [LeastSquaresSVC(gamma=0.1), LinearDiscriminantAnalysis()])
def test_probabilities_are_those_that_the_labels_were_drawn_from(classes, estimator):
    X, y = make_data(6000 if classes == 2 else 3000, classes)
    model = fit(estimator, X[:1500], y[:1500])
    found = model.predict_proba(X[1500:])
    logits = np.exp(1.5 * X[1500:, :classes])
    expected = logits / logits.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-12)
    assert np.abs(found - expected).mean() < 0.06
    assert found.dtype == np.float64


def test_the_answer_is_the_most_probable_class():
    X, y = make_data()
    model = fit(LeastSquaresSVC(), X, y)
    np.testing.assert_array_equal(
        model.predict(X), np.array([0, 2, 4])[model.predict_proba(X).argmax(axis=1)]
    )
    assert model.classes_.tolist() == [0, 2, 4]


def test_two_classes_by_hand():
    X, y = make_data(classes=2)
    model = fit(LeastSquaresSVC(), X, y)
    score = model.estimator_.decision_function(X)
    logit = score * (model.coef_[0, 1] - model.coef_[0, 0]) + np.diff(model.intercept_)
    np.testing.assert_allclose(model.predict_proba(X)[:, 1], 1 / (1 + np.exp(-logit)))


def test_scores_of_fitted_rows_do_not_count():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 30)).astype(np.float32)
    y = rng.integers(0, 3, 300)  # nothing can be learned
    model = fit(LeastSquaresSVC(C=1000.0), X, y)
    assert model.predict_proba(rng.normal(size=(200, 30))).max() < 0.6
