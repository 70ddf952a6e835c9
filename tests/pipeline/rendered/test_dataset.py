from __future__ import annotations

import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.errors import MienError
from mien.pipeline.faceset import ROW_COLUMNS
from mien.pipeline.labels import EXPRESSIONS
from mien.pipeline.rendered.dataset import RenderedPictures, read_rendered
from mien.pipeline.rendered.export import write_rendered
from mien.pipeline.rendered.specification import parse_specification


def test_rows(bundle: Path) -> None:
    faces = read_rendered("rendered:people=3,takes=2,size=64", bundle)
    rows = faces.rows
    assert len(faces) == 3 * 8 * 2
    assert faces.classes == EXPRESSIONS
    assert list(rows.columns) == [*ROW_COLUMNS, *faces.extra]
    assert rows.loc[0, "picture"] == "person_000/angry_1"
    assert rows.loc[47, "picture"] == "person_002/contempt_2"
    assert rows["picture"].is_unique
    assert set(rows["subject"]) == {"person_000", "person_001", "person_002"}
    assert all(isinstance(value, str) for value in rows.to_numpy().ravel())
    assert set(rows["sequence"]) == set(rows["split"]) == set(rows["reason"]) == {""}
    neutral = rows["label"] == "neutral"
    assert (rows.loc[neutral, "intensity"].astype(float) == 0).all()
    assert (rows.loc[~neutral, "intensity"].astype(float) >= 0.35).all()


def test_rows_tell_what_is_drawn(bundle: Path) -> None:
    faces = read_rendered("rendered:people=2,takes=1,size=64", bundle)
    source = faces.pictures
    assert isinstance(source, RenderedPictures)
    face = source.render(11)
    assert float(faces.rows.loc[11, "yaw"]) == pytest.approx(face.yaw, abs=1e-3)
    assert float(faces.rows.loc[11, "intensity"]) == pytest.approx(face.intensity, abs=1e-3)


def test_subset_reads_the_same_pictures_after_pickling(bundle: Path) -> None:
    whole = read_rendered("rendered:people=2,takes=1,size=64", bundle).pictures
    part = pickle.loads(pickle.dumps(whole.subset([9, 2, 5]).subset([2, 0])))
    assert np.array_equal(part.read(0), whole.read(5))
    assert np.array_equal(part.read(1), whole.read(9))


def test_fingerprint_tells_specifications_and_subsets_apart(bundle: Path) -> None:
    def mark(spec: str) -> str:
        return read_rendered(spec, bundle).pictures.fingerprint()

    assert mark("rendered") == mark("rendered:people=40,seed=0")
    others = ["rendered:seed=1", "rendered:people=39", "rendered:size=128", "rendered:noise=2"]
    assert len({mark(spec) for spec in ["rendered", *others]}) == 5
    pictures = read_rendered("rendered", bundle).pictures
    assert pictures.subset([0]).fingerprint() != pictures.subset([1]).fingerprint()


def test_reading_a_specification_that_is_wrong(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(MienError, match="unknown key"):
        read_rendered("rendered:persons=3", bundle)
    with pytest.raises(MienError, match="Expected a face landmarker bundle"):
        read_rendered("rendered", tmp_path / "missing.task")


def test_pictures_are_found_without_the_bundle_being_read() -> None:
    source = RenderedPictures("nowhere.task", parse_specification("rendered"), (0, 1))
    assert pickle.loads(pickle.dumps(source)) == source


def test_write_rendered(bundle: Path, tmp_path: Path) -> None:
    spec = "rendered:people=2,takes=2,size=64,classes=happy+neutral"
    assert write_rendered(spec, bundle, tmp_path / "out") == 8
    files = sorted(str(path.relative_to(tmp_path / "out")) for path in tmp_path.rglob("*.*"))
    assert len(files) == 9
    assert files[0] == "happy/person_000_1.png"
    assert files[4] == "landmarks.npz"
    faces = read_rendered(spec, bundle)
    picture = cv2.imread(str(tmp_path / "out" / "happy" / "person_001_2.png"))[:, :, ::-1]
    index = faces.rows["picture"].tolist().index("person_001/happy_2")
    assert np.array_equal(picture, faces.pictures.read(index))
    with np.load(tmp_path / "out" / "landmarks.npz") as truth:
        assert truth["landmarks"].shape == (8, 468, 2)
        assert truth["pictures"][index] == "happy/person_001_2.png"
        assert truth["labels"][index] == "happy"
        assert truth["subjects"][index] == "person_001"


def test_write_rendered_to_a_place_that_is_a_file(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("taken")
    with pytest.raises(MienError, match="Expected a folder"):
        write_rendered("rendered:people=1,size=64", bundle, tmp_path / "out")
