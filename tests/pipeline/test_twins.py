import cv2
import numpy as np
import pytest

from mien.pipeline import twins
from mien.pipeline.twins import TWIN_SIMILARITY, TwinPairs, find_near_twins, group_twins


def recompress(crop, quality=60):
    _, data = cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)


def move(crop, *, x=0.0, y=0.0, scale=1.0):
    centre = (len(crop) - 1) / 2
    matrix = np.array([[scale, 0, centre * (1 - scale) + x], [0, scale, centre * (1 - scale) + y]])
    return cv2.warpAffine(
        crop, matrix, crop.shape, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )


COPIES = {
    "brighter": lambda crop: cv2.convertScaleAbs(crop, alpha=0.7, beta=60),
    "darker": lambda crop: cv2.convertScaleAbs(crop, alpha=0.4, beta=5),
    "gamma": lambda crop: (255 * (crop / 255) ** 1.5).astype(np.uint8),
    "recompressed": recompress,
    "shifted": lambda crop: move(crop, x=1.5, y=-1.0),
    "zoomed": lambda crop: move(crop, scale=1.05),
    "resized": lambda crop: cv2.resize(
        cv2.resize(crop, (40, 40), interpolation=cv2.INTER_AREA), crop.shape
    ),
}


def of(pairs):
    return [tuple(rows) for rows in pairs.rows.tolist()]


@pytest.mark.parametrize("kind", COPIES)
def test_a_changed_copy_is_a_twin(crops, kind):
    pixels = np.stack([crops[0], COPIES[kind](crops[0])])
    pairs = find_near_twins(pixels)
    assert of(pairs) == [(0, 1)]
    assert TWIN_SIMILARITY <= pairs.similarity[0] <= 1
    assert not pairs.mirrored[0]


@pytest.mark.parametrize("kind", COPIES)
def test_a_mirrored_copy_is_a_twin(crops, kind):
    pixels = np.stack([cv2.flip(COPIES[kind](crops[2]), 1), crops[2]])
    pairs = find_near_twins(pixels)
    assert of(pairs) == [(0, 1)]
    assert pairs.mirrored[0]


def test_equal_crops_are_twins_of_similarity_one(crops):
    pixels = np.stack([crops[0], crops[1], crops[0], crops[0]])
    pairs = find_near_twins(pixels)
    assert of(pairs) == [(0, 2), (0, 3)]
    assert pairs.similarity.tolist() == [1, 1]
    assert not pairs.mirrored.any()


def test_different_people_and_expressions_are_no_twins(crops):
    assert len(find_near_twins(crops)) == 0


def test_noise_has_no_twins():
    pixels = np.random.default_rng(0).integers(0, 256, (400, 48, 48), dtype=np.uint8)
    assert len(find_near_twins(pixels)) == 0


def test_blanks_are_twins_only_when_equal():
    pixels = np.stack([np.full((48, 48), value, np.uint8) for value in (0, 0, 90)])
    assert of(find_near_twins(pixels)) == [(0, 1)]


def test_crops_of_one_film_are_twins_only_when_equal(crops):
    pixels = np.stack([crops[0], recompress(crops[0]), crops[0], cv2.flip(crops[0], 1)])
    alike = np.array(["film", "film", "film", ""], dtype=object)
    assert of(find_near_twins(pixels, alike=alike)) == [(0, 2), (0, 3), (1, 3)]
    assert len(find_near_twins(pixels)) == 4


def test_two_crops_without_a_name_are_compared(crops):
    pixels = np.stack([crops[0], recompress(crops[0])])
    assert len(find_near_twins(pixels, alike=np.array(["", ""], dtype=object))) == 1


def test_twins_are_found_across_blocks(crops, monkeypatch):
    pixels = np.concatenate([crops, [recompress(crops[1]), cv2.flip(crops[4], 1)]])
    whole = find_near_twins(pixels)
    monkeypatch.setattr(twins, "_BLOCK", 3)
    parts = find_near_twins(pixels)
    assert of(parts) == of(whole) == [(1, 6), (4, 7)]
    assert parts.mirrored.tolist() == [False, True]


def test_many_candidates_of_a_block_are_cut_to_the_best(crops, monkeypatch):
    monkeypatch.setattr(twins, "_CANDIDATE", -2.0)
    monkeypatch.setattr(twins, "_MOST_CANDIDATES", 2)
    pixels = np.concatenate([crops, [recompress(crops[1])]])
    assert of(find_near_twins(pixels)) == [(1, 6)]


@pytest.mark.parametrize("n", [0, 1])
def test_too_few_crops_have_no_twins(crops, n):
    assert len(find_near_twins(crops[:n])) == 0


def test_groups_are_what_pairs_connect():
    pairs = TwinPairs(np.array([[1, 4], [4, 5], [2, 3]]), np.ones(3), np.zeros(3, bool))
    assert group_twins(7, pairs).tolist() == [-1, 0, 1, 1, 0, 0, -1]


def test_without_pairs_there_is_no_group():
    none = TwinPairs(np.empty((0, 2), np.int64), np.empty(0), np.empty(0, bool))
    assert group_twins(3, none).tolist() == [-1, -1, -1]
