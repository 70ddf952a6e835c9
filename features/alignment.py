"""Upright, equally sized faces: a similarity transform from eye and mouth centres."""

from __future__ import annotations

import math

import cv2
import numpy as np

from mien.features.scheme import point_index, select_named_points

ALIGNED_EYES_AND_MOUTH = np.array([[0.3, 0.35], [0.7, 0.35], [0.5, 0.75]], dtype=np.float32)
"""Where the left eye, right eye and mouth centre go, as shares of the crop's side (x, y)."""


def compute_anchor_points(mesh: np.ndarray) -> np.ndarray:
    """Return the left eye's, the right eye's and the mouth's centre.

    Parameters
    ----------
    mesh : ndarray, shape (n, 478, d)
        Mesh landmarks in pixels, x right, y down.

    Returns
    -------
    ndarray of float32, shape (n, 3, 2)
    """
    return select_anchor_points(select_named_points(mesh[..., :2])).astype(np.float32)


def select_anchor_points(named: np.ndarray) -> np.ndarray:
    """Take the eyes' and the mouth's centres from the 64 named points.

    Parameters
    ----------
    named : ndarray, shape (n, 64, 2)

    Returns
    -------
    ndarray, shape (n, 3, 2)
        The left eye's, the right eye's and the mouth's centre.
    """
    corners = [point_index("left_mouth_corner"), point_index("right_mouth_corner")]
    mouth = named[:, corners].mean(axis=1)
    left, right = point_index("left_eye_centre"), point_index("right_eye_centre")
    return np.stack([named[:, left], named[:, right], mouth], axis=1)


def compute_similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Fit rotation, scale and shift by least squares.

    Parameters
    ----------
    source : ndarray, shape (n, k, 2)
        Points of each face.
    target : ndarray, shape (k, 2)
        Where they should go.

    Returns
    -------
    ndarray of float32, shape (n, 2, 3)
        Matrices that take (x, y, 1) to the target frame. No reflection. NaN where a point is
        missing or all points coincide.

    Notes
    -----
    With points as complex numbers the best similarity ``w = a z + b`` has
    ``a = sum(conj(z) w) / sum(|z|^2)`` over centred points (Umeyama 1991, two dimensions).
    """
    z = source[..., 0] + 1j * source[..., 1]
    w = target[:, 0] + 1j * target[:, 1]
    z_mean, w_mean = z.mean(axis=1, keepdims=True), w.mean()
    z_centred = z - z_mean
    with np.errstate(invalid="ignore", divide="ignore"):
        a = (np.conj(z_centred) * (w - w_mean)).sum(axis=1) / (np.abs(z_centred) ** 2).sum(axis=1)
        b = w_mean - a * z_mean[:, 0]
    rows = [np.stack([a.real, -a.imag, b.real], -1), np.stack([a.imag, a.real, b.imag], -1)]
    return np.stack(rows, axis=1).astype(np.float32)


def compute_crop_transform(mesh: np.ndarray, size: int) -> np.ndarray:
    """Return the transform from the picture to an aligned square crop.

    Parameters
    ----------
    mesh : ndarray, shape (n, 478, d)
        Mesh landmarks in pixels; (0, 0) is the centre of the top left pixel.
    size : int
        The crop's side in pixels.

    Returns
    -------
    ndarray of float32, shape (n, 2, 3)
    """
    target = ALIGNED_EYES_AND_MOUTH * size - 0.5
    return compute_similarity(compute_anchor_points(mesh), target)


def transform_points(transform: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Apply 2 x 3 transforms to points.

    Parameters
    ----------
    transform : ndarray, shape (n, 2, 3)
    points : ndarray, shape (n, k, 2)

    Returns
    -------
    ndarray, shape (n, k, 2)
    """
    x, y, (a, b, c) = points[..., 0], points[..., 1], np.moveaxis(transform, 2, 0)[..., None]
    return np.stack([a[:, 0] * x + b[:, 0] * y + c[:, 0], a[:, 1] * x + b[:, 1] * y + c[:, 1]], -1)


def warp_crop(picture: np.ndarray, transform: np.ndarray, *, size: int, margin: int) -> np.ndarray:
    """Cut an aligned crop with a margin out of a grey picture.

    Parameters
    ----------
    picture : ndarray of uint8, shape (height, width)
    transform : ndarray, shape (2, 3)
        From the picture to the crop without margin.
    size, margin : int
        The crop's side and the extra pixels around it.

    Returns
    -------
    ndarray of uint8, shape (size + 2 * margin, size + 2 * margin)
        Pixels outside the picture repeat its edge. Where the crop is to be less than 3/8 of its
        size in the picture, the picture is first reduced by averaging, so that fine texture does
        not alias.
    """
    matrix = transform.astype(np.float64)
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    factor = int(0.75 / scale) if scale > 0 else 1
    if factor >= 2:
        height, width = (max(1, side // factor) for side in picture.shape)
        sx, sy = picture.shape[1] / width, picture.shape[0] / height
        picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        matrix[:, 2] += matrix[:, 0] * (sx - 1) / 2 + matrix[:, 1] * (sy - 1) / 2
        matrix[:, 0] *= sx
        matrix[:, 1] *= sy
    matrix[:, 2] += margin
    side = size + 2 * margin
    part = _find_part(picture.shape, matrix, side)
    if part is None:
        return cv2.warpAffine(picture, matrix, (side, side), borderMode=cv2.BORDER_REPLICATE)
    picture, corner = _cut_part(picture, part)
    matrix[:, 2] += matrix[:, :2] @ corner
    return cv2.warpAffine(picture, matrix, (side, side))


def _find_part(
    shape: tuple[int, ...], matrix: np.ndarray, side: int
) -> tuple[int, int, int, int] | None:
    """Return the pixels that a crop reads: left, top, right, bottom, perhaps outside the picture.

    None where that is far more than the picture has.
    """
    (a, b, p), (c, d, q) = matrix.tolist()
    determinant = a * d - b * c
    if not determinant:
        return None
    far = (side - 1) / determinant
    x, y = (b * q - d * p) / determinant, (c * p - a * q) / determinant
    left, right = x + min(d * far, 0) + min(-b * far, 0), x + max(d * far, 0) + max(-b * far, 0)
    top, bottom = y + min(-c * far, 0) + min(a * far, 0), y + max(-c * far, 0) + max(a * far, 0)
    reach = 2 * max(*shape, side)
    if not (-reach < left <= right < 2 * reach and -reach < top <= bottom < 2 * reach):
        return None
    return math.floor(left) - 1, math.floor(top) - 1, int(right) + 3, int(bottom) + 3


def _cut_part(
    picture: np.ndarray, part: tuple[int, int, int, int]
) -> tuple[np.ndarray, tuple[int, int]]:
    """Cut a part out, with the picture's edge repeated outside; return it and its corner (x, y).

    ``warpAffine`` is more than twice as fast where it need not repeat the edge by itself.
    """
    left, top, right, bottom = part
    height, width = picture.shape
    x0, x1 = min(max(left, 0), width - 1), max(min(right, width), 1)
    y0, y1 = min(max(top, 0), height - 1), max(min(bottom, height), 1)
    inner = picture[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)]
    pads = (max(y0 - top, 0), max(bottom - y1, 0), max(x0 - left, 0), max(right - x1, 0))
    padded = cv2.copyMakeBorder(inner, *pads, cv2.BORDER_REPLICATE) if any(pads) else inner
    return padded, (x0 - pads[2], y0 - pads[0])


def measure_extremes(crop: np.ndarray, margin: int) -> tuple[int, int]:
    """Return the darkest and the brightest grey value inside a crop's margin."""
    inner = crop[margin : len(crop) - margin, margin : crop.shape[1] - margin]
    darkest, brightest, _, _ = cv2.minMaxLoc(inner)
    return int(darkest), int(brightest)
