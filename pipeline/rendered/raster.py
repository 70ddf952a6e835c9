"""A small software rasteriser: depth-sorted triangles, values interpolated on them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

_SHIFT = 4


@dataclass(frozen=True, eq=False)
class Camera:
    """A perspective camera on the head's axis.

    Attributes
    ----------
    scale : float
        Pixels a centimetre at depth 0.
    center : tuple of float
        Where the origin falls, pixels from the left and from the top.
    distance : float
        From the origin to the camera, cm.
    """

    scale: float
    center: tuple[float, float]
    distance: float = 65.0

    def project(self, points: np.ndarray) -> np.ndarray:
        """Project points in cm, shape (..., 3), to pixels (x right, y down), shape (..., 2)."""
        factor = self.scale * self.distance / (self.distance - points[..., 2:])
        return points[..., :2] * factor * np.array([1, -1], np.float32) + self.center


def draw_triangle_ids(
    points: np.ndarray, depth: np.ndarray, triangles: np.ndarray, *, size: int
) -> np.ndarray:
    """Draw which triangle is in front at every pixel.

    Triangles that face away (clockwise on the screen after y is turned down) are left out, the
    others are painted from back to front.

    Parameters
    ----------
    points : ndarray of float32, shape (n, 2)
        Pixels, x right and y down.
    depth : ndarray of float32, shape (n,)
        Larger is nearer.
    triangles : ndarray of int, shape (m, 3)
        Counter-clockwise seen from the front.
    size : int
        Width and height in pixels.

    Returns
    -------
    ndarray of int32, shape (size, size)
        Triangle number plus one; 0 where there is none.
    """
    corners = points[triangles]
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    facing = np.flatnonzero(area < -1e-3)
    order = facing[np.argsort(depth[triangles[facing]].mean(axis=1), kind="stable")]
    fixed = np.round(corners * (1 << _SHIFT)).astype(np.int32)
    ids = np.zeros((size, size), np.int32)
    for number in order.tolist():
        cv2.fillConvexPoly(ids, fixed[number], number + 1, cv2.LINE_8, _SHIFT)
    return ids


def fit_triangle_values(
    points: np.ndarray, triangles: np.ndarray, values: np.ndarray
) -> np.ndarray:
    """Fit each triangle's values as linear functions of the pixel.

    Parameters
    ----------
    points : ndarray of float32, shape (n, 2)
        Pixels.
    triangles : ndarray of int, shape (m, 3)
        Vertex numbers.
    values : ndarray of float32, shape (n, k)
        Values at the vertices.

    Returns
    -------
    ndarray of float32, shape (m, k, 3)
        ``a, b, c`` so that the value at (x, y) is ``a x + b y + c``.
    """
    origin = points[triangles[:, 0]]
    first = points[triangles[:, 1]] - origin
    second = points[triangles[:, 2]] - origin
    area = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    area = np.where(np.abs(area) < 1e-3, np.inf, area)[:, None]
    start = values[triangles[:, 0]]
    along, across = values[triangles[:, 1]] - start, values[triangles[:, 2]] - start
    a = (along * second[:, 1:2] - across * first[:, 1:2]) / area
    b = (across * first[:, 0:1] - along * second[:, 0:1]) / area
    c = start - a * origin[:, 0:1] - b * origin[:, 1:2]
    return np.stack([a, b, c], axis=2).astype(np.float32)


def interpolate(coefficients: np.ndarray, ids: np.ndarray, *, step: int = 1) -> np.ndarray:
    """Evaluate fitted values at all covered pixels.

    Parameters
    ----------
    coefficients : ndarray of float32, shape (m, k, 3)
        From :func:`fit_triangle_values`.
    ids : ndarray of int32, shape (height, width)
        From :func:`draw_triangle_ids`, or every ``step``-th row and column of it.
    step : int
        Distance of the rows and columns of ``ids`` in pixels of the fit.

    Returns
    -------
    ndarray of float32, shape (k, height, width)
        Zero where no triangle is.
    """
    height, width = ids.shape
    x = np.arange(width, dtype=np.float32) * step
    y = np.arange(height, dtype=np.float32)[:, None] * step
    values = np.empty((coefficients.shape[1], height, width), np.float32)
    for channel, value in enumerate(values):
        a, b, c = np.pad(coefficients[:, channel].T, ((0, 0), (1, 0)))
        np.multiply(a.take(ids), x, out=value)
        value += b.take(ids) * y
        value += c.take(ids)
    return values


def compute_vertex_normals(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Compute unit normals at vertices: the triangles' normals averaged, weighted by area.

    Parameters
    ----------
    points : ndarray of float32, shape (n, 3)
        Vertices.
    triangles : ndarray of int, shape (m, 3)
        Counter-clockwise seen from outside.

    Returns
    -------
    ndarray of float32, shape (n, 3)
    """
    corners = points[triangles]
    face = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.zeros_like(points)
    for corner in range(3):
        for axis in range(3):
            normals[:, axis] += np.bincount(
                triangles[:, corner], weights=face[:, axis], minlength=len(points)
            )
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
