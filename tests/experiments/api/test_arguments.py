from pathlib import Path

import pytest

from mien.errors import MienError
from mien.experiments.api.arguments import (
    assign_parameters,
    open_data,
    tell_call,
    to_bytes,
    to_names,
)
from mien.experiments.api.tune import TunedResult


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, None),
        ("", ()),
        (" svm-rbf,cnn ,svm-rbf,, ", ("svm-rbf", "cnn")),
        (["patch_hog@crop=48", "geometry", "geometry"], ("patch_hog@crop=48", "geometry")),
    ],
)
def test_names_are_split_at_commas_and_kept_once(given, expected):
    assert to_names(given) == expected


@pytest.mark.parametrize(
    ("given", "expected"), [(None, None), (1500, 1500), ("1500", 1500), ("8GB", 8 * 10**9)]
)
def test_bytes_are_a_number_or_a_text(given, expected):
    assert to_bytes(given, "--memory") == expected


@pytest.mark.parametrize("given", [0, -1, "much", 0.5])
def test_no_bytes_are_refused(given):
    with pytest.raises(MienError, match="--memory must be an amount above 0"):
        to_bytes(given, "--memory")


def test_parameters_are_of_the_model_or_named_by_model():
    assert assign_parameters(None, "svm-rbf") == {}
    assert assign_parameters({"C": 10}, "svm-rbf") == {"svm-rbf": {"C": 10}}
    given = {"C": 0.1, "svm-rbf": {"C": 10}, "fusion": {"inner": 2}}
    assert assign_parameters(given, "fusion") == {
        "fusion": {"C": 0.1, "inner": 2},
        "svm-rbf": {"C": 10},
    }


def test_parameters_of_another_model_are_refused():
    with pytest.raises(MienError, match="--set names svm-linear, but --model is svm-rbf"):
        assign_parameters({"svm-linear": {"C": 1}}, "svm-rbf")


def test_a_store_is_itself_or_a_path(store):
    assert open_data(store, None).store is store
    assert open_data(str(store.path), None).store.manifest == store.manifest
    with pytest.raises(MienError, match="There is no feature store at"):
        open_data("nowhere", None)


def measure(store, models=None, *, out, tuned=(), seed=0, on_progress=None):
    """Stand for a job."""


def test_a_call_is_told_with_what_is_not_the_default(store):
    tuned = TunedResult("svm-rbf", {}, 0.5, 1, 0, "study", path=Path("a b.json"))
    given = {"store": store, "models": None, "out": Path("r"), "tuned": [tuned], "seed": 0}
    given["on_progress"] = print
    told = tell_call(measure, given)
    assert told == f"mien.measure({str(store.path)!r}, out='r', tuned=['a b.json'])"
    told = tell_call(measure, {**given, "models": ("cnn",), "tuned": (), "seed": 3})
    assert told == f"mien.measure({str(store.path)!r}, models=['cnn'], out='r', seed=3)"
