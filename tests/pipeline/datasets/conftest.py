"""Tiny datasets, made anew for every test."""

import gzip
import os
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

SIDE = 48


@pytest.fixture
def data_folder():
    """Real data, where there is any: MIEN_TEST_DATA, or shared/data beside the repository."""
    repository = Path(__file__).parents[3]
    given = os.environ.get("MIEN_TEST_DATA")
    folder = Path(given) if given else repository.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no real data here: set MIEN_TEST_DATA")
    return folder


@pytest.fixture
def write_picture():
    def write(path, value=0, side=SIDE):
        path.parent.mkdir(parents=True, exist_ok=True)
        done, data = cv2.imencode(path.suffix, np.full((side, side), value, np.uint8))
        assert done
        path.write_bytes(data.tobytes())

    return write


@pytest.fixture
def write_tree(tmp_path, write_picture):
    """Make files below a folder: pictures by their endings, anything else from the text."""

    def write(files, root="data", folders=()):
        base = tmp_path / root
        for name in folders:
            (base / name).mkdir(parents=True, exist_ok=True)
        for value, name in enumerate(files):
            path = base / name
            text = files[name] if isinstance(files, dict) else None
            path.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                write_picture(path, value)
            else:
                path.write_text(text, encoding="utf-8")
        return base

    return write


@pytest.fixture
def pack():
    """Pack a folder into a zip archive, with a folder around everything if asked for."""

    def pack_folder(folder, around=""):
        path = folder.with_suffix(".zip")
        with zipfile.ZipFile(path, "w") as archive:
            for file in sorted(folder.rglob("*")):
                archive.write(file, around + file.relative_to(folder).as_posix())
        return path

    return pack_folder


@pytest.fixture(params=["folder", "inner folder", "zip", "zip with a folder"])
def in_every_form(request, pack):
    """Give a folder of files in one of four forms, and the prefix that paths then have."""

    def give(folder):
        if request.param == "folder":
            return folder, ""
        if request.param == "zip":
            return pack(folder), ""
        if request.param == "zip with a folder":
            return pack(folder, "top level/"), "top level/"
        return folder.parent, f"{folder.name}/"

    return give


@pytest.fixture(params=["plain", "gz", "zip", "folder", "gz in a folder"])
def csv_in_every_form(request, tmp_path):
    """Write a CSV file in one of five forms."""

    def write(text, name="fer2013.csv"):
        data = text.encode()
        packed = gzip.compress(data) if "gz" in request.param else data
        inner = f"{name}.gz" if "gz" in request.param else name
        if "folder" in request.param:
            path = tmp_path / "folder" / inner
            path.parent.mkdir()
            path.write_bytes(packed)
            return path.parent
        if request.param == "zip":
            path = tmp_path / f"{name}.zip"
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(f"inner/{name}", data)
                archive.writestr("__MACOSX/inner/._x.csv", b"junk")
            return path
        path = tmp_path / inner
        path.write_bytes(packed)
        return path

    return write


@pytest.fixture
def face_text():
    """A face as text: all pixels the same."""

    def write(value=0, count=SIDE * SIDE):
        return " ".join([str(value)] * count)

    return write
