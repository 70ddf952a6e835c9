"""The landmarker bundle, where it is present: it holds the mesh."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mien.pipeline.rendered.mesh import FaceMesh, read_face_mesh


@pytest.fixture(scope="session")
def bundle() -> Path:
    given = os.environ.get("MIEN_LANDMARKER")
    path = Path(given) if given else Path.home() / ".cache" / "mien" / "face_landmarker.task"
    if not path.is_file():
        pytest.skip(f"no landmarker bundle at {path}")
    return path


@pytest.fixture(scope="session")
def mesh(bundle: Path) -> FaceMesh:
    return read_face_mesh(bundle)
