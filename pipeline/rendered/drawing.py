"""Smooth curves and soft masks drawn with OpenCV at sub-pixel places."""

from __future__ import annotations

import cv2
import numpy as np

_SHIFT = 4


def smooth_curve(points: np.ndarray, *, steps: int = 5, closed: bool = False) -> np.ndarray:
    """Catmull-Rom spline through points, shape (n, d), with ``steps`` pieces a gap."""
    if closed:
        padded = np.concatenate([points[-1:], points, points[:2]])
    else:
        first, last = 2 * points[:1] - points[1:2], 2 * points[-1:] - points[-2:-1]
        padded = np.concatenate([first, points, last])
    p0, p1, p2, p3 = (padded[i : len(padded) - 3 + i, None] for i in range(4))
    t = (np.arange(steps) / steps)[None, :, None]
    curve = 0.5 * (
        2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2
        + (3 * p1 - p0 - 3 * p2 + p3) * t**3
    )  # fmt: skip
    curve = curve.reshape(-1, points.shape[1])
    return curve if closed else np.concatenate([curve, points[-1:]])


def fill(image: np.ndarray, points: np.ndarray, colour: float | tuple[float, ...]) -> None:
    """Fill a polygon of pixel points, shape (n, 2), with smooth edges, in place."""
    cv2.fillPoly(image, [_fix(points)], _scalar(colour), cv2.LINE_AA, _SHIFT)


def stroke(
    image: np.ndarray, points: np.ndarray, colour: float | tuple[float, ...], width: float
) -> None:
    """Draw a polyline of pixel points, shape (n, 2), with smooth edges, in place."""
    thickness = max(1, round(width))
    cv2.polylines(image, [_fix(points)], False, _scalar(colour), thickness, cv2.LINE_AA, _SHIFT)


def taper(
    image: np.ndarray, points: np.ndarray, colour: float | tuple[float, ...], widths: np.ndarray
) -> None:
    """Fill a line whose width in pixels varies along its points, shapes (n, 2) and (n,)."""
    along = np.gradient(points, axis=0)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-6)
    half = across * widths[:, None] / 2
    fill(image, np.concatenate([points + half, (points - half)[::-1]]), colour)


def soften(mask: np.ndarray, sigma: float) -> np.ndarray:
    """Blur a mask with a Gaussian of ``sigma`` pixels."""
    part = _find_part(mask > 0, margin=int(4 * sigma) + 1)
    softened = np.zeros_like(mask)
    softened[part] = cv2.GaussianBlur(mask[part], (0, 0), sigma)
    return softened


def blend(image: np.ndarray, mask: np.ndarray, colour: np.ndarray) -> None:
    """Mix a colour into a float image by a mask of 0 … 1, shape (height, width), in place."""
    part = _find_part(mask > 1 / 512)
    image[part] += mask[part][:, :, None] * (np.asarray(colour, np.float32) - image[part])


def smooth_noise(
    rng: np.random.Generator, shape: tuple[int, int], cells: tuple[int, int]
) -> np.ndarray:
    """Gaussian noise with ``cells`` (rows, columns) independent values, stretched to ``shape``."""
    coarse = rng.normal(size=cells).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC))


def _find_part(marked: np.ndarray, *, margin: int = 0) -> tuple[slice, slice]:
    left, top, width, height = cv2.boundingRect(marked.astype(np.uint8))
    rows = slice(max(top - margin, 0), max(top + height + margin, 1))
    return rows, slice(max(left - margin, 0), max(left + width + margin, 1))


def _fix(points: np.ndarray) -> np.ndarray:
    return np.round(np.asarray(points) * (1 << _SHIFT)).astype(np.int32)


def _scalar(colour: float | tuple[float, ...]) -> tuple[float, ...]:
    if isinstance(colour, (int, float)):
        return (float(colour),)
    return tuple(float(value) for value in colour)
