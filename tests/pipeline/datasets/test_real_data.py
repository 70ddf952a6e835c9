"""The readers on real data, where there is any."""

import numpy as np
import pytest

from mien.pipeline.datasets import read_dataset
from mien.pipeline.twins import find_near_twins


@pytest.fixture
def fer2013(data_folder):
    path = data_folder / "fer2013" / "fer2013.csv.gz"
    if not path.is_file():
        pytest.skip("no fer2013.csv.gz here")
    return path


@pytest.fixture
def london(data_folder):
    path = data_folder / "london"
    if not path.is_dir():
        pytest.skip("no London set here")
    return path


def test_fer2013(fer2013):
    faces = read_dataset(fer2013)
    assert faces.layout == "fer2013-csv"
    splits = faces.rows["split"].value_counts()
    assert (splits["Training"], splits["PublicTest"]) == (28_709, 3_589)
    assert (faces.rows["reason"] == "").all()
    assert len(faces.classes) == 7
    assert faces.pictures.read(0)[0, :6].tolist() == [70, 80, 82, 72, 58, 58]
    sample = faces.take(np.arange(0, len(faces), 3000))
    assert all(sample.pictures.read(i).std() > 0 for i in range(len(sample)))


def test_london(london):
    faces = read_dataset(london)
    assert faces.layout == "class-folders"
    assert len(faces) == 204
    assert faces.classes == ("neutral", "smiling")
    assert faces.rows.groupby("subject")["label"].nunique().tolist() == [2] * 102
    assert faces.extra == ("age", "gender", "eth")
    assert faces.rows.loc[faces.rows["subject"] == "003", "age"].tolist() == ["38", "38"]
    assert faces.pictures.read(0).shape == (512, 512, 3)


def test_twins_of_fer2013(fer2013):
    faces = read_dataset(fer2013)
    crops = [faces.pictures.read(i) for i in range(len(faces))]
    assert len(crops) - len({crop.tobytes() for crop in crops}) == 1_529
    some = np.array([0, 1338, 1366, 2326, 3607, 3756, 6114, 10437, 15837])
    pairs = find_near_twins(np.stack([crops[i] for i in some]))
    assert some[pairs.rows].tolist() == [[1338, 6114], [2326, 15837], [3607, 3756]]
    assert pairs.mirrored.tolist() == [False, True, False]
