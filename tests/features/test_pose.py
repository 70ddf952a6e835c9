from __future__ import annotations

import numpy as np
import pytest

from mien.features.faces import FaceBatch
from mien.features.pose import (
    CANONICAL_TILT,
    UNDONE_TURN,
    compute_frontal_mesh,
    compute_head_rotation,
    compute_pose_angles,
    undo_rotation,
)
from mien.features.registry import get_family
from mien.pipeline.rendered.mesh import FaceMesh

FLIP = np.array([1.0, -1.0, -1.0])


def rotation_of(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """R_z(roll) R_y(yaw) R_x(pitch) of degrees; x right, y up, z to the viewer."""
    (cy, cp, cr), (sy, sp, sr) = (f(np.radians([yaw, pitch, roll])) for f in (np.cos, np.sin))
    turn = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    nod = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    lean = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.asarray(lean @ turn @ nod)


def turn_mesh(mesh: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    return ((mesh * FLIP) @ rotation.T * FLIP).astype(np.float32)


@pytest.fixture(scope="module")
def face(canonical: FaceMesh) -> np.ndarray:
    """The canonical face as a mesh in pixels, (1, 478, 3)."""
    points = np.concatenate([canonical.vertices * FLIP, np.zeros((10, 3))])
    return (points[None] * 12 + [150, 130, 0]).astype(np.float32)


def test_the_canonical_face_looks_straight_ahead(face: np.ndarray) -> None:
    rotation = compute_head_rotation(face)
    np.testing.assert_allclose(rotation[0], np.eye(3), atol=1e-5)
    assert -90 < CANONICAL_TILT < 0


@pytest.mark.parametrize(
    "angles", [(20, 0, 0), (0, 15, 0), (0, 0, 30), (-35, 20, -50), (70, -40, 170), (5, 5, 5)]
)
def test_angles_are_those_the_face_was_turned_by(
    face: np.ndarray, angles: tuple[float, float, float]
) -> None:
    rotation = compute_head_rotation(turn_mesh(face, rotation_of(*angles)))
    assert rotation.dtype == np.float32
    np.testing.assert_allclose(rotation[0], rotation_of(*angles), atol=1e-5)
    np.testing.assert_allclose(np.degrees(compute_pose_angles(rotation[0])), angles, atol=1e-3)


def test_signs_in_the_picture(face: np.ndarray) -> None:
    """The nose's tip moves to where the face turns; an anticlockwise roll lifts the right eye."""
    tip, right_eye, left_eye = 4, 263, 33
    for angles, moved in (((15, 0, 0), (1, 0)), ((0, 15, 0), (0, 1))):
        turned = turn_mesh(face, rotation_of(*angles))
        step = (turned[0, tip] - turned[0, 168]) - (face[0, tip] - face[0, 168])
        assert step[:2] @ moved > 3
    rolled = turn_mesh(face, rotation_of(0, 0, 15))
    assert rolled[0, right_eye, 1] < rolled[0, left_eye, 1] - 10


def test_place_and_size_do_not_matter(face: np.ndarray) -> None:
    turned = turn_mesh(face, rotation_of(25, -10, 8))
    moved = turned * np.float32(3.7) + np.float32([400, -90, 35])
    np.testing.assert_allclose(
        compute_head_rotation(moved), compute_head_rotation(turned), atol=1e-5
    )


@pytest.mark.parametrize("angles", [(30, 10, 0), (-45, -20, 25), (0, 0, 120)])
def test_a_moderate_turn_is_undone(face: np.ndarray, angles: tuple[float, float, float]) -> None:
    upright = compute_frontal_mesh(turn_mesh(face, rotation_of(*angles)))
    assert upright.dtype == np.float32
    expected = face - face.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(upright - upright.mean(axis=1, keepdims=True), expected, atol=2e-3)


@pytest.mark.parametrize("yaw", [UNDONE_TURN + 15, -UNDONE_TURN - 15])
def test_of_a_larger_turn_so_much_is_undone(face: np.ndarray, yaw: float) -> None:
    left = compute_frontal_mesh(turn_mesh(face, rotation_of(yaw, 0, 0)))
    angles = np.degrees(compute_pose_angles(compute_head_rotation(left)))[0]
    np.testing.assert_allclose(angles, [np.sign(yaw) * 15, 0, 0], atol=1e-3)


def test_undoing_is_continuous(face: np.ndarray) -> None:
    """A hundredth of a degree never moves a point by more than a tenth of a pixel."""
    for pitch, roll in ((0, 0), (20, 0), (-35, 40)):
        yaws = np.concatenate([np.arange(59.9, 60.1, 0.01), np.arange(84, 96, 0.01)[::40]])
        for yaw in yaws:
            pair = [turn_mesh(face, rotation_of(y, pitch, roll)) for y in (yaw, yaw + 0.01)]
            first, second = compute_frontal_mesh(np.concatenate(pair))
            assert np.abs(first - second).max() < 0.1


def test_roll_of_the_picture_is_no_matter_beyond_the_limit(face: np.ndarray) -> None:
    far = rotation_of(72, 20, 0)
    shapes = [
        compute_frontal_mesh(turn_mesh(face, rotation_of(0, 0, roll) @ far)) for roll in (0, 33)
    ]
    shapes = [shape - shape.mean(axis=1, keepdims=True) for shape in shapes]
    np.testing.assert_allclose(*shapes, atol=2e-3)


def test_a_mirrored_face_has_the_mirrored_pose(face: np.ndarray, mesh_mirror: np.ndarray) -> None:
    turned = turn_mesh(face, rotation_of(70, 20, -25))
    mirrored = turned[:, mesh_mirror] * np.float32([-1, 1, 1]) + np.float32([300, 0, 0])
    yaw, pitch, roll = compute_pose_angles(compute_head_rotation(turned))[0]
    np.testing.assert_allclose(
        compute_pose_angles(compute_head_rotation(mirrored))[0], [-yaw, pitch, -roll], atol=1e-5
    )
    upright = compute_frontal_mesh(turned)[:, mesh_mirror] * np.float32([-1, 1, 1])
    other = compute_frontal_mesh(mirrored)
    np.testing.assert_allclose(
        other - other.mean(axis=1, keepdims=True), upright - upright.mean(axis=1, keepdims=True),
        atol=2e-3,
    )  # fmt: skip


def test_an_upright_face_stays_where_it_is(face: np.ndarray) -> None:
    np.testing.assert_allclose(undo_rotation(face, np.eye(3)[None]), face, atol=1e-4)


def test_missing_points_give_missing_angles(face: np.ndarray) -> None:
    mesh = np.concatenate([face, face])
    mesh[0, 33] = np.nan
    rotation = compute_head_rotation(mesh)
    assert np.isnan(rotation[0]).all()
    assert np.isfinite(rotation[1]).all()
    assert np.isnan(undo_rotation(mesh, rotation)[0]).all()
    assert np.isnan(compute_pose_angles(rotation)[0]).all()


def test_the_family_gives_radians(face: np.ndarray) -> None:
    mesh = turn_mesh(face, rotation_of(20, -10, 5))
    faces = FaceBatch([np.zeros((9, 9), np.uint8)], mesh, np.zeros((1, 52), np.float32))
    values = get_family("pose").compute(faces)
    np.testing.assert_allclose(values, np.radians([[20, -10, 5]]), atol=1e-5)
    source, sign = get_family("pose").mirror
    assert (source.tolist(), sign.tolist()) == ([0, 1, 2], [-1, 1, -1])
