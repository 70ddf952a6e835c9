import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.errors import MienError
from mien.experiments import abstaining
from mien.experiments.abstaining import choose_threshold, describe_threshold


def make(highest, right):
    """Predictions of two classes with these highest probabilities; all are truly of class 0."""
    own = np.asarray(highest)
    first = np.where(right, own, 1 - own)
    return np.stack([first, 1 - first], axis=1), np.zeros(len(own), dtype=int)


def test_what_a_threshold_keeps():
    told = describe_threshold(*make([0.6, 0.7, 0.8, 0.9], [False, True, False, True]), 0.7)
    assert told == {"threshold": 0.7, "rows": 4, "kept": 3, "coverage": 0.75, "accuracy": 2 / 3}
    told = describe_threshold(*make([0.6, 0.7], [True, True]), 0.95)
    assert (told["kept"], told["coverage"], told["accuracy"]) == (0, 0.0, None)


def test_the_smallest_threshold_is_chosen(monkeypatch):
    monkeypatch.setattr(abstaining, "FEWEST_KEPT", 1)
    told = make([0.55, 0.6, 0.7, 0.8, 0.9], [False, True, False, True, True])
    assert choose_threshold(*told, 0.6) == 0
    assert choose_threshold(*told, 0.75) == 0.5501
    assert choose_threshold(*told, 0.9) == 0.7001
    assert choose_threshold(*told, 1.0) == 0.7001


def test_equally_sure_rows_stay_together(monkeypatch):
    monkeypatch.setattr(abstaining, "FEWEST_KEPT", 1)
    told = make([0.7, 0.7, 0.9], [False, True, True])
    assert choose_threshold(*told, 0.6) == 0
    assert choose_threshold(*told, 0.9) == 0.7001


def test_what_cannot_be_reached_is_said():
    rng = np.random.default_rng(0)
    told = make(rng.uniform(0.5, 1, 200), np.arange(200) % 2 == 0)
    with pytest.raises(MienError, match=r"No threshold makes 99\.0% .+ right: at most \d\d\.\d%"):
        choose_threshold(*told, 0.99)
    with pytest.raises(MienError, match="needs at least 30 held-out predictions; there are 20"):
        choose_threshold(told[0][:20], told[1][:20], 0.1)


@given(st.integers(0, 10_000), st.floats(0.3, 1.0))
def test_a_chosen_threshold_keeps_its_promise_and_no_smaller_one_does(seed, target):
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.full(3, 0.5), 80)
    true = np.where(
        rng.random(80) < probabilities.max(axis=1), probabilities.argmax(axis=1), rng.integers(3)
    )
    try:
        threshold = choose_threshold(probabilities, true, target)
    except MienError:
        threshold = 1.1
    else:
        assert describe_threshold(probabilities, true, threshold)["accuracy"] >= target
    for smaller in np.arange(0, min(threshold, 1) - 1e-9, 0.01):
        told = describe_threshold(probabilities, true, smaller)
        assert told["kept"] < 30 or told["accuracy"] < target
