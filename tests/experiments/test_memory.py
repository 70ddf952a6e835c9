import pytest

from mien.errors import MienError
from mien.experiments import memory as module
from mien.experiments.memory import (
    default_memory,
    estimate_fit,
    format_memory,
    parse_bytes,
    plan_landmarks,
    rows_for_trials,
)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("8GB", 8 * 10**9), ("500MB", 5 * 10**8), ("1.5 gb", 15 * 10**8), ("2T", 2 * 10**12),
        ("64k", 64_000), ("1000", 1000),
    ],
)  # fmt: skip
def test_amounts_are_read(text, size):
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "GB", "8XB", "-1GB", "0GB", "8 GB RAM", "nan", "1e3GB"])
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(MienError, match="--memory must be an amount above 0"):
        parse_bytes(text)
    with pytest.raises(MienError, match="--max-size must be an amount above 0"):
        parse_bytes(text, "--max-size")


def test_amounts_are_written():
    assert [format_memory(size) for size in (8 * 10**9, 123_456_789, 5)] == [
        "8 GB", "123 MB", "5 bytes",
    ]  # fmt: skip


def test_the_default_is_a_share_of_the_machines_memory(monkeypatch):
    assert 10**8 < default_memory() < 10**14

    def fail(_):
        raise ValueError

    monkeypatch.setattr(module.os, "sysconf", fail)
    assert default_memory() == 4 * 10**9


def test_estimates_by_hand():
    blocks = 5 * 4 * 2048 * 10_000
    assert estimate_fit(10_000, 0, "least-squares") == 4 * 10**8 + blocks
    assert estimate_fit(10_000, 0, "libsvm") == 8 * 10**8 + 4 * 10**8 + blocks
    assert estimate_fit(100, 10, "least-squares") == 40_000 + 200_000 + 12 * 1000


def test_a_matrix_that_fits_is_not_approximated():
    needed = estimate_fit(5000, 100, "libsvm")
    assert plan_landmarks(5000, 100, "libsvm", needed) == 0
    landmarks = plan_landmarks(5000, 100, "libsvm", needed - 1)
    assert 50 <= landmarks <= 2000


def test_less_memory_gives_fewer_landmarks_until_there_is_no_room():
    found = [plan_landmarks(20_000, 50, "libsvm", size) for size in (2 * 10**9, 10**9, 10**8)]
    assert found == sorted(found, reverse=True)
    assert 0 not in found
    with pytest.raises(MienError, match=r"20,000 rows of 50 columns do not fit into 10 MB. Raise"):
        plan_landmarks(20_000, 50, "libsvm", 10**7)


def test_rows_for_trials_fill_the_memory():
    for columns in (10, 5000):
        rows = rows_for_trials(columns, 10**9)
        assert 24 * rows**2 + 12 * columns * rows <= 10**9
        assert 24 * (rows + 1) ** 2 + 12 * columns * (rows + 1) > 10**9
