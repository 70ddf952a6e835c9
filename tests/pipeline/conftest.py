"""Rendered faces, small array datasets, and the landmarker."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from mien.errors import MienError
from mien.pipeline.detector import FaceDetector
from mien.pipeline.faceset import FaceSet
from mien.pipeline.landmarker_bundle import ensure_landmarker_bundle
from mien.pipeline.pictures import ArrayPictures
from mien.pipeline.reasons import Reason
from mien.pipeline.rendered.dataset import RenderedPictures, read_rendered
from mien.pipeline.rendered.renderer import RenderedFace


@pytest.fixture(scope="session")
def landmarker() -> Path:
    try:
        return ensure_landmarker_bundle()
    except MienError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def detector(landmarker: Path) -> Iterator[FaceDetector]:
    with FaceDetector(landmarker) as found:
        yield found


@pytest.fixture(scope="session")
def rendered(landmarker: Path) -> list[RenderedFace]:
    """Six faces of 256 pixels, of three people."""
    pictures = read_rendered("rendered:people=3,takes=1,seed=3", landmarker).pictures
    assert isinstance(pictures, RenderedPictures)
    return [pictures.render(index) for index in (0, 3, 6, 10, 15, 20)]


@pytest.fixture(scope="session")
def crops(rendered: list[RenderedFace]) -> np.ndarray:
    """The rendered faces as FER2013 has them: grey, tight, (6, 48, 48)."""
    return np.stack([_crop(face) for face in rendered])


def _crop(face: RenderedFace) -> np.ndarray:
    low, high = face.landmarks.min(axis=0), face.landmarks.max(axis=0)
    half = (high - low).max() * 0.58
    left, top = np.maximum(0, (low + high) / 2 - half).astype(int)
    right, bottom = ((low + high) / 2 + half).astype(int)
    grey = cv2.cvtColor(face.picture, cv2.COLOR_RGB2GRAY)[top:bottom, left:right]
    return cv2.resize(grey, (48, 48), interpolation=cv2.INTER_AREA)


MakeDataset = Callable[..., FaceSet]


@pytest.fixture(scope="session")
def make_dataset() -> MakeDataset:
    """A function that makes a dataset of pixels, with problems and reasons at some rows."""

    def make(
        pixels: np.ndarray,
        *,
        labels: Sequence[str] = ("happy", "sad"),
        problems: Mapping[int, tuple[Reason, str]] | None = None,
        reasons: Mapping[int, Reason] | None = None,
    ) -> FaceSet:
        rows = pd.DataFrame(
            {
                "picture": [f"row_{i}" for i in range(len(pixels))],
                "label": [labels[i % len(labels)] for i in range(len(pixels))],
                "subject": "",
                "sequence": "",
                "split": "",
                "reason": [str((reasons or {}).get(i, "")) for i in range(len(pixels))],
            },
            dtype="str",
        )
        pictures = ArrayPictures(pixels, problems)
        return FaceSet("Crops", "array", "pixels", rows, pictures, notes=("Made up.",))

    return make


@pytest.fixture(scope="session")
def london_pictures() -> list[Path]:
    """Twenty faces of the London set, where there is one."""
    given = os.environ.get("MIEN_TEST_DATA")
    data = Path(given) if given else Path(__file__).parents[3] / "shared" / "data"
    found = sorted((data / "london").rglob("*.jpg"))
    if len(found) < 20:
        pytest.skip("no London set here: set MIEN_TEST_DATA")
    return found[:: len(found) // 20][:20]


@pytest.fixture(scope="session")
def list_parts() -> Callable[[Path], dict[str, int]]:
    """A function that tells when each part of a store was written.

    An extraction that ends removes them meanwhile.
    """

    def find(out: Path) -> dict[str, int]:
        found = {}
        for path in (out / "parts").glob("[0-9]*.npz"):
            with contextlib.suppress(FileNotFoundError):
                found[path.name] = path.stat().st_mtime_ns
        return found

    return find
