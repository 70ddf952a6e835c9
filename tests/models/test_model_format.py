from dataclasses import replace

import pytest
from sklearn.linear_model import LogisticRegression

from mien.errors import MienError
from mien.models.model_format import find_format, require_svm, suffix_format


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("model.joblib", b"PK\x03\x04", "joblib"),
        ("model.skops", b"\x80\x05", "skops"),
        ("MODEL.ONNX", b"\x80\x05", "onnx"),
        ("model", b"PK\x03\x04 and more", "skops"),
        ("model.bin", b"\x08\x08", "onnx"),
        ("model.bin", b"\x78\x5e", "joblib"),
        ("model.pkl", b"", "joblib"),
    ],
)
def test_the_suffix_counts_before_the_first_bytes(tmp_path, name, content, expected):
    (tmp_path / name).write_bytes(content)
    assert find_format(tmp_path / name) == expected


def test_a_suffix_names_a_format_or_nothing(tmp_path):
    assert suffix_format(tmp_path / "a.Skops") == "skops"
    assert suffix_format(tmp_path / "a.b.onnx") == "onnx"
    assert suffix_format(tmp_path / "joblib") is None
    assert suffix_format(tmp_path / "a.pkl") is None


def test_an_svm_is_what_it_is(make_bundle):
    bundle = make_bundle()
    assert require_svm(bundle, "onnx") is bundle.estimator


def test_what_is_no_svm_is_refused(make_bundle):
    other = replace(make_bundle(), estimator=LogisticRegression())
    with pytest.raises(MienError, match=r"skops holds SVMs .*, not LogisticRegression"):
        require_svm(other, "skops")
    network = replace(other, model="cnn-modern", families={})
    fusion = replace(other, model="fusion", with_pixels=True)
    for bundle in (network, fusion):
        with pytest.raises(MienError, match=f"{bundle.model} has a network, .*Write it as joblib"):
            require_svm(bundle, "onnx")
