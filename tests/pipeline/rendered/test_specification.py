from __future__ import annotations

import pytest

from mien.errors import MienError
from mien.pipeline.labels import EXPRESSIONS
from mien.pipeline.rendered.specification import Specification, parse_specification


@pytest.mark.parametrize("text", ["rendered", "rendered:", " rendered:people=40,seed=0 "])
def test_defaults(text: str) -> None:
    specification = parse_specification(text)
    assert specification == Specification()
    assert specification.people * len(EXPRESSIONS) * specification.takes == 640


def test_all_keys() -> None:
    parsed = parse_specification(
        "rendered: people=3, seed=7, takes=4, size=96, noise=0.5, classes=joy+neutral+anger"
    )
    assert parsed == Specification(3, 7, 4, 96, 0.5, ("angry", "happy", "neutral"))


@pytest.mark.parametrize(
    "specification", [Specification(), Specification(5, 1, 1, 64, 0.25, ("happy", "sad"))]
)
def test_text_form_parses_back(specification: Specification) -> None:
    assert parse_specification(str(specification)) == specification


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fer2013", "starts with 'rendered:'"),
        ("rendered:people", "expected key=value, got 'people'"),
        ("rendered:people=many", "people must be a whole number from 1 to 10000, got 'many'"),
        ("rendered:people=0", "got '0'"),
        ("rendered:people=2.5", "got '2.5'"),
        ("rendered:seed=-1", "seed must be a whole number from 0"),
        ("rendered:noise=nan", "noise must be a number from 0 to 3, got 'nan'"),
        ("rendered:poeple=4", "unknown key 'poeple', expected one of people, seed, takes"),
        ("rendered:seed=1,seed=2", "seed is given twice"),
        ("rendered:classes=happy+bored", "unknown class 'bored'"),
    ],
)
def test_errors_say_what_came(text: str, message: str) -> None:
    with pytest.raises(MienError) as caught:
        parse_specification(text)
    assert message in caught.value.message
    assert "Example: rendered:people=40" in caught.value.hint


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(MienError) as caught:
        parse_specification("rendered:people=0,size=1,colour=red")
    assert all(word in caught.value.message for word in ("people", "size", "colour"))
