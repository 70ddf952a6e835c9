"""Sums of oriented gradients over square cells, anywhere in a crop.

Grey values are whole numbers, so a pixel's gradient is one of 511 x 511 pairs of differences: a
table holds every pair's share in each orientation, and nothing but look-ups and additions is left.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

ORIENTATIONS = 8
"""Signed directions of 45 degrees, from +x (right) towards +y (down)."""

_RANGE = 511
_ZERO = 255 * _RANGE + 255
_TO_ROW = np.array([[0, -_RANGE, 0], [-1, 0, 1], [0, _RANGE, 0]], dtype=np.float32)


@lru_cache(maxsize=1)
def orientation_table() -> np.ndarray:
    """Return how each gradient is shared between its two nearest orientations.

    Returns
    -------
    ndarray of float32, shape (511 * 511, 8)
        Row ``511 * (dy + 255) + dx + 255`` has the shares of half the difference ``(dx, dy)`` of
        a pixel's two neighbours. They are linear in the angle and sum to the length.
    """
    steps = np.arange(-255.0, 256.0) / 2
    dx, dy = np.meshgrid(steps, steps)
    position = (np.arctan2(dy, dx) % (2 * np.pi) * (ORIENTATIONS / (2 * np.pi))).ravel()
    length = np.hypot(dx, dy).ravel()
    lower = np.floor(position).astype(np.intp)
    upper_share = (position - lower) * length
    table = np.zeros((_RANGE * _RANGE, ORIENTATIONS), dtype=np.float32)
    rows = np.arange(len(table))
    table[rows, lower % ORIENTATIONS] = length - upper_share
    table[rows, (lower + 1) % ORIENTATIONS] = upper_share
    table.setflags(write=False)
    return table


class CellSummer:
    """Sums gradients over windows of cells; keeps its working memory from face to face.

    Parameters
    ----------
    side : int
        The crops' side in pixels.
    cell : int
        A cell's side in pixels.
    cells : int
        Cells along a window's side.
    windows : int
        Windows of a face.
    """

    def __init__(self, side: int, *, cell: int, cells: int, windows: int) -> None:
        self._side, self._cell = side, cell
        self._offsets = (np.arange(cells, dtype=np.float32) - (cells - 1) / 2) * cell
        self._table = orientation_table()
        padded = side + 2 * cell
        self._rows = np.full((padded, padded), _ZERO, dtype=np.intp)
        self._float_crop, self._float_rows = np.empty((2, side, side), dtype=np.float32)
        self._scratch = np.empty((3, padded * padded * ORIENTATIONS), dtype=np.float32)
        self._corners = np.empty((4, windows * cells * cells, ORIENTATIONS), dtype=np.float32)

    def sum(self, crops: np.ndarray, centres: np.ndarray, out: np.ndarray) -> None:
        """Sum gradients over the cells of every face's windows.

        Parameters
        ----------
        crops : ndarray of uint8, shape (n, side, side)
        centres : ndarray of float32, shape (n, windows, 2)
            Window centres (x, y) in pixels of the crops.
        out : ndarray of float32, shape (n, windows * cells * cells, 8)
            Where the sums go: window, cell's row (down), cell's column (right), orientation.
            Gradients are halved differences of the two neighbours, 0 across the crop's edge and
            beyond it. Between whole pixels the sums are interpolated; a cell whose middle is
            outside the crop is moved to its edge.
        """
        whole, share = self._place(centres)
        low = whole.min(axis=(1, 3))
        high = whole.max(axis=(1, 3)) + 1 + self._cell
        whole -= low[:, None, :, None]
        width = (high - low)[:, 0]
        x, y = whole[:, :, 0, None, :], whole[:, :, 1, :, None]
        number = self._corners.shape[1]
        first = (y * width[:, None, None, None] + x).reshape(len(crops), number)
        weights = _corner_weights(share).reshape(len(crops), 4, number, 1)
        for i, crop in enumerate(crops):
            sums = self._sum_boxes(crop, low[i], high[i])
            at = np.array([[0], [1], [width[i]], [width[i] + 1]]) + first[i]
            sums.take(at, axis=0, out=self._corners, mode="clip")
            np.multiply(self._corners, weights[i], out=self._corners)
            np.sum(self._corners, axis=0, out=out[i])

    def _place(self, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return where each cell begins in the padded crop, whole pixels and shares of one.

        Both have shape (n, windows, 2, cells).
        """
        # with an even side, the sum over pixels i-4 … i+3 stands at i, its middle lies at i - 1/2
        shift = 0.0 if self._cell % 2 else 0.5
        middles = centres[..., None] + (self._offsets + np.float32(shift))
        np.clip(middles, 0, self._side - 1.001, out=middles)
        whole = middles.astype(np.intp)
        share = middles - whole.astype(np.float32)
        return whole + (self._cell - self._cell // 2), share

    def _sum_boxes(self, crop: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Sum over the cell that begins at each pixel of a part of the padded crop, line by line.

        Returns an array of shape (pixels of the part up to its last whole cell, 8).
        """
        cell, side = self._cell, self._side
        np.copyto(self._float_crop, crop)
        # the filter's border is mirrored, so differences across the crop's edge are 0
        cv2.filter2D(self._float_crop, -1, _TO_ROW, dst=self._float_rows)
        inner = self._rows[cell : cell + side, cell : cell + side]
        np.add(self._float_rows, _ZERO, out=inner, casting="unsafe")
        part = self._rows[low[1] : high[1], low[0] : high[0]]
        first, second, third = self._scratch
        planes = first[: part.size * ORIENTATIONS]
        self._table.take(part, axis=0, out=planes.reshape(*part.shape, ORIENTATIONS), mode="clip")
        line = ORIENTATIONS * part.shape[1]
        lines = _sum_ahead(planes, cell, ORIENTATIONS, out=second, spare=third)
        return _sum_ahead(lines, cell, line, out=first, spare=third).reshape(-1, ORIENTATIONS)


def _corner_weights(share: np.ndarray) -> np.ndarray:
    """Bilinear weights of a cell's four whole-pixel neighbours: here, right, down, both.

    From shares of shape (n, windows, 2, cells); shape (n, 4, windows, cells, cells).
    """
    fx, fy = share[:, :, 0, None, :], share[:, :, 1, :, None]
    gx, gy = 1 - fx, 1 - fy
    return np.stack([gx * gy, fx * gy, gx * fy, fx * fy], axis=1)


def _sum_ahead(
    values: np.ndarray, count: int, step: int, *, out: np.ndarray, spare: np.ndarray
) -> np.ndarray:
    """Return ``values[i] + values[i + step] + …``, ``count`` terms; in ``out``.

    Sums of 1, 2, 4 … terms are made of each other, as in raising to a power by squaring.
    """
    additions = []
    terms = 1
    for bit in f"{count:b}"[1:]:
        additions.append((True, terms))
        terms *= 2
        if bit == "1":
            additions.append((False, terms))
            terms += 1
    total = values
    for left, (doubled, ahead) in zip(range(len(additions), 0, -1), additions, strict=True):
        later = (total if doubled else values)[ahead * step :]
        length = min(len(total), len(later))
        target = (out if left % 2 else spare)[:length]
        total = np.add(total[:length], later[:length], out=target)
    return total
