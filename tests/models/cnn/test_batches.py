import numpy as np
import pytest

from mien.models.cnn.augmentation import Augmentation
from mien.models.cnn.batches import count_steps, make_batches
from mien.models.cnn.runtime import load_keras

load_keras()
N = 50
PICTURES = np.zeros((N, 48, 48, 1), np.uint8)
PICTURES[:, 20, 20, 0] = np.arange(N)


def draw(*, seed=0, epochs=range(1), augmentation=Augmentation(), pictures=PICTURES):  # noqa: B008
    batches = make_batches(
        pictures,
        np.arange(N, dtype=np.int32),
        np.arange(N, dtype=np.float32) / 2,
        batch_size=8,
        epochs=epochs,
        augmentation=augmentation,
        seed=seed,
    )
    return [tuple(part.numpy() for part in batch) for batch in batches]


def test_every_epoch_sees_every_row_once_with_its_label_and_weight():
    batches = draw(epochs=range(2))

    assert [len(codes) for _, codes, _ in batches] == [8, 8, 8, 8, 8, 8, 2] * 2
    assert len(batches) == 2 * count_steps(N, 8)
    for half in (batches[:7], batches[7:]):
        assert sorted(np.concatenate([codes for _, codes, _ in half])) == list(range(N))
    for pictures, codes, weights in batches:
        assert pictures[:, 20, 20, 0].tolist() == codes.tolist()
        assert weights.tolist() == (codes / 2).tolist()


def test_the_order_depends_on_seed_and_epoch_alone():
    def orders(**options):
        codes = np.concatenate([codes for _, codes, _ in draw(**options)])
        return codes.reshape(-1, N).tolist()

    first, second = orders(seed=1, epochs=range(2))
    assert first != second
    assert orders(seed=1, epochs=range(1, 2)) == [second]
    assert orders(seed=2) != [first]


def test_pictures_change_with_every_step_but_not_from_run_to_run():
    changed = {"epochs": range(1, 3), "augmentation": Augmentation(erasing=1.0)}
    once, again = draw(**changed), draw(**changed)

    assert all(np.array_equal(a[0], b[0]) for a, b in zip(once, again, strict=True))
    painted = {batch[0][0].tobytes() for batch in once}
    assert len(painted) == len(once)


def test_a_mapped_file_is_read_batch_by_batch(tmp_path):
    np.save(tmp_path / "pictures.npy", PICTURES)
    mapped = np.load(tmp_path / "pictures.npy", mmap_mode="r")

    plain, read = draw(), draw(pictures=mapped)
    assert all(np.array_equal(a[0], b[0]) for a, b in zip(plain, read, strict=True))


@pytest.mark.parametrize(("rows", "steps"), [(1, 1), (8, 1), (9, 2), (16, 2)])
def test_the_last_batch_may_be_smaller(rows, steps):
    assert count_steps(rows, 8) == steps
