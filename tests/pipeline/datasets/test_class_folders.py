import os
import zipfile

import pytest

from mien.errors import MienError
from mien.pipeline.datasets import read_dataset, tree
from mien.pipeline.reasons import PictureError, Reason

FILES = ["neutral/001_03.jpg", "neutral/002_03.jpg", "smiling/001_08.jpg", "smiling/002_08.jpg"]
SUBJECTS = "face_id,face_age,face_gender\n001,24,female\n002,38,male\n"


def test_classes_are_folders(write_tree, in_every_form):
    source, prefix = in_every_form(write_tree(FILES))
    faces = read_dataset(source)
    assert faces.layout == "class-folders"
    assert faces.rows["picture"].tolist() == [prefix + name for name in FILES]
    assert faces.rows["label"].tolist() == ["neutral", "neutral", "smiling", "smiling"]
    assert set(faces.rows["subject"]) == {""}
    assert faces.extra == ()
    assert [int(faces.pictures.read(i).max()) for i in (1, 3)] == [1, 3]


def test_own_subjects_are_found(write_tree, in_every_form):
    source, _ = in_every_form(write_tree(dict.fromkeys(FILES) | {"subjects.csv": SUBJECTS}))
    faces = read_dataset(source)
    assert faces.rows["subject"].tolist() == ["001", "002", "001", "002"]
    assert faces.extra == ("age", "gender")
    assert faces.rows["age"].tolist() == ["24", "38", "24", "38"]
    assert faces.notes == ()
    assert (faces.rows.dtypes == "str").all()


def test_own_subjects_that_do_not_fit_are_a_note(write_tree):
    faces = read_dataset(write_tree(dict.fromkeys(FILES) | {"subjects.csv": "id,age\nx,1\n"}))
    assert set(faces.rows["subject"]) == {""}
    assert "'subjects.csv' was not used" in faces.notes[0]


def test_names_of_expressions_are_spelt_one_way(write_tree):
    faces = read_dataset(write_tree(["Happiness/a.jpg", "ANGER/b.jpg", "joy/c.jpg", "Odd/d.jpg"]))
    assert faces.classes == ("angry", "happy", "odd")
    assert faces.rows["label"].tolist() == ["angry", "happy", "odd", "happy"]


def test_pictures_deep_in_a_class_folder(write_tree):
    faces = read_dataset(write_tree(["a/x/y/1.jpg", "a/2.jpg", "b/3.jpg"]))
    assert faces.rows["label"].tolist() == ["a", "a", "b"]


def test_folders_of_splits(write_tree):
    faces = read_dataset(write_tree(["train/a/1.jpg", "Val/b/2.jpg", "test/a/3.jpg"]))
    assert faces.rows["split"].tolist() == ["val", "test", "train"]
    assert faces.rows["label"].tolist() == ["b", "a", "a"]


def test_what_is_no_picture_is_ignored_with_a_note(write_tree):
    files = dict.fromkeys(["a/1.jpg", "b/2.jpg", "loose.jpg"])
    files |= {"a/Thumbs.db": "x", "a/.DS_Store": "x", "b/notes.txt": "x", "README.md": "x"}
    files |= {"a/._1.jpg": "x"}
    faces = read_dataset(write_tree(files, folders=["empty", ".git"]))
    assert faces.rows["picture"].tolist() == ["a/1.jpg", "b/2.jpg"]
    assert faces.notes == (
        "Ignored outside class folders: 1 picture, 'loose.jpg'",
        "Ignored because not a picture: 4 files, 'a/.DS_Store', 'a/._1.jpg', 'a/Thumbs.db', …",
        "Class folders without pictures: 'empty'",
    )


def test_a_picture_that_cannot_be_decoded_keeps_its_row(write_tree):
    faces = read_dataset(write_tree({"a/1.jpg": "no picture", "b/2.jpg": None}))
    assert faces.rows["reason"].tolist() == ["", ""]
    with pytest.raises(PictureError, match="unreadable"):
        faces.pictures.read(0)


def test_any_file_name(write_tree, in_every_form):
    names = ["a b/<script>alert(1)<.png", "a b/new\nline.png", "ü/'\";--.png", "ü/日本 ☺.png"]
    source, prefix = in_every_form(write_tree(names))
    faces = read_dataset(source)
    assert faces.rows["picture"].tolist() == [prefix + name for name in names]
    assert faces.classes == ("a b", "ü")
    assert [int(faces.pictures.read(i).max()) for i in range(4)] == [0, 1, 2, 3]


def test_a_name_that_is_not_utf8(write_tree):
    folder = write_tree(FILES)
    (folder / FILES[0]).rename(os.fsdecode(os.fsencode(folder) + b"/neutral/\xff.jpg"))
    faces = read_dataset(folder)
    assert r"neutral/\xff.jpg" in faces.rows["picture"].tolist()
    assert faces.pictures.read(faces.rows["picture"].tolist().index(r"neutral/\xff.jpg")).max() == 0
    assert len(faces.pictures.fingerprint()) == 64


def test_unsafe_members_of_an_archive_keep_their_rows_and_are_not_read(write_tree, pack):
    path = pack(write_tree(dict.fromkeys(FILES) | {"subjects.csv": SUBJECTS}))
    data = zipfile.ZipFile(path).read(FILES[0])
    unsafe = ["../neutral/x.jpg", "/etc/x.jpg", "C:\\neutral\\z.jpg", "neutral/../../y.jpg"]
    with zipfile.ZipFile(path, "a") as archive:
        for name in [*unsafe, "../x.txt"]:
            archive.writestr(name, data)
    faces = read_dataset(path)
    assert faces.rows["picture"].tolist() == FILES + unsafe
    assert faces.rows["reason"].tolist() == [""] * 4 + [Reason.UNSAFE_NAME] * 4
    assert faces.rows["age"].tolist() == ["24", "38", "24", "38", "", "", "", ""]
    assert (faces.rows.dtypes == "str").all()
    assert faces.notes[0].startswith(
        "Members with an unsafe path, not read (5): '../neutral/x.jpg'"
    )
    assert faces.pictures.subset([0, 5]).read(0).max() == 0


def test_a_name_that_comes_twice_in_an_archive_is_told(write_tree, pack):
    path = pack(write_tree(FILES))
    data = zipfile.ZipFile(path).read(FILES[3])
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr(FILES[0], data)
    faces = read_dataset(path)
    assert faces.rows["picture"].tolist() == FILES
    assert faces.pictures.read(0).max() == 3
    assert faces.notes == (f"Names that come twice, of which the last was read (1): '{FILES[0]}'",)


def test_what_is_no_regular_file_keeps_its_row(write_tree):
    folder = write_tree(FILES)
    (folder / "neutral" / "nowhere.jpg").symlink_to(folder / "gone.jpg")
    (folder / "neutral" / "itself.jpg").symlink_to("itself.jpg")
    os.mkfifo(folder / "neutral" / "pipe.jpg")
    os.mkfifo(folder / "subjects.csv")
    faces = read_dataset(folder)
    for name in ("nowhere", "itself", "pipe"):
        row = faces.rows["picture"].tolist().index(f"neutral/{name}.jpg")
        with pytest.raises(PictureError, match="unreadable"):
            faces.pictures.read(row)


def test_a_subjects_file_that_is_a_bomb_is_not_used(write_tree, pack, monkeypatch):
    monkeypatch.setattr(tree, "MAX_TEXT_BYTES", 1 << 20)
    files = dict.fromkeys(FILES) | {"subjects.csv": SUBJECTS + "\n" * (1 << 20)}
    for source in (write_tree(files), pack(write_tree(files))):
        assert "was not used: it has more than 1 MB" in read_dataset(source).notes[0]


def test_linked_folders_are_followed_and_loops_are_not(write_tree, tmp_path):
    real = write_tree(FILES)
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / "calm").symlink_to(real / "neutral")
    (linked / "smiling").symlink_to(real / "smiling")
    (real / "smiling" / "loop").symlink_to(linked)
    faces = read_dataset(linked)
    assert faces.rows["label"].tolist() == ["calm", "calm", "smiling", "smiling"]
    assert faces.notes == (
        "Links to folders that are listed already, not followed (1): 'smiling/loop'",
    )


def test_one_folder_is_only_read_when_told_to(write_tree):
    folder = write_tree(["pictures/1.jpg", "pictures/2.jpg"])
    with pytest.raises(MienError, match="'pictures'"):
        read_dataset(folder)
    assert read_dataset(folder, layout="class-folders").classes == ("pictures",)
