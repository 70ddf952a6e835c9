import numpy as np
import pytest

from mien.models.cnn import augmentation as module
from mien.models.cnn.augmentation import Augmentation
from mien.models.cnn.runtime import load_keras

load_keras()
RNG = np.random.default_rng(0)
PICTURES = RNG.integers(0, 256, (6, 48, 48, 1), dtype=np.uint8)


def apply(augmentation, pictures=PICTURES, seed=(0, 0)):
    import tensorflow as tf

    return augmentation.apply(tf.constant(pictures), tf.constant(seed, tf.int32)).numpy()


@pytest.fixture
def place(monkeypatch):
    """Give each drawing place a position between its bounds, 0 to 1; the middle by default."""

    def fix(**positions):
        import tensorflow as tf

        names = {"angle": 0, "scale": 1, "across": 2, "down": 3}
        chosen = {names[name]: value for name, value in positions.items()}

        class Fixed:
            def __init__(self, _seed, n):
                self.n = n

            def __call__(self, place, low, high):
                value = low + chosen.get(place, 0.5) * (high - low)
                return tf.fill((self.n,), tf.constant(value, tf.float32))

        monkeypatch.setattr(module, "_Draws", Fixed)

    return fix


def test_nothing_asked_is_nothing_changed():
    assert np.array_equal(apply(Augmentation()), PICTURES)


def test_flip_mirrors_left_and_right():
    assert np.array_equal(apply(Augmentation(flip=1.0)), PICTURES[:, :, ::-1])


def test_half_of_many_pictures_are_mirrored():
    many = np.repeat(PICTURES[:1], 400, axis=0)

    mirrored = (apply(Augmentation(flip=0.5), many) == many[:, :, ::-1]).all(axis=(1, 2, 3))
    assert 150 < mirrored.sum() < 250


def test_a_shift_moves_the_picture_and_repeats_its_border(place):
    place(across=1.0, down=0.0)  # the picture is read 3 to the right and 3 higher
    moved = apply(Augmentation(shift=3.0))

    assert np.array_equal(moved[:, 3:, :-3], PICTURES[:, :-3, 3:])
    assert np.array_equal(moved[:, 10, -3:], np.repeat(PICTURES[:, 7, -1:], 3, axis=1))
    assert np.array_equal(moved[:, :3, 10], np.repeat(PICTURES[:, :1, 13], 3, axis=1))


def test_a_rotation_turns_about_the_centre(place):
    place(angle=1.0)

    turned = apply(Augmentation(rotation=90.0)).astype(int)
    assert np.abs(turned - np.rot90(PICTURES, axes=(1, 2)).astype(int)).max() <= 1


def test_a_zoom_keeps_the_centre_and_halves_distances(place):
    place(scale=0.0)  # read at half the distance from the centre: twice as large
    pictures = np.zeros((1, 48, 48, 1), np.uint8)
    pictures[0, 20:28, 20:28] = 200

    large = apply(Augmentation(zoom=1.0 - 1e-9), pictures)[0, :, :, 0]
    assert (large > 100).sum() == 16 * 16
    assert large[16:32, 16:32].min() > 100


def test_erasing_paints_one_rectangle_of_bounded_size_with_one_grey():
    blank = np.full((300, 48, 48, 1), 77, np.uint8)
    painted = apply(Augmentation(erasing=1.0), blank)[..., 0]

    for picture in painted:
        changed = picture != 77
        rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
        assert changed.sum() == len(rows) * len(columns) <= 20 * 20
        assert len(np.unique(picture[changed])) <= 1
    assert len(np.unique(painted)) > 100


def test_erasing_half_the_time():
    blank = np.full((400, 48, 48, 1), 77, np.uint8)
    painted = (apply(Augmentation(erasing=0.5), blank) != 77).any(axis=(1, 2, 3))
    assert 150 < painted.sum() < 250


def test_pictures_of_a_batch_are_changed_each_in_its_own_way():
    same = np.repeat(PICTURES[:1], 8, axis=0)
    changed = apply(Augmentation(shift=4.0, rotation=10.0), same)
    assert len({picture.tobytes() for picture in changed}) == 8
    assert not np.array_equal(changed, apply(Augmentation(shift=4.0, rotation=10.0), same, (0, 1)))
