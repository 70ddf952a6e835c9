from __future__ import annotations

import numpy as np
import pytest

from mien.pipeline.video.face_box import FaceBox, box_around


def test_the_box_goes_around_whole_pixels() -> None:
    mesh = np.array([[0, 0, 9], [9, 4, -9], [3, 2, 0]], dtype=np.float32)
    assert box_around(mesh) == FaceBox(0.5, 0.5, 9, 4)


def test_overlap_is_the_shared_area_over_both() -> None:
    first = FaceBox(0, 0, 4, 2)
    assert first.measure_overlap(first) == 1
    assert first.measure_overlap(FaceBox(2, 0, 4, 2)) == pytest.approx(4 / 12)
    assert first.measure_overlap(FaceBox(4, 0, 4, 2)) == 0
    assert first.measure_overlap(FaceBox(9, 9, 1, 1)) == 0
    assert FaceBox(0, 0, 0, 0).measure_overlap(FaceBox(0, 0, 0, 0)) == 0


def test_distance_is_in_sides_of_the_larger_box() -> None:
    assert FaceBox(0, 0, 2, 2).measure_distance(FaceBox(3, 0, 4, 2)) == pytest.approx(1.0)


def test_a_point_on_the_edge_is_inside() -> None:
    box = FaceBox(1, 2, 3, 4)
    assert box.contains(np.array([1, 6]))
    assert not box.contains(np.array([0.9, 3]))
    assert not box.contains(np.array([2, 6.1]))
