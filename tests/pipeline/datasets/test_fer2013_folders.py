import pytest

from mien.errors import MienError
from mien.pipeline.datasets import read_dataset

FILES = [
    "test/angry/PrivateTest_10131363.jpg",
    "test/angry/PublicTest_20.jpg",
    "test/happy/im3.png",
    "train/angry/Training_3908.jpg",
    "train/happy/im0.png",
    "train/surprise/Training_1.jpg",
]


def test_splits_and_classes(write_tree, in_every_form):
    source, prefix = in_every_form(write_tree(FILES))
    faces = read_dataset(source)
    assert (faces.name, faces.layout) == ("FER2013", "fer2013-folders")
    assert faces.rows["picture"].tolist() == [prefix + name for name in FILES]
    assert faces.rows["split"].tolist() == [
        *("PrivateTest", "PublicTest", "test", "Training", "Training", "Training")
    ]
    assert faces.rows["label"].tolist() == [
        *("angry", "angry", "happy", "angry", "happy", "surprise")
    ]
    assert [int(faces.pictures.read(i).max()) for i in (2, 4)] == [2, 4]
    assert faces.notes == ()


def test_one_split_folder_alone(write_tree):
    faces = read_dataset(write_tree(["train/fear/a.jpg", "train/sad/b.jpg"]))
    assert faces.layout == "fer2013-folders"
    assert faces.rows["split"].tolist() == ["Training", "Training"]


def test_another_folder_keeps_its_pictures_with_a_reason(write_tree):
    faces = read_dataset(write_tree([*FILES, "train/unsure/Training_7.jpg"]))
    assert faces.layout == "fer2013-folders"
    assert faces.rows["label"].tolist()[-1] == ""
    assert faces.rows["reason"].tolist() == [""] * 6 + ["unknown_label"]


def test_other_classes_below_train_and_test_are_no_fer2013(write_tree):
    faces = read_dataset(write_tree(["train/smiling/a.jpg", "test/neutral/b.jpg"]))
    assert faces.layout == "class-folders"
    assert sorted(faces.rows["split"]) == ["test", "train"]


def test_named_but_not_there(tmp_path):
    with pytest.raises(MienError, match="folder per class"):
        read_dataset(tmp_path, layout="fer2013-folders")
