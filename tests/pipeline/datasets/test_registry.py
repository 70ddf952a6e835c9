import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from mien.errors import MienError
from mien.pipeline.datasets import LAYOUTS, read_dataset


def test_names():
    assert set(LAYOUTS) == {
        *("fer2013-csv", "fer2013-folders", "ck-original", "ck48", "ckextended-csv"),
        "class-folders",
    }


def test_an_unknown_layout(tmp_path):
    with pytest.raises(MienError, match=r"fer2013-csv.*class-folders.*got 'fer'"):
        read_dataset(tmp_path, layout="fer")


def refused(source):
    with pytest.raises(MienError) as caught:
        read_dataset(source)
    assert all(f"{name}: " in caught.value.hint for name in LAYOUTS)
    return caught.value.message


def test_a_path_that_is_not_there(tmp_path):
    assert "no such file or folder" in refused(tmp_path / "gone")
    assert "no such file or folder" in refused("~/surely not here")


def test_an_empty_folder(tmp_path):
    assert refused(tmp_path).endswith("found a folder with nothing in it.")


def test_a_folder_of_something_else(tmp_path):
    for name in ("a.txt", "b\n.txt", "<b>", "d", "e", "f", "g"):
        (tmp_path / name).write_text("x")
    message = refused(tmp_path)
    assert r"a folder with '<b>', 'a.txt', 'b\n.txt', 'd', 'e', 'f', … (0 pictures" in message
    assert "\n" not in message


def test_files_of_something_else(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"\x89PNG\r\n\x1a\n\0\xff")
    assert r"a file that starts with '\x89PNG\r\n\x1a\n\x00\xff'" in refused(path)
    path.write_bytes(b"")
    assert "an empty file" in refused(path)
    path.write_text("name,age\nx,1\n")
    assert "'name,age" in refused(path)


def test_archives_of_something_else(tmp_path):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("song.mp3", b"x")
    assert "a zip archive with 'song.mp3'" in refused(path)
    zipfile.ZipFile(path, "w").close()
    assert "a zip archive with nothing in it" in refused(path)


def test_an_archive_cut_short(tmp_path):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/1.jpg", b"x" * 1000)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(MienError, match="cannot be opened"):
        read_dataset(path)


@pytest.mark.parametrize("layout", ["fer2013-folders", "ck-original", "ck48", "class-folders"])
def test_a_file_for_a_layout_of_folders(tmp_path, layout):
    path = tmp_path / "x.csv"
    path.write_text("emotion,pixels,Usage\n")
    with pytest.raises(MienError, match="Expected a folder or a zip archive"):
        read_dataset(path, layout=layout)


@pytest.mark.parametrize("layout", ["fer2013-csv", "ckextended-csv"])
def test_a_folder_for_a_layout_of_a_file(write_tree, layout):
    with pytest.raises(MienError, match="one CSV file of pixels"):
        read_dataset(write_tree(["a/1.jpg", "b/2.jpg"]), layout=layout)


def test_rendered_faces_come_from_their_own_module(monkeypatch, write_tree):
    drawn = read_dataset(write_tree(["a/1.jpg", "b/2.jpg"]))
    bundle = ModuleType("bundle")
    bundle.ensure_landmarker_bundle = lambda: Path("bundle.task")
    rendered = ModuleType("rendered")
    asked = []
    rendered.read_rendered = lambda spec, path: asked.append((spec, path)) or drawn
    monkeypatch.setitem(sys.modules, "mien.pipeline.landmarker_bundle", bundle)
    monkeypatch.setitem(sys.modules, "mien.pipeline.rendered.dataset", rendered)
    assert read_dataset("rendered:people=2", classes=["b"]).rows["label"].tolist() == ["b"]
    assert asked == [("rendered:people=2", Path("bundle.task"))]
    with pytest.raises(MienError, match="no layout"):
        read_dataset("rendered:people=2", layout="ck48")


def test_choices_are_combined(write_tree):
    names = [
        f"{split}/{label}/{i}.jpg"
        for split in ("train", "test")
        for label in "abc"
        for i in "123456"
    ]
    source = write_tree(names)
    faces = read_dataset(source, split="train", classes=["A", "c"], limit=6, seed=3)
    assert len(faces) == 6
    assert faces.rows["label"].value_counts().to_dict() == {"a": 3, "c": 3}
    assert set(faces.rows["split"]) == {"train"}
    again = read_dataset(source, split="train", classes=["A", "c"], limit=6, seed=3)
    assert again.rows.equals(faces.rows)
    assert again.pictures.fingerprint() == faces.pictures.fingerprint()
