import pickle
import random
import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from mien.models.cnn.classifier import CNNClassifier


@pytest.fixture(scope="module")
def fitted(support):
    pictures, labels = support.make_pictures(120)
    return support.TinyClassifier(epochs=4).fit(pictures, labels)


def test_importing_it_does_not_load_tensorflow():
    code = (
        "import sys, mien.models.cnn.classifier, mien.models.cnn.isolated; "
        "print([name for name in ('tensorflow', 'keras') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "[]", result.stderr


def test_it_learns_what_can_be_learned(support, fitted):
    pictures, labels = support.make_pictures(60, seed=1)

    assert fitted.classes_.tolist() == ["angry", "happy", "sad"]
    assert fitted.score(pictures, labels) > 0.9
    probabilities = fitted.predict_proba(pictures)
    assert probabilities.shape == (60, 3)
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_what_it_records(fitted):
    assert set(fitted.history_) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert {len(values) for values in fitted.history_.values()} == {fitted.n_epochs_}
    assert fitted.best_epoch_ == 1 + int(np.argmin(fitted.history_["val_loss"]))
    assert fitted.n_validation_ == 24
    assert fitted.n_parameters_ == 40 + 16 + 12 * 12 * 4 * 3 + 3


def test_it_keeps_the_weights_of_the_best_epoch(support):
    pictures, labels = support.make_pictures(60)

    long = support.TinyClassifier(epochs=4, learning_rate=0.5).fit(pictures, labels)
    short = support.TinyClassifier(epochs=long.best_epoch_, learning_rate=0.5).fit(pictures, labels)

    assert long.best_epoch_ < long.n_epochs_
    assert np.allclose(long.predict_proba(pictures), short.predict_proba(pictures), atol=1e-5)


def test_validation_rows_are_not_trained_on(support, monkeypatch):
    import mien.models.cnn.classifier as module

    seen = {}

    def spy(engine, *, training, validation, **options):
        seen.update(training=training.pictures, validation=validation.pictures)
        return train(engine, training=training, validation=validation, **options)

    train = module.train
    monkeypatch.setattr(module, "train", spy)
    pictures, labels = support.make_pictures(60)
    people = np.repeat(np.arange(10), 6)
    pictures[:, 0, 0] = people  # the corner pixel tells who it is
    support.TinyClassifier(epochs=1).fit(pictures, labels, groups=people)

    sides = [set(seen[side][:, 0, 0, 0].tolist()) for side in ("training", "validation")]
    assert sides[0].isdisjoint(sides[1])
    assert sides[0] | sides[1] == set(range(10))
    assert len(sides[1]) == 2


def test_the_same_seed_gives_the_same_network_and_another_does_not(support, fitted):
    pictures, labels = support.make_pictures(120)

    same = clone(fitted).fit(pictures, labels)
    other = clone(fitted).set_params(random_state=1).fit(pictures, labels)

    expected = fitted.predict_proba(pictures)
    assert np.array_equal(same.predict_proba(pictures), expected)
    assert not np.allclose(other.predict_proba(pictures), expected, atol=1e-3)


def test_a_pickle_predicts_the_same_and_loads_tensorflow_late(support, fitted):
    pictures, _ = support.make_pictures(300, seed=2)
    expected = fitted.predict_proba(pictures)

    once = pickle.loads(pickle.dumps(fitted))
    assert once._model is None
    twice = pickle.loads(pickle.dumps(once))

    assert np.array_equal(twice.predict_proba(pictures), expected)
    assert np.array_equal(pickle.loads(pickle.dumps(twice)).predict_proba(pictures), expected)
    assert twice.history_ == fitted.history_


def test_refitting_an_unpickled_classifier_replaces_network_and_classes(support, fitted):
    pictures, labels = support.make_pictures(60, classes=(7, 3))

    again = pickle.loads(pickle.dumps(fitted)).fit(pictures, labels)
    restored = pickle.loads(pickle.dumps(again))

    assert restored.predict_proba(pictures).shape == (60, 2)
    assert restored.classes_.tolist() == [3, 7]
    assert set(restored.predict(pictures)) <= {3, 7}


def test_channel_axis_batches_and_memory_maps_do_not_matter(support, fitted, tmp_path):
    pictures, _ = support.make_pictures(300, seed=3)
    np.save(tmp_path / "pictures.npy", pictures)
    mapped = np.load(tmp_path / "pictures.npy", mmap_mode="r")
    expected = fitted.predict_proba(pictures)

    assert np.array_equal(fitted.predict_proba(mapped[..., np.newaxis]), expected)
    assert np.allclose(fitted.predict_proba(pictures[270:271]), expected[270], atol=1e-5)
    assert np.allclose(fitted.predict_proba(pictures[::-1]), expected[::-1], atol=1e-5)
    assert fitted.predict_proba(pictures[:0]).shape == (0, 3)


def test_clone_keeps_parameters_and_drops_the_fit(fitted):
    copy = clone(fitted)

    assert copy.get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        copy.predict(np.zeros((1, 48, 48), dtype=np.uint8))


def test_the_real_network_is_trained_by_default(support, capsys):
    pictures, labels = support.make_pictures(40)
    generators = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002

    classifier = CNNClassifier(epochs=1, verbose=1).fit(pictures, labels)

    assert classifier.n_parameters_ == 3_931_975 - 4 * 513
    assert classifier.model_.name == "fer2013"
    assert capsys.readouterr().out.startswith("epoch 1: loss ")
    after = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    assert after == generators, "the global generators were left changed"


@pytest.mark.parametrize(
    ("pictures", "message"),
    [
        (np.zeros((6, 48, 48)), "uint8, values 0 to 255; got float64"),
        (np.zeros((6, 64, 64), dtype=np.uint8), r"\(n, 48, 48\).*\(6, 64, 64\)"),
        (np.zeros((6, 48, 48, 3), dtype=np.uint8), r"got an array of shape \(6, 48, 48, 3\)"),
        (np.zeros((48, 48), dtype=np.uint8), r"\(48, 48\)"),
    ],
)
def test_other_pictures_are_refused(fitted, pictures, message):
    with pytest.raises(ValueError, match=message):
        CNNClassifier().fit(pictures, [0, 1] * 3)
    with pytest.raises(ValueError, match=message):
        fitted.predict(pictures)


@pytest.mark.parametrize(
    ("labels", "groups", "message"),
    [
        (["a"] * 6, None, "at least two classes; got 1"),
        (["a", "b"], None, r"one label for each of 6 pictures; got shape \(2,\)"),
        ([0.5, 1.5] * 3, None, "text or whole numbers; got float64"),
        (np.array(["a", None] * 3, dtype=object), None, "all text or all whole numbers"),
        (["a", "b"] * 3, ["x"], "one group for each of 6 pictures"),
    ],
)
def test_other_labels_are_refused(labels, groups, message):
    with pytest.raises(ValueError, match=message):
        CNNClassifier().fit(np.zeros((6, 48, 48), dtype=np.uint8), labels, groups)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [({"network": "vgg"}, "'vgg'"), ({"epochs": 0}, "epochs must be at least 1, got 0")],
)
def test_parameters_are_checked_when_fitting(parameters, message):
    with pytest.raises(ValueError, match=message):
        CNNClassifier(**parameters).fit(np.zeros((6, 48, 48), dtype=np.uint8), [0, 1] * 3)
