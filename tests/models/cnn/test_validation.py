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
