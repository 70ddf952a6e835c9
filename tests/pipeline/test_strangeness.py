import numpy as np
import pytest

from mien.pipeline.strangeness import MIN_FACES, compute_strangeness


@pytest.fixture(scope="module")
def many(crops):
    rng = np.random.default_rng(0)
    chosen = rng.integers(0, len(crops), MIN_FACES)
    noise = rng.normal(0, 6, (MIN_FACES, 48, 48))
    return np.clip(crops[chosen] + noise, 0, 255).astype(np.uint8)


def test_a_face_unlike_the_others_is_strange(many):
    faces = many.copy()
    faces[7, 20:44, 8:40] = np.random.default_rng(1).integers(0, 255, (24, 32))
    strangeness = compute_strangeness(faces, np.ones(len(faces), dtype=bool))
    assert strangeness.argmax() == 7
    assert strangeness[7] > 2 * np.median(strangeness)


def test_strangeness_learns_only_from_typical_faces(many):
    faces = many.copy()
    faces[::4] = np.random.default_rng(1).integers(0, 255, (48, 48))
    typical = np.arange(len(faces)) % 4 > 0
    faces = np.concatenate([faces, many])
    typical = np.concatenate([typical, np.ones(len(many), dtype=bool)])
    strangeness = compute_strangeness(faces, typical)
    assert strangeness[~typical].min() > strangeness[typical].max()


def test_too_few_faces_have_no_strangeness(many):
    typical = np.arange(len(many)) > 0
    assert np.isnan(compute_strangeness(many, typical)).all()
