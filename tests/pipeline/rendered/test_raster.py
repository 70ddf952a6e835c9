from __future__ import annotations

import numpy as np
import pytest

from mien.pipeline.rendered.drawing import smooth_curve
from mien.pipeline.rendered.raster import (
    Camera,
    compute_vertex_normals,
    draw_triangle_ids,
    fit_triangle_values,
    interpolate,
)


def test_camera_puts_y_down_and_near_points_further_out() -> None:
    camera = Camera(scale=10, center=(50, 60), distance=50)
    assert camera.project(np.array([[1.0, 2.0, 0.0]])).tolist() == [[60, 40]]
    assert camera.project(np.array([[1.0, 0.0, 25.0]])).tolist() == [[70, 60]]


def test_nearer_triangle_hides_the_farther_and_turned_ones_are_left_out() -> None:
    points = np.array([[2, 2], [2, 30], [30, 30], [30, 2]], np.float32)
    points = np.concatenate([points, points])
    depth = np.array([0, 0, 0, 0, 5, 5, 5, 5], np.float32)
    whole = np.array([[4, 5, 6], [0, 1, 2], [0, 2, 3], [0, 3, 2]])
    ids = draw_triangle_ids(points, depth, whole, size=40)
    assert ids[25, 6] == 1
    assert ids[6, 25] == 3
    assert ids[35, 35] == 0
    assert set(np.unique(ids)) == {0, 1, 3}


def test_interpolation_is_exact_for_linear_values() -> None:
    points = np.array([[0, 0], [0, 20], [20, 20], [20, 0]], np.float32)
    triangles = np.array([[0, 1, 2], [0, 2, 3]])
    values = np.stack([points[:, 0] * 2 + 1, points[:, 1] - points[:, 0]], axis=1)
    ids = draw_triangle_ids(points, np.zeros(4), triangles, size=24)
    found = interpolate(fit_triangle_values(points, triangles, values), ids)
    assert found[:, 5, 12] == pytest.approx([25, -7], abs=1e-3)
    assert found[:, 12, 5] == pytest.approx([11, 7], abs=1e-3)
    assert found[:, 23, 23].tolist() == [0, 0]
    halved = interpolate(fit_triangle_values(points, triangles, values), ids[::2, ::2], step=2)
    assert np.allclose(halved, found[:, ::2, ::2], atol=1e-3)


def test_normals_point_at_the_viewer() -> None:
    square = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
    normals = compute_vertex_normals(square, np.array([[0, 1, 2], [0, 2, 3]]))
    assert normals == pytest.approx(np.array([[0, 0, 1]] * 4))


def test_smooth_curve_passes_through_its_points() -> None:
    points = np.array([[0, 0], [2, 1], [4, 0], [6, 3]], float)
    curve = smooth_curve(points, steps=4)
    assert len(curve) == 13
    assert curve[::4] == pytest.approx(points)
    assert len(smooth_curve(points, steps=4, closed=True)) == 16
