"""What is written is read back by the readers of the real releases."""

import cv2
import numpy as np
import pytest
from sklearn.model_selection import GroupKFold, KFold, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier

from mien.errors import MienError
from mien.pipeline.datasets.ck_original import read_ck_landmarks
from mien.pipeline.datasets.registry import read_dataset
from mien.pipeline.rendered.ck_files import write_ck48, write_ck_original
from mien.pipeline.rendered.layouts import write_layout
from mien.pipeline.rendered.points68 import POINTS_68
from mien.pipeline.rendered.sequences import plan_sequences

PEOPLE = 2


@pytest.fixture(scope="module")
def planned():
    return {sequence.name: sequence for sequence in plan_sequences(PEOPLE, seed=5)}


@pytest.fixture(scope="module")
def ck48(bundle, tmp_path_factory):
    out = tmp_path_factory.mktemp("ck48")
    return out, write_ck48(PEOPLE, bundle, out, seed=5)


@pytest.fixture(scope="module")
def ckplus(bundle, tmp_path_factory):
    out = tmp_path_factory.mktemp("ckplus")
    return out, write_ck_original(PEOPLE, bundle, out, seed=5)


def test_ck48_is_read_back(ck48, planned):
    out, written = ck48
    faces = read_dataset(out)
    assert faces.layout == "ck48"
    assert faces.notes == ("Rendered faces, not photographs.",)
    assert len(faces) == written.pictures == 3 * len(planned)
    for row in faces.rows.itertuples():
        assert row.label == planned[row.sequence].label
        assert row.subject == planned[row.sequence].subject
    peaks = faces.rows["picture"].str[-12:-4].astype(int).groupby(faces.rows["sequence"])
    for name, numbers in peaks:
        last = planned[name].frames
        assert sorted(numbers) == [last - 2, last - 1, last]
    assert faces.pictures.read(0).shape == (48, 48)


def test_ck48_has_the_folders_of_the_release(ck48):
    folders = {path.name for path in (ck48[0] / "CK+48").iterdir()}
    assert folders == {"anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise"}


def test_peak_frames_are_nearly_but_not_quite_the_same(ck48):
    faces = read_dataset(ck48[0])
    pictures = np.stack([faces.pictures.read(i) for i in range(len(faces))]).astype(float)
    sequences = faces.rows["sequence"].to_numpy()
    apart = np.abs(pictures[:, None] - pictures[None]).mean(axis=(2, 3))
    np.fill_diagonal(apart, np.nan)
    same = sequences[:, None] == sequences[None]
    assert np.nanmin(apart) > 0
    assert np.nanmax(apart[same]) < np.nanmin(apart[~same])


def test_the_original_layout_is_read_back(ckplus, planned):
    out, written = ckplus
    assert written.pictures == sum(s.frames for s in planned.values())
    faces = read_dataset(out, neutral_first=True)
    assert faces.layout == "ck-original"
    assert len(faces) == 4 * len(planned)
    labelled = faces.rows[faces.rows["label"] != "neutral"]
    for row in labelled.itertuples():
        assert row.label == planned[row.sequence].label
        assert int(row.picture[-12:-4]) > planned[row.sequence].frames - 3
    neutral = faces.rows[faces.rows["label"] == "neutral"]
    assert neutral["picture"].str.endswith("_00000001.png").all()


def test_emotion_files_are_written_as_in_the_release(ckplus):
    texts = {path.read_text() for path in ckplus[0].glob("Emotion/S*/*/*_emotion.txt")}
    assert "   3.0000000e+00\n" in texts
    assert len(texts) == 7


def test_landmark_files_lie_on_the_face(ckplus):
    files = sorted(ckplus[0].glob("Landmarks/S*/*/*_landmarks.txt"))
    assert len(files) == ckplus[1].pictures
    for file in files[:5]:
        points = read_ck_landmarks(file)
        eyes, mouth, chin = points[36:48].mean(axis=0), points[48:60].mean(axis=0), points[8]
        assert eyes[1] < points[30, 1] < mouth[1] < chin[1]
        assert points[36, 0] < points[45, 0]
        assert points.min() > 0
        assert points.max() < 256
    picture = cv2.imread(str(next(ckplus[0].rglob("*.png"))), cv2.IMREAD_UNCHANGED)
    assert picture.shape == (256, 256)


def test_the_68_points_are_the_mirror_images_of_each_other(mesh):
    assert len(set(POINTS_68)) == 68
    mirrored = mesh.mirrored[list(POINTS_68)]
    assert set(mirrored.tolist()) == set(POINTS_68)
    jaw = list(POINTS_68[:17])
    assert mirrored[:17].tolist() == jaw[::-1]


def test_the_same_seed_writes_the_same_files(bundle, ck48, tmp_path):
    write_ck48(PEOPLE, bundle, tmp_path, seed=5)
    for path in tmp_path.rglob("*.png"):
        assert path.read_bytes() == (ck48[0] / path.relative_to(tmp_path)).read_bytes()


def test_an_unknown_layout(tmp_path):
    with pytest.raises(MienError, match="'ck'") as error:
        write_layout("ck", None, lambda: tmp_path, tmp_path)
    assert "ck48" in error.value.hint


def test_a_place_that_is_a_file(bundle, tmp_path):
    (tmp_path / "out").write_text("taken")
    with pytest.raises(MienError, match="Expected a folder"):
        write_ck48(PEOPLE, bundle, tmp_path / "out")


@pytest.mark.slow
def test_random_folds_score_above_folds_by_person(bundle, tmp_path):
    """Frames of one sequence are nearly the same: the nearest neighbour of most is among them."""
    write_ck48(12, bundle, tmp_path)
    faces = read_dataset(tmp_path)
    pixels = np.stack([faces.pictures.read(i) for i in range(len(faces))]).reshape(len(faces), -1)
    labels, persons = (faces.rows[name].to_numpy(dtype=str) for name in ("label", "subject"))
    nearest = KNeighborsClassifier(1)
    random = KFold(5, shuffle=True, random_state=0)
    known = cross_val_predict(nearest, pixels / 255, labels, cv=random)
    new = cross_val_predict(nearest, pixels / 255, labels, cv=GroupKFold(5), groups=persons)
    assert (known == labels).mean() > 0.97
    assert (new == labels).mean() < 0.8
