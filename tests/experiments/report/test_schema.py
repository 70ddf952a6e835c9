import copy
import json

import jsonschema
import numpy as np
import pytest

from mien.errors import MienError
from mien.experiments.report import SCHEMA_ID, check_results, read_results
from mien.experiments.report.schema import find_problems, read_schema, to_plain


def test_every_kind_of_results_follows_the_schema(results):
    check_results(to_plain(results))


def test_schema_uses_only_keywords_that_the_check_knows():
    known = {
        *("$schema", "$id", "$ref", "$defs", "title", "description", "type", "const", "enum"),
        *("pattern", "minimum", "maximum", "minItems", "items", "minProperties", "required"),
        *("properties", "additionalProperties", "if", "then", "else"),
    }

    def visit(rule):
        assert set(rule) <= known
        for key in ("items", "additionalProperties", "if", "then", "else"):
            if key in rule:
                visit(rule[key])
        for key in ("properties", "$defs"):
            for inner in rule.get(key, {}).values():
                visit(inner)
        if "$ref" in rule:
            assert rule["$ref"].removeprefix("#/$defs/") in read_schema()["$defs"]

    visit(read_schema())
    assert read_schema()["$id"] == SCHEMA_ID


@pytest.mark.parametrize(
    ("value", "rule", "problem"),
    [
        ("a", {"type": "integer"}, "$ should be integer, not 'a'"),
        (True, {"type": "integer"}, "$ should be integer, not True"),
        (None, {"type": ["string", "boolean"]}, "$ should be string or boolean, not None"),
        (2, {"const": 1}, "$ should be 1, not 2"),
        (2, {"enum": [1, None]}, "$ should be one of [1, None], not 2"),
        ("b", {"pattern": "^a"}, "$ should match ^a, not 'b'"),
        (-1, {"minimum": 0}, "$ should be at least 0, not -1"),
        (2.5, {"maximum": 1}, "$ should be at most 1, not 2.5"),
        ([], {"items": {}, "minItems": 1}, "$ should have at least 1 items, not 0"),
        ([1, "a"], {"items": {"type": "integer"}}, "$[1] should be integer, not 'a'"),
        ({}, {"required": ["a"]}, "$.a is missing"),
        ({}, {"minProperties": 1}, "$ should not be empty"),
        ({"a": 1}, {"properties": {"a": {"const": 2}}}, "$.a should be 2, not 1"),
        ({"a": 1}, {"additionalProperties": {"const": 2}}, "$.a should be 2, not 1"),
        (1, {"if": {"const": 1}, "then": {"const": 3}, "else": {}}, "$ should be 3, not 1"),
    ],
)
def test_each_keyword_finds_its_problem(value, rule, problem):
    assert list(find_problems(value, rule)) == [problem]


def test_all_problems_are_named_at_once(build_results):
    results = build_results()
    del results["protocol"]["honest"]
    results["models"]["cnn"]["folds"][0]["scores"]["accuracy"] = 85.0
    results["dataset"]["classes"] = "neutral"
    with pytest.raises(MienError) as caught:
        check_results(results)
    assert "$.protocol.honest is missing" in str(caught.value)
    assert "$.models.cnn.folds[0].scores.accuracy should be at most 1" in str(caught.value)
    assert "$.dataset.classes should be array" in str(caught.value)


def spoil_length(results):
    results["models"]["cnn"]["folds"][1]["predicted"].pop()


def spoil_index(results):
    results["models"]["cnn"]["folds"][1]["predicted"][0] = 2


def spoil_matrix(results):
    results["models"]["cnn"]["confusion_matrix"].pop()


def spoil_class(results):
    del results["models"]["cnn"]["classification_report"]["smiling"]


def spoil_probabilities(results):
    fold = results["models"]["cnn"]["folds"][0]
    fold["probabilities"] = [[0.5, 0.5]] * (len(fold["true"]) - 1)


def spoil_cells(results):
    results["models"]["cnn"]["cells"] = {"0,2": [1]}


def spoil_worst(results):
    face = {"row": 1, "name": "", "true": 0, "predicted": 2}
    results["models"]["cnn"]["worst"] = [face]


def spoil_pair(results):
    results["comparisons"][0]["b"] = "nobody"


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (spoil_length, r"cnn.folds\[1\] should have equally many"),
        (spoil_index, r"cnn.folds\[1\] should have class indices below 2"),
        (spoil_matrix, "confusion_matrix should have 2 rows and columns"),
        (spoil_class, "classification_report lacks the class smiling"),
        (spoil_probabilities, r"folds\[0\].probabilities should have \d+ rows of 2 classes"),
        (spoil_cells, "cnn.cells should have keys like '0,1' below 2, not '0,2'"),
        (spoil_worst, r"cnn.worst\[0\] should have class indices below 2"),
        (spoil_pair, r"comparisons\[0\].b should name a model"),
    ],
)
def test_contradictions_are_found(build_results, spoil, problem):
    results = copy.deepcopy(build_results())
    spoil(results)
    with pytest.raises(MienError, match=problem):
        check_results(results)


def test_pictures_from_elsewhere_are_refused(build_results):
    results = build_results()
    results["dataset"]["samples"][0]["picture"] = "https://example.org/face.jpg"
    with pytest.raises(MienError, match="picture should match"):
        check_results(results)


def test_plain_values_hold_no_numpy_and_no_nan():
    plain = to_plain(
        {"a": np.float32(0.5), 1: np.array([[1, 2]]), "b": float("nan"), "c": (True, None, {2})}
    )
    assert plain == {"a": 0.5, "1": [[1, 2]], "b": None, "c": [True, None, "{2}"]}
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert to_plain(np.array([1.0, np.inf])) == [1.0, None]


@pytest.mark.parametrize("content", ["{", '{"schema": "other/1"}', "[]"])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "results.json"
    path.write_text(content)
    with pytest.raises(MienError, match="Expected"):
        read_results(path)


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(MienError, match="cannot be read"):
        read_results(tmp_path / "none.json")


def test_results_of_the_first_schema_are_read(build_results, tmp_path):
    results = to_plain(build_results("official"))
    path = tmp_path / "results.json"
    path.write_text(json.dumps({**results, "schema": "mien.results/1"}))
    assert read_results(path) == results
    with pytest.raises(MienError, match="schema should be"):
        check_results({**results, "schema": "mien.results/1"})


@pytest.mark.parametrize("kind", ["seven", "failed", "complete", "complete_official"])
def test_another_validator_agrees(build_results, kind):
    results = to_plain(build_results(kind))
    jsonschema.Draft202012Validator.check_schema(read_schema())
    validator = jsonschema.Draft202012Validator(read_schema())
    assert not list(validator.iter_errors(results))
    results["models"]["svm_rbf"]["summary"]["accuracy"]["mean"] = 72.0
    results["comparisons"].append({})
    assert list(validator.iter_errors(results))
    assert list(find_problems(results, read_schema()))


@pytest.mark.parametrize(
    ("place", "key", "value"),
    [
        ("protocol", "on_leak", "ignore"),
        ("protocol", "leaks", [{"kind": "persons", "rows": -1, "left_out": 0}]),
        ("protocol", "bootstrap", {"unit": "persons"}),
        ("model", "intervals", {"accuracy": {"low": 0.5}}),
        ("model", "ranking", {"top2": 1.5}),
        ("model", "calibration", {"log_loss": 1.0}),
        ("model", "persons", {"persons": 3}),
        ("model", "groups", [{"column": "sex"}]),
        ("model", "worst", [{"row": 1}]),
        ("model", "cells", {"0,1": ["a"]}),
        ("results", "faces", {"1": "https://example.org/face.jpg"}),
        ("results", "options", {"store": "a"}),
    ],
)
def test_new_keys_are_checked(build_results, place, key, value):
    results = build_results("complete")
    holder = {
        "results": results,
        "protocol": results["protocol"],
        "model": results["models"]["svm_rbf"],
    }[place]
    holder[key] = value
    with pytest.raises(MienError, match=rf"\.{key}"):
        check_results(to_plain(results))
    holder[key] = None
    check_results(to_plain(results))
