import numpy as np
import onnx
import pytest

from mien.errors import MienError
from mien.models import onnx_graph
from mien.models.calibrated import CalibratedClassifier
from mien.models.checked_file import compare_models
from mien.models.compact_machine import CompactSize
from mien.models.fused_machine import FusedMachine, LinearHead
from mien.models.fused_view import FusedView
from mien.models.onnx_file import load_onnx, save_onnx
from mien.models.onnx_graph import build_model

BOTH = "blendshapes+0.5*pose"
VIEWS = [
    {"families": "blendshapes"},
    {"families": "blendshapes", "pca": 9},
    {"families": BOTH, "combine": "kernels", "scaler": "minmax", "pca": 3},
    {"families": "blendshapes", "mirror": "average", "scaler": "zscore"},
    {"families": BOTH, "mirror": "average", "pca": 20},
    {"families": BOTH, "mirror": "average", "scaler": "minmax", "combine": "kernels", "pca": 3},
]


def check_same(bundle, make_rows, tmp_path, tolerance=1e-5):
    X, _ = make_rows(bundle.parameters["families"], n=1000, seed=1)
    save_onnx(bundle, tmp_path / "model.onnx", X[:9])
    found = compare_models(bundle, load_onnx(tmp_path / "model.onnx"), X)
    assert (found.rows, found.other_labels) == (1000, 0)
    assert found.difference < tolerance


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("kernel", ["linear", "poly", "rbf"])
@pytest.mark.parametrize("solver", ["libsvm", "least-squares"])
@pytest.mark.parametrize("landmarks", [0, 40])
def test_a_graph_predicts_1000_rows_as_the_svm(
    make_bundle, make_rows, tmp_path, kernel, view, solver, landmarks
):
    bundle = make_bundle(kernel, {**view, "solver": solver}, landmarks=landmarks)
    check_same(bundle, make_rows, tmp_path, tolerance=1e-4 if kernel == "poly" else 1e-5)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("kernel", ["poly", "rbf"])
@pytest.mark.parametrize("directions", [0, 6])
def test_a_graph_predicts_1000_rows_as_a_compact_svm(
    make_bundle, make_rows, tmp_path, kernel, view, directions
):
    compact = CompactSize(view.get("pca", 0), directions, centres=30 if directions else 90)
    check_same(make_bundle(kernel, view, compact=compact), make_rows, tmp_path, tolerance=1e-4)


@pytest.mark.parametrize("solver", ["libsvm", "least-squares"])
@pytest.mark.parametrize("kernel", ["linear", "rbf"])
def test_two_classes(make_bundle, make_rows, tmp_path, kernel, solver):
    given = {"families": "blendshapes", "solver": solver}
    bundle = make_bundle(kernel, given, classes=2, names=("happy", "neutral"))
    check_same(bundle, make_rows, tmp_path)


def test_a_class_that_no_training_row_had_has_probability_zero(make_bundle, make_rows, tmp_path):
    bundle = make_bundle("rbf", {"families": "blendshapes"}, names=("a", "b", "c", "d"))
    bundle.estimator.classes_ = np.array([0, 1, 3])
    bundle.estimator.estimator_.classes_ = np.array([0, 1, 3])
    check_same(bundle, make_rows, tmp_path)
    X, _ = make_rows("blendshapes", n=50)
    found = load_onnx(tmp_path / "model.onnx").predict_proba(X)
    assert (found[:, 2] == 0).all()
    assert (found[:, 3] > 0).all()


def test_probabilities_are_those_computed_by_hand(run_model):
    machine = FusedMachine(None)
    machine.view_ = FusedView(np.float32([1]), None, (np.float32([2]),), None)
    machine.head_ = LinearHead(np.float32([[1, 0, -1]]), np.array([0.0, 0.5, 0.0]))
    machine.classes_, machine.one_against_one_ = np.arange(3), False
    machine.n_features_in_ = 1
    estimator = CalibratedClassifier(None)
    estimator.classes_, estimator.estimator_ = np.arange(3), machine
    estimator.coef_, estimator.intercept_ = np.eye(3) * 3, np.array([0.0, 0.0, 1.0])
    labels, found = run_model(build_model(estimator, 3), [[1.0], [1.5]])
    # scores (0, 0.5, 0) and (1, 0.5, -1); logits (0, 1.5, 1) and (3, 1.5, -2)
    expected = np.exp([[0, 1.5, 1], [3, 1.5, -2]])
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert labels.tolist() == [1, 0]
    assert (labels.dtype, found.dtype) == (np.int64, np.float32)


@pytest.fixture
def run_model():
    def run(model, rows):
        import onnxruntime

        session = onnxruntime.InferenceSession(model.SerializeToString())
        return session.run(["label", "probabilities"], {"features": np.float32(rows)})

    return run


@pytest.mark.parametrize("kernel", ["linear", "poly", "rbf"])
def test_a_graph_is_valid_and_has_operators_of_the_standard_only(make_bundle, kernel):
    model = build_model(make_bundle(kernel).estimator, 3)
    onnx.checker.check_model(model, full_check=True)
    assert {node.domain for node in model.graph.node} == {""}
    assert [(own.domain, own.version) for own in model.opset_import] == [("", 17)]


def test_rows_in_8_bits_stay_so_in_the_file(make_bundle):
    estimator = make_bundle(compact=CompactSize(20, 0, 90)).estimator
    assert estimator.estimator_.head_.step is not None
    model = build_model(estimator, 3)
    levels = [a for a in model.graph.initializer if a.data_type == onnx.TensorProto.INT8]
    assert sum(int(np.prod(a.dims)) for a in levels) == estimator.estimator_.head_.rows.size


def test_more_than_a_file_can_hold_is_refused(make_bundle, monkeypatch):
    monkeypatch.setattr(onnx_graph, "LIMIT", 10_000)
    with pytest.raises(MienError, match=r"more than 2 GB of numbers.*--format skops"):
        build_model(make_bundle().estimator, 3)
