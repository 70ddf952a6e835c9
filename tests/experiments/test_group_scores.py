import numpy as np
import pandas as pd
import pytest

from mien.experiments.group_scores import describe_groups, read_groups
from mien.experiments.person_scores import describe_persons


def test_groups_are_read_by_their_usual_names():
    rows = pd.DataFrame(
        {
            "picture": ["a", "b", "c", "d"],
            "Gender": ["female", " Male", "", "NA"],
            "age": ["24", "17", "NA", "65.5"],
            "eth": ["white", "west_asian", "unknown", "white"],
            "yaw": ["0", "0", "0", "0"],
        }
    )
    groups = read_groups(rows)
    assert list(groups) == ["sex", "age", "ethnicity"]
    assert groups["sex"].tolist() == ["female", "male", "", ""]
    assert groups["age"].tolist() == ["18–24", "under 18", "", "65 and over"]
    assert groups["ethnicity"].tolist() == ["white", "west asian", "", "white"]


@pytest.mark.parametrize(
    ("age", "band"),
    [("17.9", "under 18"), ("18", "18–24"), ("25", "25–34"), ("64", "55–64"), ("65", "65 and over"),
     ("-1", ""), ("old", ""), ("nan", ""), ("999", "")],
)  # fmt: skip
def test_ages_are_put_into_bands(age, band):
    groups = read_groups(pd.DataFrame({"age": [age, "30"]}))
    assert groups["age"].tolist() == [band, "25–34"]


def test_a_column_of_which_nothing_is_known_is_left_out():
    assert read_groups(pd.DataFrame({"sex": ["", "NA"], "picture": ["a", "b"]})) == {}


def test_groups_are_scored_by_hand():
    right = np.array([1, 1, 0, 1, 0, 0], dtype=bool)
    persons = np.array(["p", "p", "q", "q", "r", "s"])
    groups = {
        "sex": np.array(["f", "f", "f", "f", "m", ""], dtype=object),
        "age": np.array(["18–24", "under 18", "18–24", "18–24", "", ""], dtype=object),
    }
    sex, age = describe_groups(right, groups, persons=persons, units=persons)
    women, men = sex["values"]
    assert (women["value"], women["rows"], women["persons"], women["accuracy"]) == ("f", 4, 2, 0.75)
    assert (women["low"], women["high"]) == (0.5, 1.0)  # either person twice
    assert men == {
        "value": "m", "rows": 1, "persons": 1, "accuracy": 0.0, "low": None, "high": None,
    }  # fmt: skip
    assert [own["value"] for own in age["values"]] == ["under 18", "18–24"]


def test_persons_by_hand():
    right = np.array([1, 1, 0, 1, 0, 0, 1, 1, 1], dtype=bool)
    persons = np.array(["p", "p", "q", "q", "r", "r", "s", "s", ""])
    told = describe_persons(right, persons)
    assert told["persons"] == 4
    assert told["accuracy"] == {"min": 0.0, "q1": 0.375, "median": 0.75, "q3": 1.0, "max": 1.0}
    assert told["worst"] == [
        {"person": "r", "rows": 2, "accuracy": 0.0},
        {"person": "q", "rows": 2, "accuracy": 0.5},
        {"person": "p", "rows": 2, "accuracy": 1.0},
        {"person": "s", "rows": 2, "accuracy": 1.0},
    ]


def test_unknown_persons_are_not_made_up():
    assert describe_persons(np.ones(2, dtype=bool), np.array(["", ""])) is None
