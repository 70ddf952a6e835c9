from __future__ import annotations

import numpy as np
import pytest

from mien.features.scheme import (
    MESH_POINTS,
    NAMES,
    POINTS,
    mirror_order,
    mirrored_name,
    point_index,
    select_named_points,
)
from mien.pipeline.rendered.mesh import FaceMesh

PRIMARY = {
    16: "left_brow_outer_corner",
    19: "left_brow_inner_corner",
    22: "right_brow_inner_corner",
    25: "right_brow_outer_corner",
    28: "left_eye_outer_corner",
    30: "left_eye_inner_corner",
    32: "right_eye_inner_corner",
    34: "right_eye_outer_corner",
    41: "nose_tip",
    46: "left_mouth_corner",
    52: "right_mouth_corner",
    63: "left_eye_centre",
    64: "right_eye_centre",
}


def test_scheme_has_64_numbered_and_named_points() -> None:
    assert [point.number for point in POINTS] == list(range(1, 65))
    assert len(set(NAMES)) == 64
    assert all(0 <= index < 468 for point in POINTS for index in point.mesh)


def test_primary_points_are_those_of_the_thesis() -> None:
    assert {point.number: point.name for point in POINTS if point.primary} == PRIMARY


def test_secondary_points_have_the_places_that_the_thesis_gives() -> None:
    named = {point.number: point.name for point in POINTS}
    assert (named[1], named[8], named[15]) == ("left_temple", "chin_tip", "right_temple")
    assert all("left_cheek" in named[number] for number in range(2, 8))
    assert all("right_cheek" in named[number] for number in range(9, 15))
    assert (named[29], named[33]) == ("left_eye_upper_lid", "right_eye_upper_lid")
    assert (named[31], named[35]) == ("left_eye_lower_lid", "right_eye_lower_lid")
    assert (named[40], named[42]) == ("left_nostril", "right_nostril")


def test_mesh_indices_are_unique() -> None:
    assert len({frozenset(point.mesh) for point in POINTS}) == 64
    single = [point.mesh[0] for point in POINTS if len(point.mesh) == 1]
    assert len(single) == len(set(single))
    assert all(len(set(point.mesh)) == len(point.mesh) for point in POINTS)


def test_mirrored_names_exist_and_mirror_back() -> None:
    order = mirror_order()
    assert order[order].tolist() == list(range(64))
    for name in NAMES:
        partner = mirrored_name(name)
        assert partner in NAMES
        assert mirrored_name(partner) == name
        assert (partner == name) == (not name.startswith(("left_", "right_")))


def test_left_is_the_pictures_left_and_pairs_mirror_in_the_canonical_face(
    canonical: FaceMesh,
) -> None:
    named = select_named_points(canonical.vertices)
    mirrored = named[mirror_order()] * np.array([-1, 1, 1], np.float32)
    face_width = np.ptp(canonical.vertices[:, 0])
    assert np.abs(named - mirrored).max() < 0.01 * face_width
    for name, (x, _, _) in zip(NAMES, named, strict=True):
        side = 0 if not name.startswith(("left_", "right_")) else -1 if name[0] == "l" else 1
        assert np.sign(x) == side or (side == 0 and abs(x) < 0.01 * face_width), name


def test_pairs_use_the_mesh_indices_of_mirror_partners(canonical: FaceMesh) -> None:
    for point in POINTS:
        partner = POINTS[point_index(mirrored_name(point.name))]
        assert {int(canonical.mirrored[i]) for i in point.mesh} == set(partner.mesh), point.name


def test_points_lie_in_anatomical_order(canonical: FaceMesh) -> None:
    x, up, _ = select_named_points(canonical.vertices).T
    height = [
        "left_brow_upper_inner", "left_brow_lower_inner", "left_eye_upper_lid", "left_eye_centre",
        "left_eye_lower_lid", "nose_tip", "nose_base", "upper_lip_top", "upper_lip_edge",
        "lower_lip_bottom", "chin_tip",
    ]  # fmt: skip
    assert (np.diff(up[[point_index(name) for name in height]]) < 0).all()
    across = [
        "left_brow_outer_corner", "left_brow_upper_outer", "left_brow_upper_inner",
        "left_brow_inner_corner",
    ]  # fmt: skip
    assert (np.diff(x[[point_index(name) for name in across]]) > 0).all()


def test_selected_point_is_the_mean_of_its_mesh_points() -> None:
    mesh = np.random.default_rng(0).normal(size=(2, 3, MESH_POINTS, 3))
    named = select_named_points(mesh)
    assert named.shape == (2, 3, 64, 3)
    np.testing.assert_array_equal(named[..., point_index("nose_tip"), :], mesh[..., 4, :])
    centre = (mesh[..., 33, :] + mesh[..., 133, :] + mesh[..., 159, :] + mesh[..., 145, :]) / 4
    np.testing.assert_allclose(named[..., point_index("left_eye_centre"), :], centre)


def test_missing_mesh_point_makes_only_its_named_points_missing() -> None:
    mesh = np.ones((MESH_POINTS, 2))
    mesh[33] = np.nan
    missing = np.isnan(select_named_points(mesh)).any(axis=1)
    assert {NAMES[i] for i in np.flatnonzero(missing)} == {
        "left_eye_outer_corner",
        "left_eye_centre",
    }


def test_selection_leaves_the_mesh_alone() -> None:
    mesh = np.arange(MESH_POINTS * 2.0).reshape(MESH_POINTS, 2)
    before = mesh.copy()
    select_named_points(mesh)[:] = -1
    np.testing.assert_array_equal(mesh, before)


def test_unknown_name() -> None:
    with pytest.raises(KeyError):
        point_index("left_ear")
