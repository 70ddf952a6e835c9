"""A model in a program: one picture or several, in any form, with one detector."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from sklearn.model_selection import StratifiedKFold

import mien
from mien.errors import MienError
from mien.features.faces import FaceBatch
from mien.models.bundle import Bundle, save_bundle
from mien.models.calibrated import CalibratedClassifier
from mien.models.fused_machine import FusedMachine
from mien.models.svm_pipeline import build_svm
from mien.pipeline import model as model_module
from mien.pipeline.datasets.registry import read_dataset
from mien.pipeline.detector import FaceDetector
from mien.pipeline.extract import extract
from mien.pipeline.picture_inputs import read_picture
from mien.pipeline.predict import Predictor, find_pictures, predict_faces, predict_pictures
from mien.pipeline.preparation import to_grey
from mien.pipeline.rendered.export import write_rendered
from mien.pipeline.store import FeatureStore

CLASSES = ("happy", "surprise")


@pytest.fixture(scope="module")
def faces(landmarker: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two people twice each in two classes."""
    folder = tmp_path_factory.mktemp("rendered") / "faces"
    write_rendered("rendered:people=2,seed=5,classes=happy+surprise", landmarker, folder)
    return find_pictures([folder])


@pytest.fixture(scope="module")
def file(faces: list[Path], landmarker: Path) -> Path:
    """A model of these very pictures."""
    folder = faces[0].parent.parent
    extract(read_dataset(str(folder)), folder.parent / "store", bundle=landmarker, workers=1,
            families=["blendshapes"])  # fmt: skip
    store = FeatureStore.open(folder.parent / "store")
    codes = (store.rows["label"] == "surprise").to_numpy().astype(int)
    features = store.features("blendshapes")
    estimator = CalibratedClassifier(FusedMachine(build_svm("rbf", {})))
    estimator.fit(features, codes, splits=list(StratifiedKFold(2).split(features, codes)))
    training = {"rows": len(codes)}
    bundle = Bundle("svm-rbf", estimator, CLASSES, {"blendshapes": 1}, {}, {"name": "litert"},
                    training, {})  # fmt: skip
    save_bundle(bundle, folder.parent / "model.joblib")
    return folder.parent / "model.joblib"


@pytest.fixture
def model(file: Path, landmarker: Path):
    with mien.load(file, landmarker=landmarker) as opened:
        yield opened


def check_same(found, expected):
    """Compare predictions; another batch rounds otherwise."""
    for one, other in zip(found, expected, strict=True):
        assert (one.picture, one.label, one.reason) == (other.picture, other.label, other.reason)
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-6)


def test_one_picture_gives_what_the_command_gives(model, faces, landmarker):
    expected = list(predict_pictures(model.bundle, faces, landmarker=landmarker))
    check_same(model.predict(faces), expected)
    check_same([model.predict(str(faces[0]))], expected[:1])
    assert {prediction.label for prediction in expected} == set(CLASSES)


def test_every_form_of_a_face_gives_the_same(model, faces):
    path = faces[0]
    picture = read_picture(path)
    expected = model.predict(path)
    locked = picture.copy()
    locked.flags.writeable = False
    for form in (locked, path.read_bytes(), np.asfortranarray(picture), picture / 255):
        found = model.predict(form)
        assert found.picture == ""
        assert found.probabilities == expected.probabilities
        np.testing.assert_array_equal(found.landmarks.mesh, expected.landmarks.mesh)


def test_channels_are_not_taken_in_another_order(model, faces):
    bgr = cv2.imread(str(faces[0]))
    found = model.predict_proba(bgr[:, :, ::-1])
    np.testing.assert_array_equal(found, model.predict_proba(faces[0]))


def test_landmarks_are_in_pixels_of_the_picture(model, faces):
    picture = read_picture(faces[0])
    shifted = np.zeros((picture.shape[0] + 80, picture.shape[1] + 120, 3), np.uint8)
    shifted[80:, 120:] = picture
    there = model.predict(faces[0]).landmarks.mesh[:, :2]
    moved = model.predict(shifted).landmarks.mesh[:, :2]
    assert np.abs(moved - there - (120, 80)).mean() < 4
    assert there.min() > 0
    assert (there.max(axis=0) < picture.shape[1::-1]).all()


def test_landmarks_are_not_printed_or_compared(model, faces):
    found = model.predict(faces[0])
    assert "landmarks" not in repr(found)
    assert found == model.predict(faces[0])


def test_probabilities_are_rows_in_the_order_of_the_classes(model, faces):
    rows = model.predict_proba([faces[0], np.full((64, 64), 128, np.uint8), faces[-1]])
    assert rows.shape == (3, 2)
    assert np.isnan(rows[1]).all()
    np.testing.assert_allclose(rows[[0, 2]].sum(axis=1), 1)
    np.testing.assert_allclose(model.predict_proba(faces[0]), rows[0], atol=1e-6)
    assert model.predict_proba(faces[0]).tolist() == list(
        model.predict(faces[0]).probabilities.values()
    )


def test_no_pictures_give_nothing(model):
    assert model.predict([]) == []
    assert model.predict_proba([]).shape == (0, 2)


def test_a_bad_picture_has_a_reason_and_the_others_their_answers(model, faces, tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    pictures = [faces[0], tmp_path / "text.png", np.zeros((4, 4), np.uint8),
                np.full((64, 64), 128, np.uint8), np.full((64, 64), np.nan), faces[1]]  # fmt: skip
    found = model.predict(pictures)
    assert [prediction.reason for prediction in found] == [
        "", "unreadable", "too_small", "no_face", "bad_pixel_value", "",
    ]  # fmt: skip
    assert all(prediction.landmarks is None for prediction in found[1:5])


def test_a_wrong_argument_is_said(model, tmp_path):
    with pytest.raises(MienError, match="There is no file"):
        model.predict(tmp_path / "none.png")
    with pytest.raises(MienError, match="A int is no picture"):
        model.predict(5)
    with pytest.raises(MienError, match="Put the channels last"):
        model.predict(np.zeros((2, 64, 64, 3), np.uint8))


def test_the_detector_lives_between_calls(model, faces, monkeypatch):
    opened = []
    monkeypatch.setattr(
        model_module, "Predictor", lambda *own: opened.append(Predictor(*own)) or opened[-1]
    )
    first = model.predict(faces[0])
    networks = opened[0].detector._networks
    assert model.predict(faces[0]) == first
    assert opened[0].detector._networks is networks
    assert len(opened) == 1


def test_a_closed_model_opens_its_detector_again(model, faces):
    first = model.predict(faces[0])
    model.close()
    model.close()
    assert model.predict(faces[0]) == first


def test_a_model_loads_without_a_landmarker(file, faces, tmp_path):
    with mien.load(file, landmarker=tmp_path / "none.task") as model:
        assert model.classes == CLASSES
        with pytest.raises(MienError):
            model.predict(faces[0])


def test_what_a_model_says_of_itself(model):
    assert repr(model) == "Model(svm-rbf, classes=happy, surprise)"
    card = model.card
    assert next(iter(card)) == "schema"
    assert (card["model"], card["families"], card["training"]) == (
        "svm-rbf", {"blendshapes": 1}, {"rows": 8},
    )  # fmt: skip
    assert json.loads(json.dumps(card))["classes"] == list(CLASSES)


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(MienError, match="There is no model at"):
        mien.load(tmp_path / "none.joblib")


def test_known_landmarks_give_what_detection_gives(model, faces, landmarker):
    picture = read_picture(faces[0])
    with FaceDetector(landmarker) as detector:
        landmarks = detector.detect(picture)
    known = FaceBatch([to_grey(picture)], landmarks.mesh[None], landmarks.blendshapes[None])
    found = predict_faces(model.bundle, known)
    np.testing.assert_array_equal(found, model.predict_proba(faces[:1]))


def test_pictures_are_read_in_batches(model, faces, monkeypatch):
    from mien.pipeline import predict

    expected = model.predict(faces)
    monkeypatch.setattr(predict, "_BATCH", 3)
    check_same(model.predict(faces), expected)
