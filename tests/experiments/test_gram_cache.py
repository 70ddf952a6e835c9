import numpy as np
import pytest

from mien.experiments import gram_cache as module
from mien.experiments.candidates import get_candidate
from mien.experiments.folds import make_folds
from mien.experiments.gram_cache import GramCache
from mien.experiments.row_data import RowData
from mien.pipeline.store import family_file

BOTH = "blendshapes+0.3*pose"


def set_features(store, name, edit):
    values = np.load(store.path / family_file(name))
    np.save(store.path / family_file(name), edit(values).astype(np.float32))


def unit(values):
    return values / np.linalg.norm(values, axis=1, keepdims=True)


@pytest.fixture
def store(make_store):
    store = make_store(persons=8, families=("blendshapes", "pose"))
    for name in store.families:
        set_features(store, name, unit)
    return store


def make_cache(store, **options):
    data = RowData(store)
    folds = make_folds(store.rows, scheme="subject:4", usable=data.usable)
    return GramCache(data, folds, **options), folds.folds


def parameters(**given):
    return get_candidate("svm-rbf").parameters({"families": BOTH, **given})


@pytest.fixture
def computed(monkeypatch):
    """Shapes of the dot products that were computed."""
    found, compute = [], module.compute_dots

    def remember(rows, columns, **options):
        found.append((len(rows), len(columns)))
        return compute(rows, columns, **options)

    monkeypatch.setattr(module, "compute_dots", remember)
    return found


@pytest.mark.parametrize("combine", ["distances", "kernels"])
@pytest.mark.parametrize("mirror", ["none", "average"])
def test_what_is_not_fitted_is_computed_once_a_family(store, computed, combine, mirror):
    cache, folds = make_cache(store)
    for weight in (0.3, 2.0):
        for fold in folds:
            own = parameters(families=f"blendshapes+{weight}*pose", combine=combine, mirror=mirror)
            dots = cache.fold(fold, own)
            assert len(dots.train) == (2 if combine == "kernels" else 1)
    every = len(cache.rows)
    assert [shape for shape in computed if shape[0]] == [(every, every)] * 2


@pytest.mark.parametrize("given", [{"scaler": "zscore"}, {"pca": 3}, {"centre": "person"}])
def test_what_is_fitted_is_computed_once_a_fold(store, computed, given):
    cache, folds = make_cache(store)
    for _ in range(3):
        for fold in folds:
            cache.fold(fold, parameters(families="blendshapes", **given))
    assert len(computed) == 2 * len(folds)


def test_families_weigh_as_they_shall(store):
    cache, folds = make_cache(store)
    dots = cache.fold(folds[0], parameters()).train[0]
    apart = dots.row_norms[:, None] + dots.column_norms[None] - 2 * dots.symmetric
    assert apart.mean() == pytest.approx(1.3, rel=1e-3)


@pytest.mark.parametrize("given", [{}, {"scaler": "zscore"}, {"mirror": "average"}, {"pca": 3}])
@pytest.mark.parametrize("stretch", [1.0, 3.0])
def test_no_test_row_has_a_part_in_a_folds_training(store, given, stretch):
    for name in store.families:
        set_features(store, name, lambda values: stretch * values)
    cache, folds = make_cache(store)
    before = cache.fold(folds[0], parameters(**given))
    poisoned = folds[0].test[:4]

    def poison(values):
        values[poisoned] = 100.0
        return values

    set_features(store, "blendshapes", poison)
    after = make_cache(store)[0].fold(folds[0], parameters(**given))
    for one, other in zip(before.train, after.train, strict=True):
        np.testing.assert_array_equal(one.symmetric, other.symmetric)
        np.testing.assert_array_equal(one.row_norms, other.row_norms)
    np.testing.assert_array_equal(before.test[0].symmetric[4:], after.test[0].symmetric[4:])


def test_rows_without_features_are_in_no_matrix(make_store):
    store = make_store(persons=8, families=("blendshapes", "pose"), faceless=3)
    cache, folds = make_cache(store)
    for fold in folds:
        dots = cache.fold(fold, parameters(families="pose"))
        assert len(dots.train[0].row_norms) == store.has_face[fold.train].sum()
        np.testing.assert_array_equal(dots.visible, store.has_face[fold.test])
        assert len(dots.test[0].row_norms) == dots.visible.sum()
        assert np.isfinite(dots.train[0].symmetric).all()


def test_memory_is_bounded(store, computed):
    cache, folds = make_cache(store, memory=1)
    for fold in folds:
        cache.fold(fold, parameters())
        assert len(cache._kept) == 1
    assert len([shape for shape in computed if shape[0]]) == 2 * len(folds)


def test_all_rows_at_once_only_where_nothing_is_fitted(store):
    cache, _ = make_cache(store)
    parts, rows = cache.whole(parameters())
    assert parts[0].symmetric.shape == (len(rows), len(rows))
    for given in ({"scaler": "minmax"}, {"pca": 2}, {"centre": "person"}):
        assert cache.whole(parameters(**given)) is None
    set_features(store, "pose", lambda values: 2 * values)
    cache, _ = make_cache(store)
    assert cache.whole(parameters()) is None
    assert cache.whole(parameters(families="pose")) is not None
