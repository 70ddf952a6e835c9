from __future__ import annotations

import numpy as np

from mien.features.faces import FaceBatch
from mien.features.patch_points import MARGIN, PATCH_POINTS, compute_patch_centres
from mien.features.registry import get_family


def describe(picture: np.ndarray, faces: FaceBatch) -> dict[str, float]:
    family = get_family("patch_sift")
    values = family.compute(FaceBatch([picture], faces.mesh[:1], faces.blendshapes[:1]))[0]
    return dict(zip(family.feature_names, values.tolist(), strict=True))


def test_each_descriptor_is_a_rooted_share(rendered_faces: FaceBatch) -> None:
    values = get_family("patch_sift").compute(rendered_faces)
    lengths = np.linalg.norm(values.reshape(len(rendered_faces), 64, 128), axis=-1)
    np.testing.assert_allclose(lengths, 1 / 8, rtol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(values, axis=1), 1, rtol=1e-5)


def test_directions_of_the_bins(rendered_faces: FaceBatch) -> None:
    """Brighter to the right is bin 0, brighter upward bin 2."""
    height, width = rendered_faces.pictures[0].shape
    right = np.tile(np.linspace(0, 255, width), (height, 1)).astype(np.uint8)
    up = np.tile(np.linspace(255, 0, height)[:, None], (1, width)).astype(np.uint8)
    for picture, expected in ((right, "bin0"), (up, "bin2")):
        found = describe(picture, rendered_faces)
        shares: dict[str, float] = {}
        for name, value in found.items():
            k = name.rsplit(":", 1)[1]
            shares[k] = shares.get(k, 0) + value**2
        assert max(shares, key=lambda k: shares[k]) == expected


def test_rows_go_down_and_columns_right(rendered_faces: FaceBatch) -> None:
    """A bright dot up and left of the nose tip shows in its window's first row and column."""
    family = get_family("patch_sift")
    mesh = rendered_faces.mesh[:1]
    faces = FaceBatch(rendered_faces.pictures[:1], mesh, rendered_faces.blendshapes[:1])
    transform = faces.crops(96, MARGIN).transforms[0]
    tip = compute_patch_centres(faces, 96, MARGIN)[0, PATCH_POINTS.index(4)]
    y, x = np.indices(faces.pictures[0].shape)
    seen = np.stack([x, y], axis=-1) @ transform[:, :2].T + transform[:, 2]
    away = np.linalg.norm(seen - (tip - np.array([9, 3])), axis=-1)
    picture = (20 + 230 * np.exp(-((away / 2) ** 2))).astype(np.uint8)
    values = family.compute(FaceBatch([picture], mesh, faces.blendshapes))
    cells = (values.reshape(64, 4, 4, 8)[PATCH_POINTS.index(4)] ** 2).sum(axis=-1)
    assert np.unravel_index(cells.argmax(), (4, 4)) == (1, 0)


def test_a_blank_face_is_zero(rendered_faces: FaceBatch) -> None:
    assert not any(describe(np.full((300, 300), 99, np.uint8), rendered_faces).values())
