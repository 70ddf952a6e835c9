import pytest

from mien.errors import MienError
from mien.experiments.time_budget import set_time_budget


def test_every_network_has_it_and_nothing_else_changes():
    given = {"svm-rbf": {"C": 1.0}, "cnn": {"epochs": 3, "time_budget": 60.0}}
    models = ("svm-rbf", "cnn", "cnn-modern")
    assert set_time_budget(given, "1h30m", models=models, assigned={}) == {
        "svm-rbf": {"C": 1.0},
        "cnn": {"epochs": 3, "time_budget": 5400.0},
        "cnn-modern": {"time_budget": 5400.0},
    }
    assert given["cnn"]["time_budget"] == 60.0


def test_a_fusions_network_has_it():
    given = {"fusion": {"cnn": "cnn-modern"}, "cnn-modern": {"epochs": 3}}
    assert set_time_budget(given, "90s", models=("fusion",), assigned={}) == {
        "fusion": {"cnn": "cnn-modern"},
        "cnn-modern": {"epochs": 3, "time_budget": 90.0},
    }


def test_without_one_parameters_stay():
    given = {"svm-rbf": {"C": 1.0}}
    assert set_time_budget(given, None, models=("svm-rbf",), assigned={}) == given


@pytest.mark.parametrize(
    ("budget", "models", "assigned", "message"),
    [
        ("45", ("cnn",), {}, "with its unit"),
        ("45m", ("svm-rbf", "svm-poly"), {}, "svm-rbf, svm-poly is none"),
        ("45m", (), {}, "nothing is none"),
        ("45m", ("cnn",), {"cnn": {"time_budget": 5.0}}, "of cnn is given by --time-budget and"),
        ("45m", ("forest",), {}, "no model 'forest'"),
    ],
)
def test_what_cannot_be_is_refused(budget, models, assigned, message):
    with pytest.raises(MienError) as caught:
        set_time_budget({}, budget, models=models, assigned=assigned)
    assert message in str(caught.value)
