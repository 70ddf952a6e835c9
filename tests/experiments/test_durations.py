import pytest

from mien.errors import MienError
from mien.experiments.durations import parse_duration, tell_time_left


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("45m", 2700),
        ("2h", 7200),
        ("1h30m", 5400),
        ("1h 30m 5s", 5405),
        (" 1.5H ", 5400),
        ("1h5s", 3605),
        ("0h1m", 60),
    ],
)
def test_durations_are_read_as_seconds(text, seconds):
    assert parse_duration(text) == seconds
    assert isinstance(parse_duration(text), float)


@pytest.mark.parametrize(
    "text",
    ["90", "", " ", "0s", "0h0m", "-5m", "m", "5 days", "30m1h", "1m2m", "1h30", "infs", "5min"],
)
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(MienError, match=r"must be a duration above 0 with its unit") as caught:
        parse_duration(text)
    assert repr(text) in caught.value.message
    assert "90s, 45m" in caught.value.hint


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (float("nan"), ""),
        (-1, ""),
        (0, "less than a minute left"),
        (44, "less than a minute left"),
        (45, "about 1 minute left"),
        (720, "about 12 minutes left"),
        (3600, "about 1 hour left"),
        (3660, "about 1 hour 1 minute left"),
        (9000, "about 2 hours 30 minutes left"),
        (36_000, "about 10 hours left"),
        (5_400_000, "about 1,500 hours left"),
    ],
)
def test_time_left_is_told_in_words(seconds, told):
    assert tell_time_left(seconds) == told
