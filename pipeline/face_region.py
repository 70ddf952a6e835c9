"""Where a face network looks: a turned square of a picture, and cutting it out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

_EYE_CORNERS = (33, 263)
_ENLARGED = 1.5


@dataclass(frozen=True)
class Region:
    """A square that may be turned.

    Attributes
    ----------
    x, y : float
        Its centre in pixels; (0, 0) is the picture's top left corner.
    side : float
        In pixels.
    angle : float
        Radians, clockwise in the picture.
    """

    x: float
    y: float
    side: float
    angle: float = 0.0


def region_from_box(
    low: np.ndarray, high: np.ndarray, first: np.ndarray, second: np.ndarray
) -> Region:
    """Return the region for the landmark network: half as large again, eyes level.

    Parameters
    ----------
    low, high : ndarray, shape (2,)
        The face box's corners (x, y) in pixels.
    first, second : ndarray, shape (2,)
        Points of the picture's left and right eye.

    Returns
    -------
    Region
    """
    x, y = (low + high) / 2
    dx, dy = second - first
    return Region(
        float(x), float(y), float((high - low).max()) * _ENLARGED, float(np.arctan2(dy, dx))
    )


def region_from_mesh(mesh: np.ndarray) -> Region:
    """Return the region around landmarks that were found already.

    Parameters
    ----------
    mesh : ndarray, shape (478, 3)
        In pixels; (0, 0) is the picture's top left corner.
    """
    points = mesh[:, :2]
    left, right = (points[i] for i in _EYE_CORNERS)
    return region_from_box(points.min(axis=0), points.max(axis=0), left, right)


def cut_region(picture: np.ndarray, region: Region, side: int) -> np.ndarray:
    """Cut a region out and bring it to ``side`` pixels.

    Parameters
    ----------
    picture : ndarray of uint8, shape (height, width) or (height, width, 3)
    region : Region
    side : int

    Returns
    -------
    ndarray of uint8, shape (side, side) or (side, side, 3)
        Outside the picture its edge is repeated.

    Notes
    -----
    As MediaPipe cuts: corner to corner, without regard to pixel centres, and places rounded to
    1/32 pixel. The networks' landmarks move by up to a pixel otherwise.
    """
    where, share = _make_map(region, side)
    return cv2.remap(picture, where, share, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _make_map(region: Region, side: int) -> tuple[np.ndarray, np.ndarray]:
    if region.angle:
        return _compute_map(region, side)
    return _compute_level_map(region, side)


@lru_cache(maxsize=8)
def _compute_level_map(region: Region, side: int) -> tuple[np.ndarray, np.ndarray]:
    return _compute_map(region, side)


def _compute_map(region: Region, side: int) -> tuple[np.ndarray, np.ndarray]:
    steps = (np.arange(side, dtype=np.float32) - side / 2) * np.float32(region.side / side)
    along, across = np.float32(np.cos(region.angle)), np.float32(np.sin(region.angle))
    x = np.add.outer(region.x - across * steps, along * steps, dtype=np.float32)
    y = np.add.outer(region.y + along * steps, across * steps, dtype=np.float32)
    return cv2.convertMaps(x, y, cv2.CV_16SC2)


def place_in_picture(mesh: np.ndarray, region: Region) -> np.ndarray:
    """Bring landmarks from a region back to the picture.

    Parameters
    ----------
    mesh : ndarray, shape (k, 3)
        As shares of the region's side; x right, y down, z away from the camera.
    region : Region

    Returns
    -------
    ndarray of float32, shape (k, 3)
        In pixels of the picture; (0, 0) is its top left corner.
    """
    x, y = mesh[:, 0] - 0.5, mesh[:, 1] - 0.5
    along, across = np.cos(region.angle), np.sin(region.angle)
    placed = np.empty(mesh.shape, dtype=np.float32)
    placed[:, 0] = (along * x - across * y) * region.side + region.x
    placed[:, 1] = (across * x + along * y) * region.side + region.y
    placed[:, 2] = mesh[:, 2] * region.side
    return placed
