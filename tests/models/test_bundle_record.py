import json
from dataclasses import fields, replace

import numpy as np
import pytest

from mien.errors import MienError
from mien.models.bundle import BUNDLE_SCHEMA, Bundle
from mien.models.bundle_record import from_record, to_record


@pytest.fixture
def bundle():
    return Bundle(
        "fusion", object(), ("angry", "happy"), {"geometry": 3}, {"C": 1.0}, {"name": "litert"},
        {"rows": 6}, {"mien": "0.1.0"}, with_pixels=True, threshold=0.5,
        scores={"evaluation": {"rows": 6}}, licence="MIT",
        check={"inputs": {"pixels": np.zeros((4, 48, 48))}, "probabilities": np.ones((4, 2))},
    )  # fmt: skip


def test_a_record_is_everything_but_the_estimator_and_the_arrays(bundle):
    record = to_record(bundle)
    assert next(iter(record)) == "schema"
    assert record["schema"] == BUNDLE_SCHEMA
    assert set(record) == {own.name for own in fields(Bundle)} - {"estimator"}
    assert record["check"] == {"rows": 4}
    assert json.loads(json.dumps(record)) == record


def test_a_bundle_comes_back_from_its_record(bundle):
    record = json.loads(json.dumps(to_record(bundle))) | {"later": 1}
    assert from_record(record, bundle.estimator) == replace(bundle, check=None)


def test_what_a_record_lacks_is_said(bundle):
    record = to_record(bundle)
    del record["model"], record["versions"], record["licence"]
    with pytest.raises(MienError, match="record lacks model, versions"):
        from_record(record, None)
