from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from matplotlib.figure import Figure

from mien.errors import MienError
from mien.experiments.family_pictures import DRAWN, save_figure, write_pictures
from mien.features import families
from mien.pipeline.landmarker_bundle import ensure_landmarker_bundle

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        bundle = ensure_landmarker_bundle()
    except MienError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("families")
    write_pictures(folder, bundle)
    return folder


def test_every_built_in_family_has_a_picture_and_a_place_in_the_documents() -> None:
    built_in = {getattr(families, name).name for name in families.__all__}
    assert set(DRAWN) == built_in
    page = (DOCS / "families.md").read_text(encoding="utf-8")
    for name in built_in:
        assert f"## {name}\n" in page
        assert f"(families/{name}.png)" in page


@pytest.mark.parametrize("name", DRAWN)
def test_the_pictures_in_the_documents_are_those_that_are_drawn(name: str, drawn: Path) -> None:
    """Where this fails, draw them anew: ``mien features --pictures docs/families``."""
    paths = (drawn / f"{name}.png", DOCS / "families" / f"{name}.png")
    now, kept = (cv2.imread(str(path)).astype(int) for path in paths)
    assert now.shape == (360, 360, 3)
    assert now.shape == kept.shape
    assert np.abs(now - kept).mean() < 2.0


def test_the_pictures_differ(drawn: Path) -> None:
    pictures = [cv2.imread(str(path)).astype(int) for path in sorted(drawn.glob("*.png"))]
    assert len(pictures) == len(DRAWN)
    for i, one in enumerate(pictures):
        assert all(np.abs(one - other).mean() > 1.0 for other in pictures[:i])


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MienError, match="cannot be written"):
        save_figure(Figure(), tmp_path / "file" / "points.png")
