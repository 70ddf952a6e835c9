"""Synthetic faces for the feature tests: a flat face in the mesh's order, and smooth pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mien.errors import MienError
from mien.features.faces import BLENDSHAPES, FaceBatch
from mien.features.mesh_mirror import MESH_MIRROR
from mien.pipeline.detector import FaceDetector
from mien.pipeline.landmarker_bundle import ensure_landmarker_bundle
from mien.pipeline.preparation import to_grey
from mien.pipeline.rendered.mesh import FaceMesh, read_face_mesh
from mien.pipeline.rendered.people import make_person
from mien.pipeline.rendered.renderer import render_face


@pytest.fixture(scope="session")
def bundle() -> Path:
    try:
        return ensure_landmarker_bundle()
    except MienError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def canonical(bundle: Path) -> FaceMesh:
    return read_face_mesh(bundle)


@pytest.fixture(scope="session")
def frontal(canonical: FaceMesh) -> np.ndarray:
    """A frontal face of about 200 pixels, (478, 3), its middle at (0, 0), symmetric."""
    points = canonical.vertices * np.array([1, -1, -1], np.float32)
    points = (points + points[canonical.mirrored] * np.array([-1, 1, 1], np.float32)) / 2
    points = np.concatenate([points, np.zeros((10, 3), np.float32)])
    return ((points - points[168]) * 12).astype(np.float32)


@pytest.fixture(scope="session")
def mesh_mirror() -> np.ndarray:
    """The mirror partner of each of the 478 mesh points."""
    return np.array(MESH_MIRROR)


@pytest.fixture(scope="session")
def rendered_faces(bundle: Path, canonical: FaceMesh) -> FaceBatch:
    """Four rendered faces of different people and sizes, as the landmarker sees them."""
    cases = (("happy", 256), ("surprise", 300), ("neutral", 200), ("sad", 377))
    greys = [
        to_grey(render_face(canonical, make_person(5, i), label, seed=5, size=size).picture)
        for i, (label, size) in enumerate(cases)
    ]
    with FaceDetector(bundle) as detector:
        found = [detector.detect(grey) for grey in greys]
    assert all(found)
    return FaceBatch(
        greys,
        np.stack([face.mesh for face in found if face]),
        np.stack([face.blendshapes for face in found if face]),
    )


Batch = Callable[..., FaceBatch]


@pytest.fixture(scope="session")
def make_faces(frontal: np.ndarray) -> Batch:
    """A function that makes faces with jittered landmarks in textured pictures of many sizes."""

    def make(n: int, seed: int = 0) -> FaceBatch:
        rng = np.random.default_rng(seed)
        sizes = [(300 + 17 * i, 280 + 29 * i) for i in range(n)]
        pictures = [rng.integers(0, 256, size, dtype=np.uint8) for size in sizes]
        centres = np.array([(w / 2, h / 2.2, 0) for h, w in sizes]).reshape(n, 1, 3)
        mesh = frontal + rng.normal(0, 1.5, (n, *frontal.shape)) + centres
        return FaceBatch(
            pictures=pictures,
            mesh=mesh.astype(np.float32),
            blendshapes=rng.random((n, BLENDSHAPES), dtype=np.float32),
        )

    return make
