"""Every registered candidate is fitted inside the fold: nothing of a test row reaches a fit.

Half of the rows are fitted on, the other half is predicted. Labels are shuffled, so that no honest
model is better than chance. Then half of the test rows are poisoned: nonsense for features and
pixels, and another label. Whatever was fitted must stay as it was, to the bit, and so must the
predictions of the other test rows.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from mien.experiments.candidates import CANDIDATE_NAMES, Candidate, FusionCandidate, get_candidate
from mien.experiments.compare import compare
from mien.experiments.comparison_options import ComparisonOptions
from mien.experiments.export import fit_bundle
from mien.experiments.folds import FIT_SPLIT
from mien.experiments.row_data import RowData
from mien.models.cnn import isolated
from mien.models.cnn.archive import network_from_bytes
from mien.pipeline.store import FeatureStore, family_file

FAMILIES = ("blendshapes", "geometry")
SVM = {"families": "blendshapes+geometry", "scaler": "zscore", "pca": 8}
NETWORK = {"width": 0.25, "epochs": 2, "patience": 1, "batch_size": 16, "precision": "float32"}
PARAMETERS = {"svm": SVM, "cnn": NETWORK, "fusion": {}}
"""By kind of candidate; a new kind must be given some."""

FALSE_ALARM = 1e-4
"""Probability that an honest model's accuracy exceeds the bound by chance."""


@pytest.fixture(scope="module")
def clean(make_shared_store):
    """108 rows whose features and pixels tell a class, and labels that are another's."""
    store = make_shared_store(
        persons=12, known_persons=False, splits=(FIT_SPLIT, "PublicTest"), families=FAMILIES,
        faceless=0, damaged=0, twins=0, separation=3.0,
    )  # fmt: skip
    rows = store.rows
    rows["label"] = np.random.default_rng(1).permutation(rows["label"].to_numpy(dtype=object))
    rows.to_parquet(store.path / "rows.parquet", index=False)
    return FeatureStore.open(store.path)


@pytest.fixture(scope="module")
def poisoned_rows(clean):
    """Every other test row."""
    return np.flatnonzero(clean.rows["split"] == "PublicTest")[::2]


@pytest.fixture(scope="module")
def poisoned(clean, poisoned_rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("poisoned") / "store"
    shutil.copytree(clean.path, folder)
    rng = np.random.default_rng(2)
    for name in map(family_file, FAMILIES):
        values = np.load(folder / name)
        values[poisoned_rows] = 1e4 * rng.normal(size=values[poisoned_rows].shape) + 1e4
        np.save(folder / name, values)
    pixels = np.load(folder / "pixels.npy")
    pixels[poisoned_rows] = rng.integers(0, 256, pixels[poisoned_rows].shape)
    np.save(folder / "pixels.npy", pixels)
    rows = pd.read_parquet(folder / "rows.parquet")
    rows.loc[poisoned_rows, "label"] = [
        clean.classes[(clean.classes.index(label) + 1) % len(clean.classes)]
        for label in rows.loc[poisoned_rows, "label"]
    ]
    rows.loc[poisoned_rows, "pixels_hash"] = [f"poison{i}" for i in poisoned_rows]
    rows.to_parquet(folder / "rows.parquet", index=False)
    return FeatureStore.open(folder)


@dataclass
class Run:
    """What a comparison fitted, and what it predicted.

    Attributes
    ----------
    fitted : dict of str to list of str
        By candidate, hashes of all that was fitted of it, in the order of the fits.
    predicted : dict of str to dict of int to int
        By model, class by row.
    accuracy : dict of str to float
    parameters : dict of str to list of dict
    """

    fitted: dict = field(default_factory=dict)
    predicted: dict = field(default_factory=dict)
    accuracy: dict = field(default_factory=dict)
    parameters: dict = field(default_factory=dict)


def read_weights(network):
    """Return a network's weights; none of a stand-in."""
    content = network.__getstate__().get("_archive")
    if content is None:
        return []
    weights = network_from_bytes(content).get_weights()
    assert len(weights) > 4
    return weights


def run(store, folder, *models, given=None, **options):
    """Compare on the store's own split, and keep what was fitted."""
    built, networks = [], []
    fit = isolated.fit_predict_isolated

    def remember(build):
        def wrapped(self, *arguments, **others):
            estimator = build(self, *arguments, **others)
            built.append((self.name, estimator))
            return estimator

        return wrapped

    def fit_and_bring_back(classifier, *arguments, **others):
        result = fit(classifier, *arguments, **{**others, "return_estimator": True})
        told = [result.history, result.validation_rows, result.validation_probabilities]
        networks.append((classifier, [*told, *read_weights(result.estimator)]))
        return result

    given = given or {}
    with pytest.MonkeyPatch.context() as patch:
        for kind in (Candidate, FusionCandidate):
            patch.setattr(kind, "build", remember(kind.build))
        patch.setattr(isolated, "fit_predict_isolated", fit_and_bring_back)
        results = compare(
            RowData(store),
            ComparisonOptions(
                models=models,
                scheme="official",
                parameters={
                    name: {**PARAMETERS[get_candidate(name).kind], **given.get(name, {})}
                    for name in models
                },
                **options,
            ),
            folder,
        )
    found = Run()
    for name, estimator in built:
        states = [state for network, state in networks if network is estimator]
        assert len(states) == (get_candidate(name).kind == "cnn")
        found.fitted.setdefault(name, []).append(joblib.hash(states[0] if states else estimator))
    for name, model in results["models"].items():
        assert model["status"] == "ok", model["error"]
        (fold,) = model["folds"]
        found.predicted[name] = dict(zip(fold["indices"], fold["predicted"], strict=True))
        found.accuracy[name] = fold["scores"]["accuracy"]
        found.parameters[name] = fold["parameters"]
    return found


def check_untouched(before, after, name, poisoned_rows):
    """Refuse a model of which anything depends on the test rows that were poisoned."""
    assert before.fitted[name] == after.fitted[name], f"{name} was fitted on test rows"
    assert before.parameters[name] == after.parameters[name], f"{name} was tuned on test rows"
    others = before.predicted[name].keys() - set(poisoned_rows.tolist())
    assert len(others) == 27
    changed = [i for i in others if before.predicted[name][i] != after.predicted[name][i]]
    assert not changed, f"{name} predicts rows {changed} by other test rows"


def check_chance(found, name, store):
    """Refuse an accuracy that a model which knows nothing of the labels reaches once in 10,000.

    A prediction that does not depend on the label is right with the probability of its class, at
    most the largest class's share of the n test rows: the number of right ones is at most binomial.
    """
    labels = store.rows.loc[store.rows["split"] == "PublicTest", "label"]
    share = labels.value_counts(normalize=True).max()
    bound = binom.ppf(1 - FALSE_ALARM, len(labels), share) / len(labels)
    assert found.accuracy[name] <= bound, f"{name} knows the labels of test rows"


FURTHER_NETWORKS = ("cnn-modern", "cnn-compact")
QUICK = [name for name in CANDIDATE_NAMES if name not in FURTHER_NETWORKS]


@pytest.fixture(scope="module")
def quick_models(clean, poisoned, tmp_path_factory):
    """Every candidate but the further networks, on the clean and on the poisoned rows."""
    given = {"fusion": {"cnn": "cnn", "svm": "svm-rbf"}}
    return [
        run(store, tmp_path_factory.mktemp("out"), *QUICK, given=given)
        for store in (clean, poisoned)
    ]


@pytest.mark.parametrize("name", QUICK)
def test_nothing_that_is_fitted_depends_on_test_rows(quick_models, poisoned_rows, name):
    check_untouched(*quick_models, name, poisoned_rows)


@pytest.mark.parametrize("name", QUICK)
def test_shuffled_labels_are_predicted_no_better_than_by_chance(quick_models, clean, name):
    check_chance(quick_models[0], name, clean)


@pytest.mark.slow
@pytest.mark.parametrize("name", FURTHER_NETWORKS)
def test_further_networks_do_not_read_test_rows(clean, poisoned, poisoned_rows, tmp_path, name):
    before, after = (
        run(store, tmp_path / place, name) for place, store in (("a", clean), ("b", poisoned))
    )
    check_untouched(before, after, name, poisoned_rows)
    check_chance(before, name, clean)


VARIANTS = {
    "minmax, mirrored, least squares": {
        "scaler": "minmax", "pca": 0, "solver": "least-squares", "mirror": "average",
    },
    "families scaled by their distances": {"scaler": "none", "pca": 0},
    "one kernel a family": {"scaler": "none", "pca": 0, "combine": "kernels"},
}  # fmt: skip


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_way_to_fit_an_svm_reads_test_rows(clean, poisoned, poisoned_rows, tmp_path, variant):
    given = {"svm-rbf": VARIANTS[variant]}
    before, after = (
        run(store, tmp_path / name, "svm-rbf", given=given)
        for name, store in (("a", clean), ("b", poisoned))
    )
    check_untouched(before, after, "svm-rbf", poisoned_rows)
    check_chance(before, "svm-rbf", clean)


def test_nested_tuning_does_not_read_test_rows(clean, poisoned, poisoned_rows, tmp_path):
    before, after = (
        run(store, tmp_path / name, "svm-linear", nested=True, nested_trials=4)
        for name, store in (("a", clean), ("b", poisoned))
    )
    assert len(before.fitted["svm-linear"]) > 4
    check_untouched(before, after, "svm-linear", poisoned_rows)
    check_chance(before, "svm-linear", clean)


@pytest.mark.parametrize("inner", [1, 2])
def test_what_combines_parts_does_not_read_test_rows(
    clean, poisoned, poisoned_rows, tmp_path, fake_network, inner
):
    given = {"fusion": {"inner": inner, **{f"svm-rbf.{key}": SVM[key] for key in SVM}}}
    before, after = (
        run(store, tmp_path / name, "fusion", given=given)
        for name, store in (("a", clean), ("b", poisoned))
    )
    assert fake_network
    assert {"fusion", "svm-rbf", "cnn-compact"} == before.fitted.keys()
    for part in ("svm-rbf", "cnn-compact"):
        assert before.fitted[part] == after.fitted[part]
    check_untouched(before, after, "fusion", poisoned_rows)
    check_chance(before, "fusion", clean)


@pytest.mark.parametrize("name", ["svm-linear", "svm-poly", "svm-rbf"])
def test_calibration_of_an_exported_model_does_not_read_other_splits(clean, poisoned, name):
    fitted = [
        fit_bundle(RowData(store), name, SVM, split=FIT_SPLIT).estimator
        for store in (clean, poisoned)
    ]
    assert joblib.hash(fitted[0]) == joblib.hash(fitted[1])


class Knows(KNeighborsClassifier):
    """Fits on all rows of a store, whatever it is given."""

    def __init__(self, store):
        super().__init__(n_neighbors=1)
        self.store = store

    def fit(self, X, y):  # noqa: ARG002
        return super().fit(read_all(self.store), RowData(self.store).codes)

    def decision_function(self, X):
        return self.predict_proba(X)


def leak(monkeypatch, build):
    original = Candidate.build
    monkeypatch.setattr(
        Candidate,
        "build",
        lambda self, *arguments, **options: (
            build() if self.name == "svm-linear" else original(self, *arguments, **options)
        ),
    )


def read_all(store):
    return store.view(FAMILIES, np.arange(len(store.rows)))


def test_a_scaler_fitted_on_all_rows_is_caught(
    clean, poisoned, poisoned_rows, tmp_path, monkeypatch
):
    runs = []
    for name, store in (("a", clean), ("b", poisoned)):
        scaler = StandardScaler().fit(read_all(store))

        def build(scaler=scaler):
            return Pipeline(
                [("scaler", FunctionTransformer(scaler.transform)), ("svm", SVC(kernel="linear"))]
            )

        with monkeypatch.context() as patch:
            leak(patch, build)
            runs.append(run(store, tmp_path / name, "svm-linear"))
    with pytest.raises(AssertionError, match="svm-linear was fitted on test rows"):
        check_untouched(*runs, "svm-linear", poisoned_rows)


def test_a_model_that_knows_the_test_rows_is_caught(clean, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        leak(patch, lambda: Knows(clean))
        found = run(clean, tmp_path, "svm-linear")
    with pytest.raises(AssertionError, match="svm-linear knows the labels of test rows"):
        check_chance(found, "svm-linear", clean)
