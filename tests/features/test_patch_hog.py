from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from mien.features.faces import FaceBatch
from mien.features.patch_hog import normalise_windows
from mien.features.patch_points import MARGIN, PATCH_POINTS
from mien.features.registry import get_family
from mien.pipeline.rendered.mesh import FaceMesh


def batch(picture: np.ndarray, mesh: np.ndarray) -> FaceBatch:
    return FaceBatch([picture], mesh[None].astype(np.float32), np.zeros((1, 52), np.float32))


def compute(picture: np.ndarray, mesh: np.ndarray) -> np.ndarray:
    return get_family("patch_hog").compute(batch(picture, mesh))[0]


def test_points_are_64_pairs_of_the_canonical_face(canonical: FaceMesh) -> None:
    assert len(PATCH_POINTS) == len(set(PATCH_POINTS)) == 64
    source, _ = get_family("patch_hog").mirror
    windows = source.reshape(64, 72)[:, 0] // 72
    for point, partner in zip(PATCH_POINTS, windows, strict=True):
        assert canonical.mirrored[point] == PATCH_POINTS[partner]
        left, right = canonical.vertices[[point, PATCH_POINTS[partner]]]
        np.testing.assert_allclose(left * [-1, 1, 1], right, atol=0.05)


def test_normalised_rows_by_hand() -> None:
    windows = np.zeros((2, 72), np.float32)
    # window 0: norm 50, 30/70 and 40/70 are clipped to 0.25 each -> 1/sqrt(2) each -> root
    windows[0, 0], windows[0, 43] = 30, 40
    # window 1: norm 5, 5/25 = 0.2 stays -> 1 -> root 1
    windows[1, 63] = 5
    row = normalise_windows(windows)
    assert row.shape == (144,)
    # squares before the last step: 1/sqrt(2), 1/sqrt(2), 1; their sum is 1 + sqrt(2)
    total = 1 + 2**0.5
    assert row[[0, 43]] ** 2 == pytest.approx(0.5**0.5 / total, abs=1e-5)
    assert row[72 + 63] ** 2 == pytest.approx(1 / total, abs=1e-5)
    assert (row**2).sum() == pytest.approx(1, abs=1e-5)


def test_rows_have_unit_length(make_faces: Callable[..., FaceBatch]) -> None:
    values = get_family("patch_hog").compute(make_faces(3))
    np.testing.assert_allclose(np.linalg.norm(values, axis=1), 1, atol=1e-5)
    assert values.min() >= 0


def test_constant_picture_gives_zeros_without_a_warning(frontal: np.ndarray) -> None:
    values = compute(np.full((300, 300), 90, np.uint8), frontal + np.array([150, 130, 0]))
    assert not values.any()


def textured(size: int, seed: int = 0) -> np.ndarray:
    """A random picture without frequencies above one in six pixels."""
    rng = np.random.default_rng(seed)
    noise = cv2.GaussianBlur(rng.normal(size=(size, size)), (0, 0), 3)
    return np.rint(np.interp(noise, (noise.min(), noise.max()), (0, 255))).astype(np.uint8)


def mirror_face(picture: np.ndarray, mesh: np.ndarray, pairs: np.ndarray) -> tuple:
    mirrored = mesh[pairs].copy()
    mirrored[:, 0] = picture.shape[1] - 1 - mirrored[:, 0]
    return np.ascontiguousarray(picture[:, ::-1]), mirrored


@pytest.mark.parametrize(("scale", "tolerance"), [(1.0, 1e-5), (2.7, 1e-4), (0.43, 0.005)])
def test_a_mirrored_picture_has_the_mirrored_features(
    frontal: np.ndarray, mesh_mirror: np.ndarray, scale: float, tolerance: float
) -> None:
    """As lengths of differences between vectors of length 1."""
    family = get_family("patch_hog")
    mesh = make_exact_face(frontal, mesh_mirror) * np.array([scale, scale, 1])
    if scale != 1:
        mesh = mesh + np.array([0.21, 0.4, 0])
    picture = textured(round(240 * scale) + 1)
    values = compute(picture, mesh)
    mirrored = compute(*mirror_face(picture, mesh, mesh_mirror))
    source, sign = family.mirror
    assert np.linalg.norm(mirrored - values) > 0.3
    assert np.linalg.norm(mirrored - values[source] * sign) < tolerance


def make_exact_face(frontal: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Jittered landmarks whose eyes and mouth fit the aligned crop exactly, at (70, 60)."""
    mesh = frontal * np.array([0.5, 0.5, 1]) + [118, 100, 0]
    mesh[:, :2] += np.random.default_rng(3).normal(0, 1.3, (478, 2))
    left, right, mouth = np.array([[0.3, 0.35], [0.7, 0.35], [0.5, 0.75]]) * 96 - 0.5 + [70, 60]
    mesh[[33, 133, 159, 145], :2], mesh[[263, 362, 386, 374], :2] = left, right
    mesh[[61, 291], :2] = mouth
    assert (pairs[[33, 61]] == [263, 291]).all()
    return mesh


@pytest.mark.parametrize(
    ("scale", "degrees", "shift"), [(1.0, 0.0, (9.3, -4.6)), (2.0, 0, (0, 0)), (1.3, 25, (3, 5))]
)
def test_shift_scale_and_roll_change_little(
    frontal: np.ndarray, scale: float, degrees: float, shift: tuple[float, float]
) -> None:
    """Cosine similarity above 0.99 on a smooth picture (0.6 between two different pictures)."""
    size = 500
    picture = cv2.GaussianBlur(textured(size), (0, 0), 2)
    mesh = frontal * 0.8 + np.array([250, 230, 0])
    angle = np.radians(degrees)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = np.array([size / 2, size / 2])
    out = np.array([size * scale / 2, size * scale / 2]) + shift
    matrix = np.column_stack([turn, out - turn @ middle])
    side = round(size * scale)
    moved = cv2.warpAffine(
        picture, matrix, (side, side), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    moved_mesh = mesh.copy()
    moved_mesh[:, :2] = mesh[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    values = compute(picture, mesh)
    assert values @ compute(moved, moved_mesh) > 0.99
    assert values @ compute(textured(size, seed=9), mesh) < 0.9


def test_brightness_and_contrast_change_nothing(frontal: np.ndarray) -> None:
    picture = textured(300) // 3
    mesh = frontal * 0.8 + np.array([150, 130, 0])
    np.testing.assert_allclose(compute(picture * 2 + 60, mesh), compute(picture, mesh), atol=0.01)


def test_a_step_is_seen_at_its_window(frontal: np.ndarray) -> None:
    """Dark above, bright below the left mouth corner: gradients point down, bin 2."""
    mesh = frontal * 0.8 + np.array([150, 130, 0])
    picture = np.zeros((300, 300), np.uint8)
    picture[round(float(mesh[61, 1])) :] = 200
    values = compute(picture, mesh)
    names = get_family("patch_hog").feature_names
    at_corner = {n: v for n, v in zip(names, values, strict=True) if ":mesh61:" in n and v > 1e-3}
    assert at_corner
    assert {name.rsplit(":", 1)[1] for name in at_corner} == {"bin2"}
    assert {name.split(":")[2] for name in at_corner} == {"row1"}
    assert not any(v for n, v in zip(names, values, strict=True) if ":mesh10:" in n)


def test_margin_holds_a_window_at_the_crops_edge() -> None:
    assert MARGIN >= 24 / 2
