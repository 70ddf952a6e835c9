import numpy as np
import pytest

from mien.models.cnn.validation import split_validation


def test_each_class_gives_its_share_and_no_row_is_lost():
    y = np.repeat([0, 1, 2], [50, 20, 10])

    training, validation = split_validation(y, fraction=0.2, seed=3)

    assert np.bincount(y[validation]).tolist() == [10, 4, 2]
    assert sorted([*training, *validation]) == list(range(80))


def test_a_single_row_of_a_class_stays_in_training():
    y = np.array([0, 0, 0, 0, 0, 1])

    training, validation = split_validation(y, fraction=0.2)

    assert 5 in training
    assert len(validation) == 1


def test_the_seed_decides():
    y = np.repeat([0, 1], 50)

    first, second, other = (split_validation(y, fraction=0.2, seed=seed)[1] for seed in (1, 1, 2))

    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_no_group_is_on_both_sides_and_classes_keep_their_share():
    y = np.tile([0, 0, 1], 40)
    groups = np.repeat(np.arange(20), 6)

    training, validation = split_validation(y, fraction=0.2, groups=groups, seed=5)

    assert not set(groups[training]) & set(groups[validation])
    assert np.bincount(y[validation]).tolist() == [16, 8]
    assert len(training) + len(validation) == 120


@pytest.mark.parametrize("seed", range(10))
def test_a_class_of_one_group_is_left_for_training(seed):
    y = np.array([0, 1] * 20 + [2] * 5)
    groups = np.array([*np.repeat(np.arange(10), 4), *[10] * 5])

    training, validation = split_validation(y, fraction=0.2, groups=groups, seed=seed)

    assert set(y[training]) == {0, 1, 2}
    assert len(validation)


@pytest.mark.parametrize(
    ("y", "groups", "message"),
    [
        ([0, 1, 2], None, "at least two pictures"),
        ([0, 0, 1, 1], [7, 7, 7, 7], "two groups"),
        ([0, 0, 1, 1], [7, 7, 8, 8], "Expected each class in at least two groups"),
        ([0, 1, 2], [7, 8, 9], "at least two pictures"),
    ],
)
def test_too_little_to_split_is_said(y, groups, message):
    with pytest.raises(ValueError, match=message):
        split_validation(
            np.array(y), fraction=0.2, groups=None if groups is None else np.array(groups)
        )


@pytest.mark.parametrize("seed", range(5))
def test_singles_and_pairs_of_twins_meet_the_share_of_each_class(seed):
    rng = np.random.default_rng(seed)
    y = rng.choice(7, 3000, p=[0.14, 0.02, 0.14, 0.25, 0.17, 0.11, 0.17])
    groups = np.arange(3000)
    groups[:400] = rng.integers(2400, 3000, 400)  # twins, with other labels too

    training, validation = split_validation(y, fraction=0.1, groups=groups, seed=seed)

    assert not set(groups[training]) & set(groups[validation])
    assert sorted([*training, *validation]) == list(range(3000))
    held, wanted = np.bincount(y[validation], minlength=7), 0.1 * np.bincount(y)
    assert np.abs(held - wanted).max() <= 1
    shared = np.isin(groups, groups[:400])
    assert 0.5 < shared[validation].mean() / shared.mean() < 1.5


@pytest.mark.parametrize("seed", range(5))
def test_persons_of_different_size_meet_the_shares_closely(seed):
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(60), rng.integers(4, 12, 60))
    y = rng.integers(0, 3, len(groups))

    training, validation = split_validation(y, fraction=0.2, groups=groups, seed=seed)

    assert not set(groups[training]) & set(groups[validation])
    shares = np.bincount(y[validation]) / np.bincount(y)
    assert np.abs(shares - 0.2).max() < 0.04


def test_a_group_is_taken_even_where_every_one_is_larger_than_the_share():
    y = np.tile([0, 1], 20)
    groups = np.repeat([4, 5], 20)

    training, validation = split_validation(y, fraction=0.1, groups=groups)

    assert len(training) == len(validation) == 20


def test_the_seed_decides_between_groups():
    y, groups = np.tile([0, 1], 100), np.repeat(np.arange(50), 4)

    first, second, other = (
        split_validation(y, fraction=0.2, groups=groups, seed=seed)[1] for seed in (1, 1, 2)
    )

    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)
