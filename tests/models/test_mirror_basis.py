import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.metrics.pairwise import linear_kernel, polynomial_kernel, rbf_kernel
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from mien.errors import MienError
from mien.features.registry import family_names, get_family
from mien.models.dots import compute_dots
from mien.models.kernel_machine import Block
from mien.models.kernels import KERNELS, Kernel, sum_kernels
from mien.models.least_squares import LeastSquaresSVC
from mien.models.mirror_basis import BlockPCA, MirrorBasis, MirrorScaler
from mien.models.svm import KernelSVC

SOURCE = np.array([1, 0, 2, 3, 5, 4, 6])
SIGN = np.array([1, 1, 1, -1, -1, -1, 1], np.float32)


def mirror(X):
    return X[:, SOURCE] * SIGN


def make_rows(n=40, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 7)).astype(np.float32) + np.arange(7, dtype=np.float32) / 4


def test_coordinates_by_hand():
    basis = MirrorBasis(SOURCE, SIGN)
    assert basis.halves == ((4, 3),)
    row = np.array([[3, 1, 7, 8, 5, 2, 9]], np.float32)
    half = np.sqrt(0.5)
    # pairs (3, 1) with sign +1 and (5, 2) with sign -1; 7 and 9 stay, 8 turns its sign
    expected = [4 * half, 7, 3 * half, 9, 2 * half, 8, 7 * half]
    np.testing.assert_allclose(basis.fit_transform(row)[0], expected, rtol=1e-6)


def test_mirroring_turns_the_signs_of_the_second_half_only():
    X = make_rows()
    basis = MirrorBasis(SOURCE, SIGN).fit(X)
    ours, mirrored = basis.transform(X), basis.transform(mirror(X))
    np.testing.assert_allclose(mirrored[:, :4], ours[:, :4], atol=1e-6)
    np.testing.assert_allclose(mirrored[:, 4:], -ours[:, 4:], atol=1e-6)
    np.testing.assert_allclose(ours @ ours.T, X @ X.T, rtol=1e-4, atol=1e-5)


def test_every_block_has_two_halves_of_its_own():
    basis = MirrorBasis(SOURCE, SIGN, [4, 3])
    assert basis.halves == ((2, 2), (2, 1))
    X = make_rows()
    ours = basis.fit_transform(X)
    np.testing.assert_allclose(ours[:, :4] @ ours[:, :4].T, X[:, :4] @ X[:, :4].T, atol=1e-4)


@pytest.mark.parametrize("name", family_names())
def test_it_fits_every_family(name):
    family = get_family(name)
    basis = MirrorBasis(*family.mirror)
    X = np.random.default_rng(0).normal(size=(3, family.width)).astype(np.float32)
    source, sign = family.mirror
    ours, mirrored = (basis.fit(X).transform(rows) for rows in (X, X[:, source] * sign))
    ((symmetric, other),) = basis.halves
    assert symmetric + other == family.width
    np.testing.assert_allclose(mirrored[:, :symmetric], ours[:, :symmetric], atol=1e-5)
    np.testing.assert_allclose(mirrored[:, symmetric:], -ours[:, symmetric:], atol=1e-5)


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_averaged_kernel_is_the_mean_over_the_four_combinations(kernel):
    X, Y = make_rows(), make_rows(15, seed=1)
    function = {
        "linear": lambda a, b: 0.2 * linear_kernel(a, b),
        "poly": lambda a, b: polynomial_kernel(a, b, gamma=0.2, degree=3, coef0=1.0),
        "rbf": lambda a, b: rbf_kernel(a, b, gamma=0.2),
    }[kernel]
    combinations = [(a, b) for a in (X, mirror(X)) for b in (Y, mirror(Y))]
    expected = np.mean([function(a, b) for a, b in combinations], axis=0)
    basis = MirrorBasis(SOURCE, SIGN).fit(X)
    dots = compute_dots(basis.transform(X), basis.transform(Y), symmetric=4)
    found = sum_kernels([dots], [Kernel(kernel, 0.2, 3, 1.0)])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("machine", [KernelSVC, LeastSquaresSVC])
def test_a_face_and_its_mirror_image_get_the_same_scores(kernel, machine):
    X = make_rows(80)
    y = (X[:, 0] > X[:, 1]).astype(int) + (X[:, 2] > 0.5)
    basis = MirrorBasis(SOURCE, SIGN).fit(X)
    fitted = machine(kernel=kernel, blocks=[Block(4, 3)]).fit(basis.transform(X), y)
    faces = make_rows(30, seed=2)
    first, second = (basis.transform(rows) for rows in (faces, mirror(faces)))
    np.testing.assert_allclose(
        fitted.decision_function(first), fitted.decision_function(second), atol=1e-4
    )
    np.testing.assert_array_equal(fitted.predict(first), fitted.predict(second))


@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler(feature_range=(-1, 1))])
def test_scaling_a_mirrored_face_is_mirroring_the_scaled_face(scaler):
    X = make_rows()
    fitted = MirrorScaler(scaler, SOURCE, SIGN).fit(X)
    faces = make_rows(9, seed=3)
    np.testing.assert_allclose(
        fitted.transform(mirror(faces)), mirror(fitted.transform(faces)), atol=1e-5
    )
    both = type(scaler)(**scaler.get_params()).fit(np.r_[X, mirror(X)])
    np.testing.assert_allclose(fitted.transform(faces), both.transform(faces), atol=1e-5)


@pytest.mark.parametrize("n", [10, 200])
def test_components_are_those_of_all_faces_and_mirror_images(n):
    X = make_rows(n)
    basis = MirrorBasis(SOURCE, SIGN).fit(X)
    reduced = BlockPCA(3, basis.halves).fit(basis.transform(X))
    assert reduced.halves == ((3, 3),)
    ours = reduced.transform(basis.transform(X))
    assert ours.shape == (n, 6)
    assert (np.abs(ours).max(axis=0) > 0).sum() == 3
    whole = PCA(3).fit(np.r_[X, mirror(X)])
    theirs = whole.transform(X)
    np.testing.assert_allclose(ours @ ours.T, theirs @ theirs.T, atol=2e-3)
    mirrored = reduced.transform(basis.transform(mirror(X)))
    np.testing.assert_allclose(mirrored[:, :3], ours[:, :3], atol=1e-5)
    np.testing.assert_allclose(mirrored[:, 3:], -ours[:, 3:], atol=1e-5)


def test_what_is_no_mirror_is_refused():
    for source, sign in ((np.array([1, 2, 0]), np.ones(3)), (SOURCE[:2], np.array([1.0, -1.0]))):
        with pytest.raises(MienError, match="mirroring twice does not give the same columns"):
            MirrorBasis(source, sign).fit(make_rows()[:, : len(source)])
    with pytest.raises(ValueError, match="X has 3 columns, the mirror 7"):
        MirrorBasis(SOURCE, SIGN).fit(make_rows()[:, :3])
