import pytest

from mien.experiments.report import numbers


@pytest.mark.parametrize(
    ("function", "value", "expected"),
    [
        (numbers.format_count, 28709, "28,709"),
        (numbers.format_percent, 0.7243, "72.4 %"),
        (numbers.format_percent, 0.9996, "> 99.9 %"),
        (numbers.format_percent, 1.0, "100.0 %"),
        (numbers.format_points, 1.0, "100.0"),
        (numbers.format_seconds, 0.012, "12 ms"),
        (numbers.format_seconds, 1.54, "1.5 s"),
        (numbers.format_seconds, 9.96, "10 s"),
        (numbers.format_seconds, 59.7, "1 min 0 s"),
        (numbers.format_seconds, 250, "4 min 10 s"),
        (numbers.format_seconds, 7501, "2 h 5 min"),
        (numbers.format_milliseconds, 0.25, "0.25 ms"),
        (numbers.format_milliseconds, 0.999, "1.0 ms"),
        (numbers.format_milliseconds, 12.3, "12 ms"),
        (numbers.format_milliseconds, 0.0001, "< 0.01 ms"),
        (numbers.format_p_value, 2e-5, "< 0.001"),
        (numbers.format_p_value, 0.0312, "0.031"),
        (numbers.format_p_value, 0.312, "0.31"),
        (numbers.format_created, "2026-11-03T01:21:00+00:00", "3 November 2026, 01:21 UTC"),
        (numbers.format_created, "some day", "some day"),
        (numbers.format_value, 0.012345678, "0.01235"),
        (numbers.format_value, None, "none"),
        (numbers.format_value, True, "yes"),
        (numbers.format_value, [64, {"a": 1.5}], "64, a: 1.5"),
        (numbers.format_value, [], "none"),
        (numbers.join_names, ["a"], "a"),
        (numbers.join_names, ["a", "b", "c"], "a, b and c"),
    ],
)
def test_numbers_in_words(function, value, expected):
    assert function(value).replace(numbers.NBSP, " ") == expected


def test_count_takes_the_plural():
    assert numbers.count_noun(1, "fold") == "1 fold"
    assert numbers.count_noun(1200, "class", "classes") == "1,200 classes"
