from __future__ import annotations

import numpy as np

from mien.features.faces import FaceBatch
from mien.features.registry import get_family
from mien.features.scheme import MESH_POINTS, POINTS


def test_points_by_hand() -> None:
    """The middle of a picture 5 wide and 3 high is (2, 1); its longer side is 5."""
    mesh = np.zeros((1, MESH_POINTS, 3), np.float32)
    mesh[..., :2] = (2, 1)
    tip = next(point for point in POINTS if point.name == "nose_tip")
    mesh[0, list(tip.mesh), :2] = (4, 0)
    faces = FaceBatch([np.zeros((3, 5), np.uint8)], mesh, np.zeros((1, 52), np.float32))
    family = get_family("points")
    values = dict(zip(family.feature_names, family.compute(faces)[0], strict=True))
    np.testing.assert_allclose(values.pop("x:nose_tip"), 0.4, rtol=1e-6)
    np.testing.assert_allclose(values.pop("y:nose_tip"), -0.2, rtol=1e-6)
    assert set(values.values()) == {0.0}


def test_the_primary_points_are_the_thirteen_of_the_first_tier() -> None:
    names = get_family("points@primary=1").feature_names
    assert len(names) == 26
    assert names[0] == "x:left_brow_outer_corner"
    assert names[-1] == "y:right_eye_centre"
    assert set(names) < set(get_family("points").feature_names)
