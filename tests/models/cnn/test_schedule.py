import math

import pytest

from mien.models.cnn.schedule import learning_rate_at, seconds_left, share_done


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0, 0), (0.05, 1), (0.1, 2), (0.325, 1 + math.sqrt(0.5)), (0.55, 1), (1, 0), (1.5, 0)],
)
def test_cosine_rises_straight_and_falls_along_half_a_cosine(share, expected):
    rate = learning_rate_at(share, largest=2, schedule="cosine", warmup=0.1)
    assert rate == pytest.approx(expected)


def test_constant_is_constant_after_its_warmup():
    rates = [
        learning_rate_at(share, largest=2, schedule="constant", warmup=0.5)
        for share in (0.25, 0.5, 1)
    ]
    assert rates == [1, 2, 2]
    assert learning_rate_at(0, largest=2, schedule="constant", warmup=0) == 2


def test_what_ends_first_counts():
    assert share_done(steps=3, all_steps=10, seconds=1, budget=0) == 0.3
    assert share_done(steps=3, all_steps=10, seconds=1, budget=2) == 0.5
    assert share_done(steps=3, all_steps=10, seconds=1, budget=100) == 0.3
    assert share_done(steps=3, all_steps=10, seconds=9, budget=2) == 1


def test_the_rest_takes_as_long_as_the_pace_so_far():
    assert seconds_left(0.25, 10) == 30
    assert seconds_left(1, 10) == 0
    assert math.isnan(seconds_left(0, 10))
