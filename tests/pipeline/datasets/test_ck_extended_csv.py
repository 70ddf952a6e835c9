import pytest

from mien.pipeline.datasets import read_dataset
from mien.pipeline.datasets.ck_extended_csv import NO_SUBJECTS


@pytest.fixture
def text(face_text):
    lines = [f"{i},{face_text(i)},{'Training' if i else 'PrivateTest'}" for i in range(8)]
    return "emotion,pixels,Usage\n" + "\n".join(lines)


def test_recognised_by_name_and_read_in_every_form(csv_in_every_form, face_text):
    text = f"emotion,pixels,Usage\n3,{face_text(9)},Training\n"
    faces = read_dataset(csv_in_every_form(text, "ckextended.csv"))
    assert faces.layout == "ckextended-csv"
    assert faces.rows["label"].tolist() == ["happy"]
    assert faces.pictures.read(0).max() == 9


def test_recognised_by_contempt(text, csv_in_every_form):
    faces = read_dataset(csv_in_every_form(text, "faces.csv"))
    assert faces.layout == "ckextended-csv"
    assert faces.rows["label"].tolist() == [
        *("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral", "contempt")
    ]
    assert faces.rows["split"].tolist() == ["PrivateTest"] + ["Training"] * 7
    assert set(faces.rows["subject"]) == {""}
    assert faces.notes == (NO_SUBJECTS,)


@pytest.mark.parametrize("name", ["fer2013_backup.csv", "tracked.csv", "data.csv"])
def test_ck_inside_a_word_is_no_sign(name, tmp_path, face_text):
    path = tmp_path / name
    path.write_text(f"emotion,pixels,Usage\n3,{face_text()},Training\n")
    assert read_dataset(path).layout == "fer2013-csv"


@pytest.mark.parametrize("name", ["CK+.csv", "my_ck_faces.csv", "ck.csv"])
def test_ck_as_a_word_is_one(name, tmp_path, face_text):
    path = tmp_path / name
    path.write_text(f"emotion,pixels,Usage\n3,{face_text()},Training\n")
    assert read_dataset(path).layout == "ckextended-csv"


def test_one_stray_seven_leaves_fer2013_what_it_is(tmp_path, face_text):
    path = tmp_path / "faces.csv"
    lines = [f"{7 if i == 50 else i % 7},{face_text()},Training" for i in range(150)]
    path.write_text("emotion,pixels,Usage\n" + "\n".join(lines))
    faces = read_dataset(path)
    assert faces.layout == "fer2013-csv"
    assert faces.rows["reason"][50] == "unknown_label"
