import pickle
from dataclasses import replace

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from mien.errors import MienError
from mien.models.bundle import BUNDLE_SCHEMA, Bundle, load_bundle, save_bundle


@pytest.fixture(scope="module")
def bundle():
    """A model of classes 0 and 2 of three."""
    X = np.array([[0.0], [1.0], [2.0], [10.0], [11.0], [12.0]])
    estimator = LogisticRegression().fit(X, [0, 0, 0, 2, 2, 2])
    return Bundle(
        model="svm-rbf",
        estimator=estimator,
        classes=("angry", "happy", "neutral"),
        families={"blendshapes": 1},
        parameters={"C": 1.0},
        detector={"name": "mediapipe"},
        training={"rows": 6},
        versions={"mien": "0.0.9"},
    )


def test_probabilities_are_of_all_classes_in_order(bundle):
    X = np.array([[0.0], [12.0]])
    found = bundle.predict_proba(X)
    np.testing.assert_array_equal(found[:, [0, 2]], bundle.estimator.predict_proba(X))
    np.testing.assert_array_equal(found[:, 1], 0)
    assert found[0, 0] > 0.9
    assert found[1, 2] > 0.9


def test_a_model_without_families_reads_pixels(bundle):
    assert (bundle.reads_features, bundle.reads_pixels) == (True, False)
    network = replace(bundle, families={})
    assert (network.reads_features, network.reads_pixels) == (False, True)


def test_a_model_can_read_both(bundle):
    both = replace(bundle, with_pixels=True)
    assert (both.reads_features, both.reads_pixels) == (True, True)


def test_a_file_of_the_first_schema_is_migrated(bundle, tmp_path):
    older = replace(bundle, schema="mien.bundle/1")
    added = ("with_pixels", "threshold", "scores", "check", "alignment", "licence")
    for name in added:
        del older.__dict__[name]
    joblib.dump(older, tmp_path / "model.joblib", compress=3)
    loaded = load_bundle(tmp_path / "model.joblib")
    assert loaded.schema == BUNDLE_SCHEMA == "mien.bundle/2"
    assert (loaded.reads_features, loaded.reads_pixels) == (True, False)
    assert (loaded.threshold, loaded.scores, loaded.check, loaded.licence) == (None, {}, None, "")
    X = np.array([[0.0], [5.0]])
    np.testing.assert_array_equal(loaded.predict_proba(X), bundle.predict_proba(X))


def test_a_bundle_comes_back_as_it_was(bundle, tmp_path):
    file = tmp_path / "new" / "model.joblib"
    save_bundle(bundle, file)
    loaded = load_bundle(str(file))
    assert replace(loaded, estimator=None) == replace(bundle, estimator=None)
    assert loaded.schema == BUNDLE_SCHEMA
    X = np.array([[0.0], [5.0]])
    np.testing.assert_array_equal(loaded.predict_proba(X), bundle.predict_proba(X))
    assert [path.name for path in file.parent.iterdir()] == ["model.joblib"]


class Unpicklable:
    def __reduce__(self):
        raise RuntimeError("no")


def test_a_failed_save_leaves_the_old_file_and_nothing_else(bundle, tmp_path):
    file = tmp_path / "model.joblib"
    save_bundle(bundle, file)
    before = file.read_bytes()
    with pytest.raises(RuntimeError):
        save_bundle(replace(bundle, estimator=Unpicklable()), file)
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_cannot_be_written_is_said(bundle, tmp_path):
    (tmp_path / "file").touch()
    for target in (tmp_path / "file" / "model.joblib", tmp_path):
        with pytest.raises(MienError, match=r"cannot be written \(.+\)\. Choose another file"):
            save_bundle(bundle, target)


def check_refused(file, message):
    with pytest.raises(MienError) as caught:
        load_bundle(file)
    assert message in str(caught.value)
    assert str(file) in str(caught.value)


def test_a_missing_file(tmp_path):
    check_refused(tmp_path / "model.joblib", "There is no model at")
    check_refused(tmp_path, "Make one with mien export")


@pytest.mark.parametrize("content", [b"", b"model", b"\x80\x05", b"\x89PNG\r\n\x1a\n", b"\0" * 99])
def test_a_file_of_something_else(tmp_path, content):
    file = tmp_path / "model.joblib"
    file.write_bytes(content)
    check_refused(file, "is not a model that mien export wrote (")


@pytest.mark.parametrize("compress", [0, 3])
def test_a_damaged_file_is_an_error_or_still_a_bundle(bundle, tmp_path, compress):
    file = tmp_path / "model.joblib"
    joblib.dump(bundle, file, compress=compress)
    whole = file.read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(150):
        damaged = np.frombuffer(whole, np.uint8).copy()
        damaged[rng.integers(len(damaged), size=rng.integers(1, 10))] = rng.integers(256)
        length = len(damaged) if rng.random() < 0.5 else rng.integers(len(damaged))
        file.write_bytes(damaged[:length].tobytes())
        try:
            assert isinstance(load_bundle(file), Bundle)
        except MienError:
            refused += 1
        except Warning:  # of scikit-learn, when its version's digits were hit
            pass
    assert refused > 75


def test_another_pickle(tmp_path):
    file = tmp_path / "model.joblib"
    joblib.dump({"estimator": 1}, file)
    check_refused(file, "holds dict, not a model that mien export wrote")
    file.write_bytes(pickle.dumps(LogisticRegression()))
    check_refused(file, "holds LogisticRegression")


def test_another_schema(bundle, tmp_path):
    file = tmp_path / "model.joblib"
    save_bundle(replace(bundle, schema="mien.bundle/3"), file)
    check_refused(file, "of schema 'mien.bundle/3', which is newer; this release reads")
    check_refused(file, "Install the release that made it (mien 0.0.9)")
    joblib.dump(replace(bundle, schema="something"), file)
    check_refused(file, "is a model of schema 'something'; this release reads 'mien.bundle/2'")


def test_another_version_of_a_family(bundle, tmp_path):
    file = tmp_path / "model.joblib"
    save_bundle(replace(bundle, families={"geometry": 99}, versions={}), file)
    check_refused(file, "was fitted on geometry of version 99; this release computes version ")
    check_refused(file, "(mien unknown)")


def test_an_unknown_family(bundle, tmp_path):
    file = tmp_path / "model.joblib"
    save_bundle(replace(bundle, families={"gabor": 1}), file)
    check_refused(file, "reads the feature family 'gabor', which is not known here")
    check_refused(file, "mien --plugin FILE predict")


def test_other_alignment(bundle, tmp_path):
    file = tmp_path / "model.joblib"
    save_bundle(replace(bundle, alignment={"eyes_and_mouth": [[0.2, 0.2]]}), file)
    check_refused(file, "was fitted on faces aligned otherwise")


def test_it_abstains_where_the_highest_probability_is_below_the_threshold(bundle):
    probabilities = np.array([[0.5, 0.3, 0.2], [0.49, 0.48, 0.03], [0.1, 0.1, 0.8]])
    unsure = replace(bundle, threshold=0.5).abstains(probabilities)
    assert unsure.tolist() == [False, True, False]
    assert not bundle.abstains(probabilities).any()
