from __future__ import annotations

import numpy as np
import pytest

from mien.features.blendshapes import Blendshapes
from mien.features.face_changes import mirror_faces, move_faces
from mien.features.faces import FaceBatch
from mien.features.mesh_mirror import MESH_MIRROR
from mien.features.pose import compute_frontal_mesh
from mien.features.scheme import MESH_POINTS, POINTS, mirror_order
from mien.pipeline.rendered.mesh import FaceMesh


def test_mirroring_undoes_itself() -> None:
    order = np.array(MESH_MIRROR)
    assert order.shape == (MESH_POINTS,)
    np.testing.assert_array_equal(order[order], np.arange(MESH_POINTS))


def test_the_surface_has_the_canonical_faces_partners(canonical: FaceMesh) -> None:
    np.testing.assert_array_equal(MESH_MIRROR[:468], canonical.mirrored)


def test_named_points_have_the_same_partners() -> None:
    for point, partner in zip(POINTS, mirror_order(), strict=True):
        assert {MESH_MIRROR[i] for i in point.mesh} == set(POINTS[partner].mesh)


def test_irises_are_each_others_partners(rendered_faces: FaceBatch) -> None:
    """On average over frontal faces, within a tenth of the distance between a ring's points."""
    mesh = compute_frontal_mesh(rendered_faces.mesh)
    mesh -= (mesh[:, [33]] + mesh[:, [263]]) / 2
    mesh /= (mesh[:, 263, 0] - mesh[:, 33, 0])[:, None, None]
    face = mesh.mean(axis=0)[:, :2]
    iris = np.arange(468, 478)
    away = np.linalg.norm(face[iris] * [-1, 1] - face[np.array(MESH_MIRROR)[iris]], axis=1)
    ring = np.linalg.norm(face[469] - face[470])
    assert away.max() < 0.6 * ring


def test_mirrored_faces(rendered_faces: FaceBatch) -> None:
    mirrored = mirror_faces(rendered_faces)
    np.testing.assert_array_equal(mirrored.pictures[0], rendered_faces.pictures[0][:, ::-1])
    width = rendered_faces.pictures[1].shape[1]
    np.testing.assert_allclose(
        mirrored.mesh[1, 263],
        rendered_faces.mesh[1, 33] * [-1, 1, 1] + [width - 1, 0, 0],
        rtol=1e-5,
    )
    source, _ = Blendshapes().mirror
    np.testing.assert_array_equal(mirrored.blendshapes, rendered_faces.blendshapes[:, source])
    again = mirror_faces(mirrored)
    np.testing.assert_allclose(again.mesh, rendered_faces.mesh, atol=1e-4)
    np.testing.assert_array_equal(again.blendshapes, rendered_faces.blendshapes)


def test_moved_faces_keep_their_landmarks_on_their_pixels() -> None:
    """A bright block in the picture and the landmark at its middle go to the same place."""
    picture = np.zeros((60, 90), np.uint8)
    picture[18:23, 62:67] = 250
    mesh = np.tile(np.float32([64, 20, 3]), (1, MESH_POINTS, 1))
    faces = FaceBatch([picture], mesh, np.zeros((1, 52), np.float32))
    for change in (
        {"shift": (5.5, -3.0)},
        {"scale": 2.0},
        {"roll": 30.0},
        {"roll": -90, "scale": 1.2},
    ):
        moved = move_faces(faces, **change)
        weight = moved.pictures[0].astype(float)
        rows, columns = np.indices(weight.shape)
        middle = [(weight * axis).sum() / weight.sum() for axis in (columns, rows)]
        np.testing.assert_allclose(moved.mesh[0, 7, :2], middle, atol=0.05)
        assert moved.mesh[0, 7, 2] == pytest.approx(3 * change.get("scale", 1))


def test_a_roll_is_anticlockwise() -> None:
    picture = np.zeros((50, 50), np.uint8)
    mesh = np.zeros((1, MESH_POINTS, 3), np.float32)
    mesh[0, 263] = 10, 0, 0
    rolled = move_faces(FaceBatch([picture], mesh, np.zeros((1, 52), np.float32)), roll=90).mesh[0]
    np.testing.assert_allclose(rolled[263] - rolled[33], [0, -10, 0], atol=1e-4)
