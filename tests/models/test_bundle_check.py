"""A model must predict where it is loaded what it predicted where it was made, or be refused."""

from dataclasses import replace

import numpy as np
import pytest
import sklearn
from sklearn.linear_model import LogisticRegression

import mien
from mien.errors import MienError
from mien.models import bundle_versions
from mien.models.bundle import Bundle, load_bundle, save_bundle
from mien.models.bundle_check import draw_features, draw_pixels, make_check, measure_difference
from mien.models.bundle_versions import describe_alignment, find_differences, read_versions


@pytest.fixture
def bundle():
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    X = (rng.normal(size=(60, 52)) + y[:, None]).astype(np.float32)
    made = Bundle(
        "svm-rbf", LogisticRegression().fit(X, y), ("a", "b", "c"), {"blendshapes": 1}, {}, {}, {},
        read_versions(network=False), alignment=describe_alignment(),
    )  # fmt: skip
    return replace(made, check=make_check(made, X))


class Both:
    """Answers by the features where there are any, else by the pixels."""

    classes_ = np.array([0, 1])

    def predict_proba(self, X):
        features, pixels = X
        assert (features.dtype, pixels.dtype) == (np.float32, np.uint8)
        share = np.where(np.isfinite(features[:, 0]), 0.25, pixels.mean(axis=(1, 2)) / 255)
        return np.stack([share, 1 - share], axis=1)


def test_features_are_drawn_around_the_means_and_are_no_row():
    rng = np.random.default_rng(1)
    features = (rng.normal(size=(5000, 40)) * 3 + np.arange(40)).astype(np.float32)
    drawn = draw_features(features, rows=200).astype(float)
    np.testing.assert_allclose(drawn.mean(axis=0), np.arange(40), atol=0.5)
    np.testing.assert_allclose(drawn.std(axis=0), 1.5, atol=0.35)
    assert np.abs(drawn[:, None] - features[None, :500]).max(axis=2).min() > 1
    assert np.isfinite(draw_features(np.full((3, 2), 1e9, np.float32))).all()


def test_pixels_are_coarse_blocks():
    drawn = draw_pixels()
    assert (drawn.shape, drawn.dtype) == ((4, 48, 48), np.uint8)
    np.testing.assert_array_equal(drawn[:, ::8, ::8].repeat(8, 1).repeat(8, 2), drawn)
    assert len(np.unique(drawn)) > 50


def test_a_model_of_both_is_checked_with_and_without_features(bundle):
    both = replace(bundle, estimator=Both(), classes=("a", "b"), with_pixels=True)
    check = make_check(both, np.zeros((5, 52), np.float32))
    assert check["probabilities"][:3, 0].tolist() == [0.25] * 3
    assert check["probabilities"][3, 0] == draw_pixels()[3].mean() / 255
    assert measure_difference(replace(both, check=check)) == 0


def test_the_difference_is_the_largest_of_a_probability(bundle):
    assert measure_difference(bundle) == 0
    shifted = bundle.check["probabilities"].copy()
    shifted[2, 1] += 0.125
    other = replace(bundle, check={**bundle.check, "probabilities": shifted})
    assert measure_difference(other) == pytest.approx(0.125)
    assert measure_difference(replace(bundle, check=None)) is None


@pytest.fixture
def load_as_of(bundle, tmp_path):
    """Save a bundle that says it is of other versions, and load it; gives it and the notes."""

    def load(changed, versions):
        told = replace(changed, versions={**bundle.versions, **versions})
        save_bundle(told, tmp_path / "model.joblib")
        notes = []
        return load_bundle(tmp_path / "model.joblib", on_note=notes.append), notes

    return load


def test_the_same_versions_say_nothing(load_as_of, bundle):
    assert load_as_of(bundle, {})[1] == []


def test_another_version_that_predicts_the_same_is_noted(load_as_of, bundle):
    _, (note,) = load_as_of(bundle, {"scikit-learn": "1.2.3"})
    assert f"with scikit-learn 1.2.3; here is scikit-learn {sklearn.__version__}" in note
    assert "reference predictions are the same here" in note


def test_another_mien_that_predicts_the_same_is_nothing_to_say(load_as_of, bundle):
    assert load_as_of(bundle, {"mien": "0.0.1", "python": "3.9.1"})[1] == []


def test_another_version_that_predicts_otherwise_is_refused(load_as_of, bundle):
    other = replace(bundle, estimator=LogisticRegression().fit(np.eye(3, 52), [0, 1, 2]))
    with pytest.raises(MienError, match=r"does not predict here what.+numpy 1\.0"):
        load_as_of(other, {"numpy": "1.0"})


def test_another_version_that_cannot_predict_is_refused(load_as_of, bundle):
    with pytest.raises(MienError, match=r"cannot predict here \(NotFittedError: .+mien 0\.0\.1"):
        load_as_of(replace(bundle, estimator=LogisticRegression()), {"mien": "0.0.1"})


def test_what_cannot_be_checked_is_noted(load_as_of, bundle):
    _, (note,) = load_as_of(replace(bundle, check=None), {"numpy": "1.0"})
    assert "no reference predictions" in note
    assert "Export it again to be sure" in note


def test_a_note_is_a_warning_by_default(bundle, tmp_path):
    told = replace(bundle, versions={**bundle.versions, "scipy": "1.0"})
    save_bundle(told, tmp_path / "model.joblib")
    with pytest.warns(UserWarning, match=r"was made with scipy 1\.0"):
        load_bundle(tmp_path / "model.joblib")


def test_scikit_learns_own_warning_becomes_the_check(bundle, tmp_path, monkeypatch):
    with monkeypatch.context() as older:
        older.setattr("sklearn.base.__version__", "1.0.2")
        told = replace(bundle, versions={**bundle.versions, "scikit-learn": "1.0.2"})
        save_bundle(told, tmp_path / "model.joblib")
    assert b"1.0.2" in __import__("gzip").decompress((tmp_path / "model.joblib").read_bytes())
    notes = []
    load_bundle(tmp_path / "model.joblib", on_note=notes.append)
    assert len(notes) == 1


def test_versions_that_differ():
    here = read_versions(network=True)
    assert {"mien", "python", "numpy", "scipy", "scikit-learn", "keras", "mediapipe"} <= set(here)
    assert "keras" not in read_versions(network=False)
    assert find_differences(here) == {}
    assert find_differences({**here, "mien": "9", "no-such-package": "1"}) == {
        "mien": {"then": "9", "here": mien.__version__},
        "no-such-package": {"then": "1", "here": "not installed"},
    }


def test_families_are_those_of_the_plugins_too(bundle, tmp_path, monkeypatch):
    monkeypatch.setattr(bundle_versions, "family_names", lambda: ("blendshapes",))
    save_bundle(replace(bundle, families={"mine@size=2": 1}), tmp_path / "model.joblib")
    with pytest.raises(MienError, match=r"family 'mine', which is not known here.+--plugin FILE"):
        load_bundle(tmp_path / "model.joblib")
