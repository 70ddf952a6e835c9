"""The 48 x 48 grey face that the CNN reads, and the sample faces that reports show."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import cv2
import numpy as np

from mien.features.scheme import select_named_points

CNN_SIDE = 48
SAMPLE_SIDE = 168
_FACE_SHARE = 1.15
_SAMPLE_SHARE = 1.45


@dataclass(frozen=True)
class CropBox:
    """A square of a picture.

    Attributes
    ----------
    x, y : float
        The top left corner in pixels, (0, 0) at the picture's corner.
    side : float
        In pixels.
    """

    x: float
    y: float
    side: float


def compute_crop_box(shape: tuple[int, ...], mesh: np.ndarray | None) -> CropBox:
    """Choose the square around the face.

    Parameters
    ----------
    shape : tuple of int
        The picture's (height, width, ...).
    mesh : ndarray, shape (478, 3), or None
        Landmarks in pixels, if a face was found.

    Returns
    -------
    CropBox
        The whole picture when it is 48 x 48 already; the landmarks' box, made square and enlarged
        by 15 %, when there is a face; else the central square.
    """
    height, width = shape[:2]
    if height == width == CNN_SIDE or mesh is None:
        side = float(min(height, width))
        return CropBox((width - side) / 2, (height - side) / 2, side)
    return _box_around(mesh, _FACE_SHARE)


def _box_around(mesh: np.ndarray, share: float) -> CropBox:
    low, high = mesh[:, :2].min(axis=0) + 0.5, mesh[:, :2].max(axis=0) + 0.5
    side = float((high - low).max()) * share
    corner = (low + high) / 2 - side / 2
    return CropBox(float(corner[0]), float(corner[1]), side)


def cut_square(picture: np.ndarray, box: CropBox, side: int) -> np.ndarray:
    """Cut a square and bring it to ``side`` pixels; outside the picture its edge is repeated.

    Parameters
    ----------
    picture : ndarray of uint8, shape (height, width) or (height, width, 3)
    box : CropBox
    side : int

    Returns
    -------
    ndarray of uint8, shape (side, side) or (side, side, 3)
    """
    height, width = picture.shape[:2]
    if (box.x, box.y, box.side) == (0, 0, side) and height == width == side:
        return picture
    left, top = int(np.floor(box.x)), int(np.floor(box.y))
    extent = max(1, round(box.side))
    before = (max(0, -top), max(0, -left))
    after = (max(0, top + extent - height), max(0, left + extent - width))
    if any((*before, *after)):
        picture = cv2.copyMakeBorder(
            picture, before[0], after[0], before[1], after[1], cv2.BORDER_REPLICATE
        )
    y, x = top + before[0], left + before[1]
    square = picture[y : y + extent, x : x + extent]
    shrinking = extent > side
    return cv2.resize(
        square, (side, side), interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_CUBIC
    )


def draw_sample(picture: np.ndarray, mesh: np.ndarray) -> str:
    """Draw a face with its 64 named points.

    Parameters
    ----------
    picture : ndarray of uint8, grey or RGB
    mesh : ndarray of float32, shape (478, 3)

    Returns
    -------
    str
        A ``data:image/jpeg`` URI, 168 x 168 pixels.
    """
    height, width = picture.shape[:2]
    box = (
        CropBox(0, 0, float(width))
        if height == width == CNN_SIDE
        else _box_around(mesh, _SAMPLE_SHARE)
    )
    face = cut_square(picture, box, SAMPLE_SIDE)
    canvas = cv2.cvtColor(face, cv2.COLOR_GRAY2BGR if face.ndim == 2 else cv2.COLOR_RGB2BGR)
    corner = np.array([np.floor(box.x), np.floor(box.y)])
    scale = SAMPLE_SIDE / max(1, round(box.side))
    points = (select_named_points(mesh)[:, :2] + 0.5 - corner) * scale - 0.5
    for x, y in np.rint(points * 8).astype(int):
        cv2.circle(canvas, (int(x), int(y)), 14, (40, 40, 40), -1, cv2.LINE_AA, 3)
        cv2.circle(canvas, (int(x), int(y)), 10, (120, 255, 190), -1, cv2.LINE_AA, 3)
    return encode_face(canvas)


def encode_face(picture: np.ndarray) -> str:
    """Write a picture as text that a page can hold.

    Parameters
    ----------
    picture : ndarray of uint8, shape (height, width) or (height, width, 3)
        Grey, or blue, green and red.

    Returns
    -------
    str
        A ``data:image/jpeg`` URI.
    """
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 88])
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode("ascii")
