import io
import os
import pickle
import subprocess
import sys
from functools import partial

import numpy as np
import pytest

import mien
from mien.errors import MienError
from mien.experiments import export as export_module
from mien.experiments.candidates import get_candidate
from mien.experiments.evaluate import read_features
from mien.experiments.export import fit_bundle
from mien.experiments.row_data import RowData
from mien.features.registry import get_family
from mien.models.bundle import load_bundle, save_bundle

SVMS = ("svm-linear", "svm-poly", "svm-rbf")
SMALL = {"families": "blendshapes"}
PREDICT = """
import sys
import numpy as np
from mien.models.bundle import load_bundle

bundle = load_bundle("model.joblib")
np.save("found.npy", bundle.predict_proba(np.load("features.npy")))
"""


@pytest.fixture
def data(store):
    return RowData(store)


@pytest.mark.parametrize("name", SVMS)
def test_an_exported_svm_gives_probabilities_that_match_the_labels(data, name):
    bundle = fit_bundle(data, name, SMALL)
    features, present = read_features(data, ["blendshapes"], np.arange(54))
    found = bundle.predict_proba(features)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(found.argmax(axis=1), data.codes[:54][present])
    np.testing.assert_array_equal(bundle.estimator.predict(features), data.codes[:54][present])


def test_what_a_bundle_tells(data):
    given = {"families": "geometry+blendshapes", "C": 3}
    bundle = fit_bundle(data, "svm-rbf", given)
    manifest = data.store.manifest
    assert bundle.model == "svm-rbf"
    assert bundle.classes == ("angry", "happy", "neutral")
    versions = [(name, get_family(name).version) for name in ("geometry", "blendshapes")]
    assert list(bundle.families.items()) == versions
    assert bundle.parameters["C"] == 3.0
    assert bundle.detector["bundle_sha256"] == manifest["detector"]["bundle_sha256"]
    assert bundle.training == {
        "dataset": "Synthetic",
        "dataset_hash": manifest["dataset_hash"],
        "split": None,
        "rows": 51,
        "solver": get_candidate("svm-rbf").solver(bundle.parameters),
        "class_counts": {"angry": 15, "happy": 18, "neutral": 18},
    }
    assert bundle.versions["mien"] == mien.__version__
    assert {"numpy", "scikit-learn"} < set(bundle.versions)


def test_columns_are_in_the_order_of_the_families(data):
    bundle = fit_bundle(data, "svm-linear", {"families": "geometry+blendshapes"})
    features, _ = read_features(data, list(bundle.families), np.arange(9))
    assert features.shape[1] == 2178 + 52
    assert bundle.predict_proba(features).argmax(axis=1).tolist() == data.codes[:9].tolist()


def test_only_rows_of_the_split_are_fitted_on(make_store):
    data = RowData(make_store(splits=("Training", "PublicTest"), faceless=0))
    bundle = fit_bundle(data, "svm-rbf", SMALL, split="Training")
    assert bundle.training["split"] == "Training"
    assert bundle.training["rows"] == 27


def test_the_same_seed_gives_the_same_model(data):
    features, _ = read_features(data, ["blendshapes"], np.arange(54))
    first, second = (fit_bundle(data, "svm-rbf", {**SMALL, "pca": 8}, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.predict_proba(features), second.predict_proba(features))


def test_a_class_of_one_person_can_still_be_calibrated(make_store):
    store = make_store(faceless=0)
    rows = store.rows
    rows.loc[(rows["label"] == "happy") & (rows["subject"] != "p00"), "reason"] = "unreadable"
    data = RowData(store)
    bundle = fit_bundle(data, "svm-rbf", SMALL)
    assert bundle.training["class_counts"]["happy"] == 3
    features, _ = read_features(data, ["blendshapes"], np.arange(9))
    assert bundle.predict_proba(features).argmax(axis=1).tolist() == data.codes[:9].tolist()


def test_a_class_that_no_training_row_has_gets_no_probability(make_store):
    store = make_store(faceless=0)
    rows = store.rows
    rows.loc[rows["label"] == "happy", "reason"] = "unreadable"
    bundle = fit_bundle(RowData(store), "svm-rbf", SMALL)
    features, _ = read_features(RowData(store), ["blendshapes"], np.arange(9))
    found = bundle.predict_proba(features)
    assert (found[:, 1] == 0).all()
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize(
    ("model", "given", "options", "message"),
    [
        ("svm", {}, {}, "There is no model 'svm'"),
        ("svm-rbf", {"centre": "person"}, {}, "centre=person needs several pictures of a person"),
        ("svm-rbf", {}, {"split": "Training"}, "no split 'Training'. It has: none"),
        ("svm-rbf", {"families": "hog"}, {}, "no feature family 'hog'"),
        ("svm-rbf", {**SMALL, "pca": 52}, {}, "cannot be fitted on these 51 rows (n_components=52"),
        ("svm-rbf", {"C": "x"}, {}, "C must be a number above 0"),
    ],
)
def test_what_cannot_be_exported_is_said(data, model, given, options, message):
    with pytest.raises(MienError) as caught:
        fit_bundle(data, model, given, **options)
    assert message in str(caught.value)


def test_one_class_with_faces_is_refused(make_store):
    store = make_store(persons=1, classes=("angry", "happy"), takes=3, faceless=3)
    with pytest.raises(MienError, match="The rows to fit on that have features are of fewer than"):
        fit_bundle(RowData(store), "svm-rbf", SMALL)


@pytest.mark.parametrize("size", [300_000, 400_000, 600_000])
@pytest.mark.parametrize("kernel", ["svm-poly", "svm-rbf"])
@pytest.mark.parametrize("given", [{}, {"mirror": "average", "solver": "least-squares"}])
def test_a_compact_model_is_as_small_as_asked(make_store, tmp_path, size, kernel, given):
    data = RowData(make_store(takes=12, faceless=0))
    bundle = fit_bundle(data, kernel, {"families": "geometry", **given}, max_size=size)
    save_bundle(bundle, tmp_path / "model.joblib", max_size=size)
    assert (tmp_path / "model.joblib").stat().st_size <= size
    told = bundle.training["solver"]
    assert told.startswith("least-squares SVM, one-against-rest, ")
    assert ("directions" in told) is not ("components in 8 bits" in told)
    assert ("mirror images" in told) is bool(given)
    features, _ = read_features(data, ["geometry"], np.arange(216))
    found = load_bundle(tmp_path / "model.joblib").predict_proba(features)
    np.testing.assert_array_equal(found, bundle.predict_proba(features))
    assert (found.argmax(axis=1) == data.codes[:216]).mean() > 0.9


def test_a_model_that_is_small_enough_is_not_reduced(data):
    whole, small = (fit_bundle(data, "svm-rbf", SMALL, max_size=s) for s in (None, 10**6))
    assert small.training["solver"] == whole.training["solver"]
    features, _ = read_features(data, ["blendshapes"], np.arange(54))
    np.testing.assert_array_equal(small.predict_proba(features), whole.predict_proba(features))


def test_what_is_too_small_is_said(data, tmp_path):
    with pytest.raises(
        MienError, match=r"fits into 10 KB\. The smallest needs --max-size 0\.\d+MB"
    ):
        fit_bundle(data, "svm-rbf", {"families": "geometry"}, max_size=10_000)
    bundle = fit_bundle(data, "svm-linear", {"families": "geometry"}, max_size=1000)
    with pytest.raises(MienError, match=r"more than --max-size 0\.00MB. Raise --max-size"):
        save_bundle(bundle, tmp_path / "model.joblib", max_size=1000)
    assert list(tmp_path.glob("model*")) == []


def find_classes(bundle):
    """Modules of everything that a pickle refers to."""
    modules = set()

    class Recorder(pickle.Unpickler):
        def find_class(self, module, name):
            modules.add(module.partition(".")[0])
            return super().find_class(module, name)

    Recorder(io.BytesIO(pickle.dumps(bundle))).load()
    return modules


@pytest.mark.parametrize("name", SVMS)
@pytest.mark.parametrize("scaler", ["zscore", "minmax"])
def test_a_bundle_refers_to_few_packages(data, name, scaler):
    bundle = fit_bundle(data, name, {**SMALL, "scaler": scaler, "pca": 8})
    assert find_classes(bundle) <= {"sklearn", "numpy", "joblib", "scipy", "mien", "builtins"}


def test_a_bundle_works_in_another_folder_and_process(data, tmp_path):
    bundle = fit_bundle(data, "svm-rbf", {**SMALL, "scaler": "zscore", "pca": 8})
    save_bundle(bundle, tmp_path / "model.joblib")
    features, _ = read_features(data, ["blendshapes"], np.arange(54))
    np.save(tmp_path / "features.npy", features)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PREDICT],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": ""}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(
        np.load(tmp_path / "found.npy"), bundle.predict_proba(features), rtol=1e-6
    )


@pytest.mark.slow
def test_an_exported_network_survives_its_file(make_store, tmp_path):
    store = make_store(persons=4, takes=5, faceless=2)
    data, epochs = RowData(store), []
    bundle = fit_bundle(
        data, "cnn", {"epochs": 1, "batch_size": 16}, on_epoch=lambda epoch, _: epochs.append(epoch)
    )
    assert epochs == [1]
    assert bundle.reads_pixels
    assert bundle.training["rows"] == 60  # rows without a face have pixels, too
    assert "keras" in bundle.versions
    assert find_classes(bundle) <= {"sklearn", "numpy", "joblib", "scipy", "mien", "builtins"}
    save_bundle(bundle, tmp_path / "model.joblib")
    pixels = np.asarray(store.pixels[:10])
    found = load_bundle(tmp_path / "model.joblib").predict_proba(pixels)
    assert found.shape == (10, 3)
    np.testing.assert_allclose(found, bundle.predict_proba(pixels), rtol=1e-5)


FUSION = {"svm-rbf.families": "blendshapes", "cnn-compact.epochs": 1}


def read_both(data, rows):
    return data.store.view(["blendshapes"], rows), np.asarray(data.store.pixels[rows])


@pytest.mark.parametrize("inner", [1, 2])
def test_an_exported_fusion_reads_features_and_pixels(make_store, fake_network, inner):
    data = RowData(make_store(persons=9))
    bundle = fit_bundle(data, "fusion", {**FUSION, "inner": inner}, seed=1)
    assert (bundle.reads_features, bundle.reads_pixels) == (True, True)
    assert list(bundle.families) == ["blendshapes"]
    assert bundle.training["rows"] == 81
    assert "multinomial logistic regression" in bundle.training["solver"]
    assert bundle.parameters["inner"] == inner
    assert "keras" in bundle.versions
    assert [len(call.pictures) == 81 for call in fake_network] == [True] + [False] * (
        0 if inner == 1 else inner
    )
    rows = np.arange(81)
    found = bundle.predict_proba(read_both(data, rows))
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    assert (found.argmax(axis=1) == data.codes[:81]).mean() > 0.95
    faceless = ~data.store.has_face[:81]
    network = bundle.estimator.network.predict_proba(data.store.pixels[:81])
    np.testing.assert_allclose(found[faceless], network[faceless], rtol=1e-6)
    again = fit_bundle(data, "fusion", {**FUSION, "inner": inner}, seed=1)
    np.testing.assert_array_equal(again.predict_proba(read_both(data, rows)), found)


@pytest.mark.usefixtures("fake_network")
@pytest.mark.parametrize("inner", [1, 3])
def test_what_combines_an_exported_fusion_saw_no_row_that_a_part_was_fitted_on(
    make_store, monkeypatch, inner
):
    data, folds = RowData(make_store(persons=9)), []
    predict_inside = export_module.predict_inside

    def remember(data, fold, *, score_svm, score_cnn, **others):
        def score(part, fold):
            folds.append(fold)
            return part(fold)

        return predict_inside(
            data, fold, score_svm=partial(score, score_svm), score_cnn=partial(score, score_cnn),
            **others,
        )  # fmt: skip

    monkeypatch.setattr(export_module, "predict_inside", remember)
    fit_bundle(data, "fusion", {**FUSION, "inner": inner})
    assert len(folds) == (1 if inner == 1 else 6)
    for fold in folds:
        groups = data.groups(np.arange(81))
        assert not set(groups[fold.train]) & set(groups[fold.test])


@pytest.mark.usefixtures("fake_network")
def test_a_fusion_has_the_size_that_was_asked_for(make_store, tmp_path):
    data = RowData(make_store(takes=12, faceless=0))
    given = {"svm-rbf.families": "geometry"}
    bundle = fit_bundle(data, "fusion", given, max_size=400_000)
    save_bundle(bundle, tmp_path / "model.joblib", max_size=400_000)
    assert "least-squares SVM, one-against-rest, " in bundle.training["solver"]
    with pytest.raises(MienError, match=r"The smallest needs --max-size 0\.\d+MB"):
        fit_bundle(data, "fusion", given, max_size=10_000)


@pytest.mark.usefixtures("fake_network")
def test_a_network_that_leaves_no_room_is_told(make_store, monkeypatch):
    data = RowData(make_store(takes=12, faceless=0))
    monkeypatch.setattr(export_module.pickle, "dumps", lambda _: bytes(390_000))
    with pytest.raises(
        MienError, match=r"The network takes 0\.39 MB of --max-size 0\.40MB\. No mo"
    ):
        fit_bundle(data, "fusion", {"svm-rbf.families": "geometry"}, max_size=400_000)


def test_a_fusion_with_centred_features_cannot_be_exported(data):
    with pytest.raises(MienError, match="centre=person needs several pictures of a person"):
        fit_bundle(data, "fusion", {"svm-rbf.centre": "person"})


@pytest.mark.slow
def test_a_fusion_works_in_another_folder_and_process(make_store, tmp_path):
    data = RowData(make_store(persons=6, takes=4, faceless=2))
    given = {
        "cnn": "cnn", "cnn.epochs": 1, "cnn.batch_size": 16, "svm-rbf.families": "blendshapes",
    }  # fmt: skip
    bundle = fit_bundle(data, "fusion", given)
    assert find_classes(bundle) <= {"sklearn", "numpy", "joblib", "scipy", "mien", "builtins"}
    save_bundle(bundle, tmp_path / "model.joblib")
    features, pixels = read_both(data, np.arange(72))
    np.savez(tmp_path / "both.npz", features=features, pixels=pixels)
    script = PREDICT.replace(
        'np.load("features.npy")', '[np.load("both.npz")[name] for name in ("features", "pixels")]'
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": ""}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = bundle.predict_proba((features, pixels))
    assert np.isfinite(found).all()
    np.testing.assert_allclose(np.load(tmp_path / "found.npy"), found, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("given", [{"epochs": 0}, {"dropout": 2.0}, {"network": "none"}])
def test_wrong_settings_of_the_network_are_said(data, given):
    with pytest.raises(MienError, match=next(iter(given))):
        fit_bundle(data, "cnn", given)
