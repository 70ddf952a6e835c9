"""scikit-learn's checks of every estimator in ``models``, which this file finds by itself."""

import importlib
import pkgutil

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import (
    check_classifiers_one_label,
    check_dataframe_column_names_consistency,
    check_estimators_nan_inf,
    check_estimators_unfitted,
    check_n_features_in_after_fitting,
    parametrize_with_checks,
)

import mien.models
from mien.models.calibrated import CalibratedClassifier
from mien.models.column_grid import ColumnGrid
from mien.models.compact_machine import CompactSVC
from mien.models.family_scaler import FamilyScaler
from mien.models.fused_machine import FusedMachine
from mien.models.least_squares import LeastSquaresSVC
from mien.models.low_rank import LandmarkRows
from mien.models.mirror_basis import BlockPCA, MirrorBasis, MirrorScaler
from mien.models.reduced_set import ReducedLeastSquaresSVC
from mien.models.svm import KernelSVC
from mien.models.svm_pipeline import build_svm

SINGLE_PRECISION = "it comes from a single-precision matrix product, whose rounding may differ"
ALWAYS_SINGLE = "the output is always float32"

NOT_CHECKED = {
    "ScoreCombiner": "fitted on the answers of two models, not on rows of features",
    "FusionClassifier": "made of fitted parts; it has no fit",
    "CNNClassifier": "reads pictures of 48 x 48 pixels, not rows of features",
}


class AnyFamily(FamilyScaler):
    """One family, as wide as the rows it is fitted on: the checks use many widths."""

    weights, level, mirror = (1.0,), True, None

    def __init__(self):
        pass

    @property
    def widths(self):
        return [self.n_features_in_]


class OfAnyWidth:
    """A mirror that swaps neighbours, of rows of any width."""

    widths = None

    def __init__(self):
        pass

    @property
    def source(self):
        column = np.arange(self.n_features_in_)
        return np.minimum(column ^ 1, len(column) - 1)

    @property
    def sign(self):
        return np.ones(self.n_features_in_, dtype=np.float32)


class AnyMirror(OfAnyWidth, MirrorBasis):
    """A mirror basis of rows of any width."""


class AnyMirrorScaler(OfAnyWidth, MirrorScaler):
    """A mirror scaler of rows of any width."""

    scaler = StandardScaler()


class AnyBlock(BlockPCA):
    """One block, as wide as the rows it is fitted on."""

    n_components, random_state = 2, 0

    def __init__(self):
        pass

    @property
    def blocks(self):
        return [(self.n_features_in_, 0)]


def find_estimators():
    """Return every estimator class that a module of ``models`` defines."""
    names = [own.name for own in pkgutil.iter_modules(mien.models.__path__)]
    names += ["cnn.classifier"]  # the only one of its folder, whose other modules load TensorFlow
    modules = [importlib.import_module(f"mien.models.{name}") for name in names]
    found = {own for module in modules for own in vars(module).values() if isinstance(own, type)}
    return {
        own
        for own in found
        if issubclass(own, BaseEstimator) and own.__module__.startswith("mien.models.")
    }


QUICK = (
    KernelSVC(),
    LeastSquaresSVC(),
    ReducedLeastSquaresSVC(),
    ColumnGrid(),
    LandmarkRows(n_rows=20),
    AnyFamily(),
    AnyMirror(),
    AnyMirrorScaler(),
    AnyBlock(),
)
LONG = (
    CompactSVC(),
    FusedMachine(build_svm("rbf", {"solver": "least-squares"})),
    CalibratedClassifier(LeastSquaresSVC()),
)


def test_every_estimator_is_checked_or_says_why_not():
    checked = {base.__name__ for own in (*QUICK, *LONG) for base in type(own).__mro__}
    found = {own.__name__ for own in find_estimators()}
    assert found - checked == set(NOT_CHECKED)


def expect(estimator):
    """Return the checks that fail, and why."""
    expected = {}
    if isinstance(estimator, (ClassifierMixin, LandmarkRows)):
        expected["check_methods_subset_invariance"] = SINGLE_PRECISION
    if isinstance(estimator, BlockPCA):
        expected["check_methods_subset_invariance"] = SINGLE_PRECISION
        expected["check_methods_sample_order_invariance"] = SINGLE_PRECISION
    if not isinstance(estimator, ClassifierMixin):
        expected["check_transformer_preserve_dtypes"] = ALWAYS_SINGLE
    return expected


@parametrize_with_checks(list(QUICK), expected_failed_checks=expect)
def test_scikit_learn_conventions(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(list(LONG), expected_failed_checks=expect)
def test_scikit_learn_conventions_of_what_takes_longer(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", LONG)
def test_the_quickest_conventions_of_what_takes_longer(estimator):
    for check in (
        check_estimators_unfitted,
        check_estimators_nan_inf,
        check_n_features_in_after_fitting,
        check_dataframe_column_names_consistency,
        check_classifiers_one_label,
    ):
        check(type(estimator).__name__, clone(estimator))
