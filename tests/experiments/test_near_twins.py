import cv2
import numpy as np
import pytest

from mien.experiments import near_twins as module
from mien.experiments.folds import make_folds
from mien.experiments.near_twins import find_copies, find_twin_pairs, keep_twin_pairs
from mien.experiments.row_data import RowData
from mien.pipeline.store import FeatureStore


@pytest.fixture
def data(make_store):
    """Row 20 is row 0 in less light, row 30 its mirror image."""
    store = make_store(known_persons=False, twins=0, faceless=0, damaged=0)
    pixels = np.random.default_rng(0).integers(0, 256, (len(store.rows), 48, 48), dtype=np.uint8)
    pixels = np.stack([cv2.GaussianBlur(picture, (0, 0), 1.5) for picture in pixels])
    pixels[20] = (pixels[0] * 0.7).astype(np.uint8)
    pixels[30] = pixels[0, :, ::-1]
    np.save(store.path / "pixels.npy", pixels)
    return RowData(FeatureStore.open(store.path))


def keep(data, folder):
    return keep_twin_pairs(data.store, np.flatnonzero(data.usable), folder)


def test_darker_and_mirrored_copies_are_found_in_the_folds_that_they_leak_into(data, tmp_path):
    folds = make_folds(data.store.rows, scheme="stratified:3", usable=data.usable)
    copies = find_copies(folds, data.store, keep(data, tmp_path))
    side = {i: fold.name for fold in folds.folds for i in fold.test}
    expected = {fold.name: [] for fold in folds.folds}
    for i in (0, 20, 30):
        if any(side[i] != side[j] for j in (0, 20, 30)):
            expected[side[i]].append(i)
    assert sum(map(len, expected.values())) >= 2
    assert {name: rows.tolist() for name, rows in copies.items()} == expected


def test_pairs_are_looked_for_once(data, tmp_path, monkeypatch):
    first = keep(data, tmp_path)
    monkeypatch.setattr(module, "find_twin_pairs", lambda *_: pytest.fail("looked again"))
    second = keep(data, tmp_path)
    assert len(first) >= 2
    assert first.mirrored.tolist().count(True) >= 1
    np.testing.assert_array_equal(first.rows, second.rows)
    np.testing.assert_allclose(first.similarity, second.similarity, atol=1e-4)
    np.testing.assert_array_equal(first.mirrored, second.mirrored)


@pytest.mark.parametrize("content", ["[[1, 2]", "[[0, 20]]", '{"rows": [[0, 20]]}'])
def test_a_damaged_file_or_an_older_one_is_made_anew(data, tmp_path, content):
    first = keep(data, tmp_path)
    (file,) = tmp_path.glob("*.json")
    file.write_text(content)
    np.testing.assert_array_equal(keep(data, tmp_path).rows, first.rows)
    assert file.read_text() != content


def test_pictures_of_one_person_are_no_near_twins(data):
    rows = np.array([0, 20, 30])
    assert len(find_twin_pairs(data.store, rows)) >= 2
    data.store.rows["subject"] = "p"
    assert len(find_twin_pairs(data.store, rows)) == 0


def test_exact_copies_by_hash_count_too(store, tmp_path):
    data = RowData(store)
    folds = make_folds(store.rows, scheme="subject:6", usable=data.usable)
    copies = find_copies(folds, store, keep(data, tmp_path))
    assert sum(map(len, copies.values())) == 2
