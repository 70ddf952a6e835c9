"""For tests of models' files: small fitted SVMs of every kind, and bundles of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mien.features.registry import get_family
from mien.models.bundle import Bundle
from mien.models.bundle_check import make_check, measure_difference
from mien.models.bundle_record import to_record
from mien.models.calibrated import CalibratedClassifier, fit_logits
from mien.models.fused_machine import FusedMachine
from mien.models.svm_pipeline import build_svm
from mien.models.weighted_families import family_names


def draw_rows(families, *, n, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    width = sum(get_family(name).width for name in family_names(families))
    X = rng.normal(size=(n, width)).astype(np.float32)
    return X, (X[:, 0] + X[:, 5] > 0).astype(int) + (X[:, 2] > 0.5) * (classes > 2)


def fit_svm(kernel, given, *, classes=3, **options):
    """Calibrated on its own training rows: what is tested is the file, not the fit."""
    X, y = draw_rows(given["families"], n=90, classes=classes)
    machine = FusedMachine(build_svm(kernel, {**given, "C": 1.0}, **options)).fit(X, y)
    found = CalibratedClassifier(machine)
    found.classes_, found.coef_, found.intercept_ = fit_logits(machine.decision_function(X), y)
    found.estimator_ = machine
    return found


@pytest.fixture(scope="session")
def make_rows():
    """A function that draws rows and their classes."""
    return draw_rows


@pytest.fixture(scope="session")
def make_bundle():
    """A function that fits an SVM and makes its bundle."""

    def make(kernel="rbf", given=None, *, names=("angry", "happy", "neutral"), **options):
        given = given or {"families": "blendshapes+0.5*pose", "mirror": "average"}
        families = family_names(given["families"])
        bundle = Bundle(
            model=f"svm-{kernel}",
            estimator=fit_svm(kernel, given, **options),
            classes=tuple(names),
            families={name: get_family(name).version for name in families},
            parameters=dict(given),
            detector={"name": "litert", "version": 2, "bundle_sha256": "0" * 64},
            training={"dataset": "Münster", "rows": 90},
            versions={"mien": "0.0.9"},
            threshold=0.4,
            scores={"evaluation": None},
            licence="For research only.",
        )
        return replace(bundle, check=make_check(bundle, draw_rows(given["families"], n=9)[0]))

    return make


@pytest.fixture(scope="session")
def check_all_but_the_estimator():
    """A function that checks that a loaded bundle is the one that was written."""

    def check(loaded, written):
        assert to_record(loaded) == to_record(written)
        assert {name: own.dtype for name, own in loaded.check["inputs"].items()} == {
            "features": np.float16
        }
        expected = written.check
        np.testing.assert_array_equal(
            loaded.check["inputs"]["features"], expected["inputs"]["features"]
        )
        np.testing.assert_array_equal(loaded.check["probabilities"], expected["probabilities"])
        assert measure_difference(loaded) < 1e-4

    return check
