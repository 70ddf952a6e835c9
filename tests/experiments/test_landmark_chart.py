from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.errors import MienError
from mien.experiments.landmark_chart import SIDE, make_table, write_chart
from mien.features.scheme import POINTS
from mien.pipeline.landmarker_bundle import ensure_landmarker_bundle

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        bundle = ensure_landmarker_bundle()
    except MienError as error:
        pytest.skip(str(error))
    target = tmp_path_factory.mktemp("chart") / "landmarks.png"
    write_chart(target, bundle)
    return target


def count_dots(picture: np.ndarray, colour: tuple[int, int, int]) -> int:
    """Count the connected spots of exactly this colour."""
    spots = (picture == colour).all(axis=2).astype(np.uint8)
    return cv2.connectedComponents(spots)[0] - 1


def test_the_document_has_the_schemes_table() -> None:
    """Where this fails, the scheme was changed: write the table anew with make_table()."""
    document = (DOCS / "landmarks.md").read_text(encoding="utf-8")
    assert document.endswith(make_table())
    assert "(landmarks.png)" in document
    assert (DOCS / "landmarks.png").is_file()


def test_the_table_has_a_line_a_point() -> None:
    lines = make_table().splitlines()
    assert len(lines) == 2 + 64
    assert lines[2] == "| 1 | `left_temple` | 127 |  |"
    assert lines[17] == "| 16 | `left_brow_outer_corner` | 70, 46 | primary |"
    assert sum(line.endswith("| primary |") for line in lines) == 13


def test_the_chart_has_a_dot_a_point(chart: Path) -> None:
    picture = cv2.imread(str(chart))
    assert picture.shape == (SIDE, SIDE, 3)
    primary = sum(point.primary for point in POINTS)
    # and one of each in the legend
    assert count_dots(picture, (28, 72, 214)) == primary + 1
    assert count_dots(picture, (150, 84, 20)) == len(POINTS) - primary + 1


def test_the_chart_in_the_documents_is_of_this_scheme(chart: Path) -> None:
    drawn, kept = (cv2.imread(str(path)).astype(int) for path in (chart, DOCS / "landmarks.png"))
    assert drawn.shape == kept.shape
    assert np.abs(drawn - kept).mean() < 1
