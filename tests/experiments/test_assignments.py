import pytest

from mien.errors import MienError
from mien.experiments.assignments import parse_assignments


def test_assignments_are_json_or_text():
    texts = ["cnn.epochs=5", "svm-rbf.C=1e2", "svm-rbf.scaler=zscore", "svm-rbf.C=0.5", "a.b= x=y"]
    assert parse_assignments(texts) == {
        "cnn": {"epochs": 5},
        "svm-rbf": {"C": 0.5, "scaler": "zscore"},
        "a": {"b": " x=y"},
    }
    assert parse_assignments([]) == {}


@pytest.mark.parametrize("text", ["", "epochs=5", "cnn.epochs", ".epochs=5", "cnn.=5", "=5"])
def test_a_text_of_another_form_is_no_assignment(text):
    with pytest.raises(MienError, match=r"--set takes MODEL\.PARAMETER=VALUE"):
        parse_assignments([text])
