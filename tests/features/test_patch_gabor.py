from __future__ import annotations

import numpy as np
import pytest

from mien.features.faces import FaceBatch
from mien.features.patch_gabor import ORIENTATIONS, SCALES, gabor_filters
from mien.features.registry import get_family

WAVELENGTHS = 4 * 2 ** (np.arange(SCALES) / 2)


def magnitudes(window: np.ndarray) -> np.ndarray:
    real, imaginary = np.split(window.ravel() @ gabor_filters(len(window)), 2)
    return np.hypot(real, imaginary).reshape(SCALES, ORIENTATIONS)


def grating(wavelength: float, degrees: float, phase: float = 0.0, size: int = 33) -> np.ndarray:
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    angle = np.radians(degrees)
    along = np.cos(angle) * x + np.sin(angle) * y
    return np.cos(2 * np.pi * along / wavelength + phase)


@pytest.mark.parametrize("scale", range(SCALES))
@pytest.mark.parametrize("orientation", [0, 2, 3, 5])
def test_a_grating_excites_its_own_filter_most(scale: int, orientation: int) -> None:
    found = magnitudes(grating(WAVELENGTHS[scale], 22.5 * orientation))
    assert np.unravel_index(found.argmax(), found.shape)[1] == orientation
    assert abs(int(found.max(axis=1).argmax()) - scale) <= 1


def test_even_light_excites_none() -> None:
    assert magnitudes(np.full((33, 33), 255.0)).max() < 0.01


def test_phase_does_not_matter_much() -> None:
    found = [magnitudes(grating(8, 45, phase))[2, 2] for phase in np.linspace(0, 3, 7)]
    assert np.ptp(found) < 0.03 * np.mean(found)


def test_a_filter_by_hand() -> None:
    """Two pixels right of the middle, coarsest scale, pointing right: half way to pi / 2."""
    filters = gabor_filters(33)
    at = 16 * 33 + 18
    k = 2 * np.pi / 16
    envelope = (k / np.pi) ** 2 * np.exp(-((k / np.pi) ** 2) * 4 / 2)
    imaginary = filters[at, 40 + 4 * 8]
    assert imaginary == pytest.approx(envelope * np.sin(2 * k), rel=1e-4)
    assert np.sin(2 * k) == pytest.approx(np.sin(np.pi / 4))


@pytest.mark.parametrize("window", [17, 33, 65])
def test_filters_sum_to_zero(window: int) -> None:
    filters = gabor_filters(window)
    assert filters.shape == (window * window, 80)
    assert np.abs(filters.sum(axis=0)).max() < 1e-4 * np.abs(filters).sum(axis=0).max()


def test_scales_have_the_same_length_and_the_face_has_length_1(rendered_faces: FaceBatch) -> None:
    values = get_family("patch_gabor").compute(rendered_faces)
    scales = values.reshape(-1, SCALES, 64 * ORIENTATIONS)
    np.testing.assert_allclose(np.linalg.norm(scales, axis=-1), 1 / SCALES**0.5, rtol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(values, axis=1), 1, rtol=1e-5)


def test_stripes_are_seen_at_their_angle(make_faces) -> None:
    """Bright and dark columns change to the right: angle 0 at every point of every scale."""
    faces = make_faces(1)
    columns = np.arange(faces.pictures[0].shape[1])
    stripes = np.tile(127 + 120 * np.sin(columns / 3), (faces.pictures[0].shape[0], 1))
    upright = FaceBatch([stripes.astype(np.uint8)], faces.mesh, faces.blendshapes)
    values = get_family("patch_gabor").compute(upright).reshape(SCALES, 64, ORIENTATIONS)
    assert (values.sum(axis=0).argmax(axis=-1) == 0).mean() > 0.9
