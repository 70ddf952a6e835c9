import importlib
import json
import sys
from dataclasses import replace
from zipfile import ZipFile

import joblib
import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer

from mien.errors import MienError
from mien.models import bundle_migration
from mien.models.bundle import load_bundle, save_bundle
from mien.models.bundle_record import to_record
from mien.models.checked_file import compare_models
from mien.models.column_grid import ColumnGrid
from mien.models.compact_machine import CompactSize
from mien.models.skops_file import RECORD, TRUSTED, load_skops, read_skops_record, save_skops

BOTH = "blendshapes+0.5*pose"
SVMS = [
    ("linear", {"families": BOTH, "mirror": "average", "pca": 20}, {}),
    ("poly", {"families": BOTH, "combine": "kernels", "scaler": "minmax"}, {}),
    ("rbf", {"families": BOTH, "mirror": "average", "solver": "least-squares"}, {}),
    ("rbf", {"families": BOTH, "mirror": "average"}, {"compact": CompactSize(20, 0, 90)}),
    ("rbf", {"families": BOTH, "scaler": "zscore"}, {"landmarks": 40}),
]


@pytest.fixture(scope="module")
def rows(make_rows):
    return make_rows(BOTH, n=60, seed=1)[0]


@pytest.fixture(scope="module")
def bundle(make_bundle):
    return make_bundle()


@pytest.fixture
def file(bundle, rows, tmp_path):
    save_skops(bundle, tmp_path / "model.skops", rows)
    return tmp_path / "model.skops"


@pytest.mark.parametrize(("kernel", "given", "options"), SVMS)
def test_every_kind_of_svm_comes_back_as_it_was(
    make_bundle, rows, tmp_path, kernel, given, options, check_all_but_the_estimator
):
    bundle = make_bundle(kernel, given, **options)
    told = save_skops(bundle, tmp_path / "model.skops", rows)
    assert (told.rows, told.other_labels, told.difference) == (60, 0, 0)
    loaded = load_bundle(tmp_path / "model.skops")
    check_all_but_the_estimator(loaded, bundle)
    assert compare_models(bundle, loaded, rows).difference == 0
    assert set(skops.io.get_untrusted_types(file=tmp_path / "model.skops")) <= set(TRUSTED)


def test_what_is_trusted_is_a_class_of_miens():
    for name in TRUSTED:
        module, _, own = name.rpartition(".")
        assert module.startswith("mien.models.")
        assert isinstance(getattr(importlib.import_module(module), own), type)


def test_a_loaded_bundle_can_be_written_in_every_format(file, rows, tmp_path):
    loaded = load_skops(file)
    save_bundle(loaded, tmp_path / "again.joblib")
    save_skops(loaded, tmp_path / "again.skops", rows)
    for name in ("again.joblib", "again.skops"):
        assert compare_models(loaded, load_bundle(tmp_path / name), rows).difference == 0


def test_the_first_bytes_tell_the_format_where_the_name_does_not(bundle, file):
    other = file.rename(file.with_name("expressions.bin"))
    assert load_bundle(other).classes == bundle.classes


def test_a_bundle_without_reference_predictions(bundle, rows, tmp_path):
    save_skops(replace(bundle, check=None), tmp_path / "model.skops", rows)
    assert load_skops(tmp_path / "model.skops").check is None


def test_the_record_is_read_alone_and_without_skops(bundle, file, monkeypatch):
    monkeypatch.setitem(sys.modules, "skops.io", None)
    assert read_skops_record(file) == json.loads(json.dumps(to_record(bundle)))
    with pytest.raises(MienError, match=r"package skops,.*pip install 'mien\[skops\]'"):
        load_skops(file)


def write_other(path, found, record):
    skops.io.dump(found, path)
    with ZipFile(path, "a") as archive:
        archive.writestr(RECORD, json.dumps(record))


def check_refused(file, *messages, read=load_bundle):
    with pytest.raises(MienError) as caught:
        read(file)
    assert all(message in str(caught.value) for message in (*messages, str(file)))


@pytest.mark.parametrize(
    ("found", "name"),
    [
        (ColumnGrid(), "mien.models.column_grid.ColumnGrid"),
        (FunctionTransformer(json.loads), "json.loads"),
        ([CompactSize(1, 2, 3)], "mien.models.compact_machine.CompactSize"),
    ],
)
def test_other_classes_are_refused_by_name(tmp_path, bundle, found, name):
    write_other(tmp_path / "model.skops", found, to_record(bundle))
    check_refused(tmp_path / "model.skops", name, "It was not loaded")


def test_another_estimator_is_refused(tmp_path, bundle):
    X = np.array([[0.0], [1.0]])
    estimator = LogisticRegression().fit(X, [0, 1])
    write_other(tmp_path / "model.skops", estimator, to_record(bundle))
    check_refused(tmp_path / "model.skops", "holds LogisticRegression")
    skops.io.dump(estimator, tmp_path / "model.skops")
    check_refused(tmp_path / "model.skops", "is not a skops model that mien export wrote")


def test_another_schema_is_refused(bundle, rows, tmp_path, monkeypatch):
    with monkeypatch.context() as release:
        release.setattr(bundle_migration, "EARLIER", ("mien.bundle/99",))
        save_skops(replace(bundle, schema="mien.bundle/99"), tmp_path / "model.skops", rows)
    check_refused(tmp_path / "model.skops", "mien.bundle/99")


def test_a_pickle_under_this_name_is_not_read_as_one(tmp_path):
    joblib.dump(Trap(str(tmp_path / "sprung")), tmp_path / "model.skops")
    check_refused(tmp_path / "model.skops", "is not a skops model")
    assert not (tmp_path / "sprung").exists()


class Trap:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


@pytest.mark.parametrize("read", [load_bundle, read_skops_record])
def test_a_file_that_is_cut_short_is_refused(file, read):
    whole = file.read_bytes()
    for length in (0, 1, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:length])
        check_refused(file, "is not a skops model that mien export wrote, or it is", read=read)


def test_a_flipped_bit_is_found_or_changes_nothing(bundle, rows, file):
    whole, refused = file.read_bytes(), 0
    rng = np.random.default_rng(0)
    for place in rng.integers(len(whole), size=60):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(rng.integers(8))
        file.write_bytes(damaged)
        try:
            assert compare_models(bundle, load_bundle(file), rows).difference == 0
        except MienError:
            refused += 1
    assert refused > 40


def test_a_flipped_bit_in_an_array_is_found_without_loading_it(file):
    with ZipFile(file) as archive:
        largest = max(archive.infolist(), key=lambda entry: entry.compress_size)
    damaged = bytearray(file.read_bytes())
    damaged[largest.header_offset + 30 + len(largest.filename) + largest.compress_size // 2] ^= 1
    file.write_bytes(damaged)
    check_refused(file, "is damaged", read=read_skops_record)


def test_a_file_larger_than_allowed_is_not_written(bundle, rows, tmp_path):
    with pytest.raises(MienError, match=r"more than --max-size 0\.00MB"):
        save_skops(bundle, tmp_path / "model.skops", rows, max_size=1000)
    assert list(tmp_path.iterdir()) == []


def test_it_is_hardly_larger_than_joblib(bundle, file, tmp_path):
    save_bundle(bundle, tmp_path / "model.joblib")
    assert file.stat().st_size < (tmp_path / "model.joblib").stat().st_size + 20_000
