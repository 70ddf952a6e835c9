"""Prediction must see what extraction saw: the same faces, crops and features."""

import os
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from sklearn.model_selection import StratifiedKFold

from mien.errors import MienError
from mien.models.bundle import Bundle
from mien.models.calibrated import CalibratedClassifier
from mien.models.fused_machine import FusedMachine
from mien.models.svm_pipeline import build_svm
from mien.pipeline import predict as predict_module
from mien.pipeline.datasets.registry import read_dataset
from mien.pipeline.extract import extract
from mien.pipeline.predict import find_pictures, predict_pictures
from mien.pipeline.rendered.export import write_rendered
from mien.pipeline.store import FeatureStore

CLASSES = ("happy", "surprise")
FAMILIES = ("patch_hog", "blendshapes")


@pytest.fixture(scope="module")
def faces(landmarker: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder a class, four people twice each."""
    folder = tmp_path_factory.mktemp("rendered") / "faces"
    write_rendered("rendered:people=4,seed=5,classes=happy+surprise", landmarker, folder)
    (folder / "landmarks.npz").unlink()
    return folder


@pytest.fixture(scope="module")
def extracted(faces: Path, landmarker: Path) -> FeatureStore:
    extract(read_dataset(str(faces)), faces.parent / "store", bundle=landmarker, workers=1)
    return FeatureStore.open(faces.parent / "store")


def make_bundle(estimator, families):
    return Bundle("svm-rbf", estimator, CLASSES, families, {}, {"name": "litert"}, {}, {})


@pytest.fixture(scope="module")
def bundle(extracted: FeatureStore) -> Bundle:
    codes = (extracted.rows["label"] == "surprise").to_numpy().astype(int)
    estimator = CalibratedClassifier(FusedMachine(build_svm("rbf", {"C": 10.0, "gamma": 1.0})))
    features = extracted.view(FAMILIES, np.arange(len(codes)))
    splits = list(StratifiedKFold(2).split(features, codes))
    return make_bundle(estimator.fit(features, codes, splits=splits), dict.fromkeys(FAMILIES, 1))


class Pixels:
    """Stands for a network: the probability of the second class is the crop's mean."""

    classes_ = np.array([0, 1])

    def predict_proba(self, X):
        assert X.dtype == np.uint8
        mean = X.mean(axis=(1, 2)) / 255
        return np.stack([1 - mean, mean], axis=1)


def predict(bundle, paths, landmarker):
    return list(predict_pictures(bundle, paths, landmarker=landmarker))


def name_of(path: Path, faces: Path) -> str:
    return path.relative_to(faces).as_posix()


def test_features_are_those_of_the_extraction(bundle, extracted, faces, landmarker):
    rows = extracted.rows
    assert (rows["reason"] == "").all()
    expected = bundle.predict_proba(extracted.view(FAMILIES, np.arange(len(rows))))
    at = {name: i for i, name in enumerate(rows["picture"])}
    pictures = find_pictures([faces])
    assert len(pictures) == len(rows) == 16
    for prediction in predict(bundle, pictures, landmarker):
        row = expected[at[name_of(Path(prediction.picture), faces)]]
        assert list(prediction.probabilities) == list(CLASSES)
        np.testing.assert_allclose(list(prediction.probabilities.values()), row, atol=1e-6)
        assert prediction.label == CLASSES[row.argmax()]
        assert prediction.reason == ""


def test_crops_are_those_of_the_extraction(extracted, faces, landmarker):
    network = make_bundle(Pixels(), {})
    means = extracted.pixels.mean(axis=(1, 2)) / 255
    at = {name: i for i, name in enumerate(extracted.rows["picture"])}
    for prediction in predict(network, find_pictures([faces]), landmarker):
        expected = means[at[name_of(Path(prediction.picture), faces)]]
        assert prediction.probabilities["surprise"] == pytest.approx(expected)


def test_a_model_that_is_not_sure_enough_gives_no_label(bundle, faces, landmarker):
    picture = find_pictures([faces])[:1]
    (sure,) = predict(bundle, picture, landmarker)
    highest = max(sure.probabilities.values())
    assert predict(replace(bundle, threshold=highest), picture, landmarker) == [sure]
    (unsure,) = predict(replace(bundle, threshold=highest + 1e-6), picture, landmarker)
    assert unsure == replace(sure, label="", reason="unsure")


@pytest.fixture
def mixed(faces: Path, tmp_path: Path) -> list[Path]:
    """A face, three pictures that give no label, and another face."""
    first, second = find_pictures([faces])[:2]
    (tmp_path / "text.txt").write_text("no picture")
    (tmp_path / "broken.png").write_bytes(first.read_bytes()[:500])
    cv2.imwrite(str(tmp_path / "blank.png"), np.full((200, 200, 3), 128, np.uint8))
    cv2.imwrite(str(tmp_path / "tiny.png"), np.zeros((8, 8), np.uint8))
    names = ("blank.png", "broken.png", "text.txt", "tiny.png")
    return [first, *(tmp_path / name for name in names), second]


@pytest.mark.parametrize("batch", [1, 2, 32])
def test_order_is_kept_and_reasons_are_given(bundle, mixed, landmarker, monkeypatch, batch):
    monkeypatch.setattr(predict_module, "_BATCH", batch)
    found = predict(bundle, mixed, landmarker)
    assert [prediction.picture for prediction in found] == [str(path) for path in mixed]
    reasons = ["", "no_face", "unreadable", "unreadable", "too_small", ""]
    assert [prediction.reason for prediction in found] == reasons
    for prediction in found:
        assert bool(prediction.label) == bool(prediction.probabilities) == (not prediction.reason)


def test_a_model_of_pixels_reads_a_picture_without_a_face(mixed, landmarker):
    found = predict(make_bundle(Pixels(), {}), mixed, landmarker)
    assert [p.reason for p in found] == ["", "", "unreadable", "unreadable", "too_small", ""]
    assert found[1].probabilities["surprise"] == pytest.approx(128 / 255)


class Both:
    """Stands for a fusion: what the SVM says, and 0.25 and 0.75 for a row without features."""

    classes_ = np.array([0, 1])

    def __init__(self, svm):
        self.svm = svm

    def predict_proba(self, X):
        features, pixels = X
        assert (pixels.dtype, pixels.shape[1:]) == (np.uint8, (48, 48))
        assert len(features) == len(pixels)
        found = np.tile([0.25, 0.75], (len(pixels), 1))
        readable = np.isfinite(features).all(axis=1)
        if readable.any():
            found[readable] = self.svm.predict_proba(features[readable])
        return found


@pytest.mark.parametrize("batch", [1, 2, 32])
def test_a_model_of_both_gets_features_where_there_is_a_face(
    bundle, mixed, landmarker, monkeypatch, batch
):
    monkeypatch.setattr(predict_module, "_BATCH", batch)
    both = replace(bundle, estimator=Both(bundle.estimator), with_pixels=True)
    found, alone = predict(both, mixed, landmarker), predict(bundle, mixed, landmarker)
    assert [p.reason for p in found] == ["", "", "unreadable", "unreadable", "too_small", ""]
    assert list(found[1].probabilities.values()) == [0.25, 0.75]
    for i in (0, 5):
        expected = list(alone[i].probabilities.values())
        np.testing.assert_allclose(list(found[i].probabilities.values()), expected, atol=1e-6)


def test_predictions_come_batch_by_batch(bundle, mixed, landmarker, monkeypatch):
    monkeypatch.setattr(predict_module, "_BATCH", 1)
    taken = []

    def paths():
        for path in mixed[:2]:
            taken.append(path)
            yield path

    predictions = predict_pictures(bundle, paths(), landmarker=landmarker)
    assert next(predictions).picture == str(mixed[0])
    assert taken == mixed[:1]
    predictions.close()


def test_no_pictures_give_no_predictions(bundle, landmarker):
    assert predict(bundle, [], landmarker) == []


def test_folders_are_searched_and_files_are_taken_as_they_are(tmp_path):
    for name in ("b/x.png", "a/y.JPG", "a/note.txt", "z.webp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = find_pictures([tmp_path / "z.webp", tmp_path, tmp_path / "a" / "note.txt"])
    names = [path.relative_to(tmp_path).as_posix() for path in found]
    assert names == ["z.webp", "a/y.JPG", "b/x.png", "z.webp", "a/note.txt"]


def test_what_cannot_be_read_in_a_folder_is_told(bundle, tmp_path, landmarker):
    (tmp_path / "link.png").symlink_to(tmp_path / "gone.png")
    (tmp_path / os.fsdecode(b"\xff.png")).touch()
    found = predict(bundle, find_pictures([tmp_path]), landmarker)
    assert {(Path(p.picture).name, p.reason) for p in found} == {
        ("link.png", "unreadable"), (r"\xff.png", "unreadable"),
    }  # fmt: skip


def test_a_missing_path_and_an_empty_folder_are_said(tmp_path):
    with pytest.raises(MienError, match="There is no file"):
        find_pictures([tmp_path / "none.png"])
    with pytest.raises(MienError, match="has no pictures"):
        find_pictures([tmp_path])
