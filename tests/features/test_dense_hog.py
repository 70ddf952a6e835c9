from __future__ import annotations

import numpy as np
import pytest

from mien.features.alignment import ALIGNED_EYES_AND_MOUTH
from mien.features.faces import FaceBatch
from mien.features.registry import get_family
from mien.features.scheme import MESH_POINTS


def place(picture: np.ndarray) -> FaceBatch:
    """A face whose aligned crop is this picture of 96 pixels."""
    mesh = np.zeros((1, MESH_POINTS, 3), np.float32)
    left, right, mouth = ALIGNED_EYES_AND_MOUTH * 96 - 0.5
    mesh[0, [33, 133, 159, 145], :2] = left
    mesh[0, [263, 362, 386, 374], :2] = right
    mesh[0, [61, 291], :2] = mouth
    return FaceBatch([picture], mesh, np.zeros((1, 52), np.float32))


def describe(picture: np.ndarray, spec: str = "dense_hog@cells=16") -> dict[str, float]:
    family = get_family(spec)
    values = family.compute(place(picture))[0].tolist()
    return dict(zip(family.feature_names, values, strict=True))


def test_a_dot_is_seen_in_its_cell() -> None:
    """Column 68, row 24: cell 4 of 6 across, cell 1 down, in the four blocks that hold it."""
    picture = np.zeros((96, 96), np.uint8)
    picture[23:26, 70:73] = 255
    found = {name.rsplit(":", 1)[0] for name, value in describe(picture).items() if value > 0.2}
    assert found == {
        f"dense_hog:cell16:block{x},{y}:cell{4 - x},{1 - y}" for x in (3, 4) for y in (0, 1)
    }


@pytest.mark.parametrize(("degrees", "bin_"), [(10, 0), (30, 1), (90, 4), (130, 6), (170, 8)])
def test_orientations_of_the_bins(degrees: float, bin_: int) -> None:
    """Unsigned, 20 degrees each, from +x (right) towards +y (down)."""
    y, x = np.mgrid[:96, :96]
    angle = np.radians(degrees)
    ramp = np.cos(angle) * x + np.sin(angle) * y
    picture = np.rint((ramp - ramp.min()) / np.ptp(ramp) * 255).astype(np.uint8)
    shares = np.zeros(9)
    for name, value in describe(picture).items():
        shares[int(name[-1])] += value**2
    assert shares.argmax() == bin_


def test_each_size_has_the_same_length(rendered_faces: FaceBatch) -> None:
    family = get_family("dense_hog")
    values = family.compute(rendered_faces)
    eight = np.array([":cell8:" in name for name in family.feature_names])
    assert eight.sum() == 11 * 11 * 36
    assert family.width == 11 * 11 * 36 + 5 * 5 * 36 == 5256
    np.testing.assert_allclose(np.linalg.norm(values[:, eight], axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(values[:, ~eight], axis=1), 1, rtol=1e-5)
