import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from mien.models.family_scaler import FamilyScaler

SOURCE = np.array([1, 0, 2, 4, 3])
SIGN = np.array([1, 1, -1, -1, -1], np.float32)


def make_rows(n=30, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(n, 5)) * [1, 2, 3, 4, 5] + [5, 4, 3, 2, 1]).astype(np.float32)


def spread(rows):
    return ((rows[:, None] - rows[None]) ** 2).sum(axis=2).mean()


def test_families_get_a_mean_squared_distance_of_their_weight():
    X = make_rows()
    found = FamilyScaler([3, 2], [1.0, 0.25]).fit_transform(X)
    assert spread(found[:, :3]) == pytest.approx(1, rel=1e-4)
    assert spread(found[:, 3:]) == pytest.approx(0.25, rel=1e-4)
    zscored = StandardScaler().fit_transform(X[:, 3:])
    np.testing.assert_allclose(found[:, 3:], 0.5 * zscored / np.sqrt(spread(zscored)), atol=1e-5)


def test_columns_of_unit_length_keep_their_proportions():
    X = make_rows()
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    found = FamilyScaler([5], [1.0]).fit_transform(X)
    np.testing.assert_allclose(found, X / np.sqrt(spread(X)), rtol=1e-4)


def test_columns_that_are_scaled_already_are_only_weighed():
    X = make_rows()
    found = FamilyScaler([3, 2], [4.0, 1.0], level=False).fit_transform(X)
    np.testing.assert_allclose(found, X * [2, 2, 2, 1, 1], rtol=1e-6)


def test_scaling_a_mirrored_face_is_mirroring_the_scaled_face():
    scaler = FamilyScaler([3, 2], [1.0, 2.0], mirror=(SOURCE, SIGN)).fit(make_rows())
    faces = make_rows(7, seed=1)
    expected = scaler.transform(faces)[:, SOURCE] * SIGN
    np.testing.assert_allclose(scaler.transform(faces[:, SOURCE] * SIGN), expected, atol=1e-5)


def test_with_a_mirror_the_distances_are_those_between_faces_and_mirror_images():
    X = make_rows()
    scaler = FamilyScaler([3, 2], [1.0, 2.0], mirror=(SOURCE, SIGN)).fit(X)
    both = scaler.transform(np.r_[X, X[:, SOURCE] * SIGN])
    assert spread(both[:, :3]) == pytest.approx(1, rel=1e-4)
    assert spread(both[:, 3:]) == pytest.approx(2, rel=1e-4)


def test_a_constant_column_does_no_harm():
    X = make_rows()
    X[:, 1] = 7
    assert np.isfinite(FamilyScaler([3, 2], [1.0, 1.0]).fit_transform(X)).all()
