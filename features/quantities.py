"""What can be measured between named points: one function a quantity.

All take points of shape (n, 64, 2), in the order of :data:`mien.features.scheme.NAMES`, x right and
y down, and definitions in names; all give an array of shape (n, number of definitions), NaN where
a point is missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np

from mien.features.scheme import point_index

Pair = tuple[str, str]
Triple = tuple[str, str, str]


def compute_distances(points: np.ndarray, pairs: Sequence[Pair]) -> np.ndarray:
    """Euclidean distances between named points.

    Parameters
    ----------
    points : ndarray, shape (n, 64, 2)
    pairs : sequence of pairs of names

    Returns
    -------
    ndarray, shape (n, len(pairs))
        In the points' unit.
    """
    first, second = (_rows(tuple(pair[i] for pair in pairs)) for i in range(2))
    x, y = np.ascontiguousarray(np.moveaxis(points, -1, 0))
    dx = x.take(first, axis=1)
    dx -= x.take(second, axis=1)
    dy = y.take(first, axis=1)
    dy -= y.take(second, axis=1)
    dx *= dx
    dy *= dy
    dx += dy
    return np.sqrt(dx, out=dx)


def compute_angles(points: np.ndarray, triples: Sequence[Triple]) -> np.ndarray:
    """Interior angles at the middle point of each triple.

    Parameters
    ----------
    points : ndarray, shape (n, 64, 2)
    triples : sequence of triples of names

    Returns
    -------
    ndarray, shape (n, len(triples))
        Radians from 0 to pi.
    """
    a, vertex, b = (points[:, _rows(tuple(t[i] for t in triples))] for i in range(3))
    u, v = a - vertex, b - vertex
    return np.arctan2(np.abs(_cross(u, v)), (u * v).sum(axis=-1))


def compute_slopes(points: np.ndarray, segments: Sequence[Pair]) -> np.ndarray:
    """Rise of each segment on its way outward from the face's middle.

    Parameters
    ----------
    points : ndarray, shape (n, 64, 2)
    segments : sequence of pairs of names
        From a point to one of the face's left or right side, which tells what is outward.

    Returns
    -------
    ndarray, shape (n, len(segments))
        Radians in (-pi, pi]: 0 is straight outward, positive is up.
    """
    start, end = (points[:, _rows(tuple(s[i] for s in segments))] for i in range(2))
    outward = np.array([-1 if b.startswith("left_") else 1 for _, b in segments], np.float32)
    run = (end[..., 0] - start[..., 0]) * outward
    return np.arctan2(start[..., 1] - end[..., 1], run)


def compute_ratios(points: np.ndarray, ratios: Sequence[tuple[Pair, Pair]]) -> np.ndarray:
    """Quotients of two distances, as ``d1 / (d1 + d2)``.

    Parameters
    ----------
    points : ndarray, shape (n, 64, 2)
    ratios : sequence of pairs of pairs of names

    Returns
    -------
    ndarray, shape (n, len(ratios))
        From 0 to 1, without a pole where ``d2`` is 0; NaN where both are 0.
    """
    first = compute_distances(points, [r[0] for r in ratios])
    second = compute_distances(points, [r[1] for r in ratios])
    with np.errstate(invalid="ignore", divide="ignore"):
        return first / (first + second)


def compute_areas(points: np.ndarray, polygons: Sequence[Sequence[str]]) -> np.ndarray:
    """Signed areas of polygons.

    Parameters
    ----------
    points : ndarray, shape (n, 64, 2)
    polygons : sequence of sequences of names
        Corners in order; the last is joined to the first.

    Returns
    -------
    ndarray, shape (n, len(polygons))
        In the square of the points' unit; positive where the corners run clockwise in the
        picture, negative where the outline is turned over (lips or lids that cross).

    Notes
    -----
    ``A = 1/2 sum(x_i y_{i+1} - x_{i+1} y_i)``, the shoelace formula, about the first corner.
    """
    areas = np.empty((len(points), len(polygons)), points.dtype)
    for columns, rows in _by_length(polygons):
        corners = points.take(rows, axis=1)
        sides = corners[:, :, 1:] - corners[:, :, :1]
        areas[:, columns] = 0.5 * _cross(sides[:, :, :-1], sides[:, :, 1:]).sum(axis=-1)
    return areas


def compute_bows(points: np.ndarray, curves: Sequence[Sequence[str]]) -> np.ndarray:
    """How far curves bow from their chords.

    Parameters
    ----------
    points : ndarray, shape (n, 64, 2)
    curves : sequence of sequences of names
        Points from one end to the other; one that begins on the face's right
        side runs to the picture's left, any other to the right, which tells what is up.

    Returns
    -------
    ndarray, shape (n, len(curves))
        Mean height of the inner points above the chord, in chords; positive is up.
    """
    bows = np.empty((len(points), len(curves)), points.dtype)
    for columns, rows in _by_length(curves):
        _, h = _chord_coordinates(points.take(rows, axis=1), [curves[c][0] for c in columns])
        bows[:, columns] = h[..., 1:-1].mean(axis=-1)
    return bows


def compute_arches(points: np.ndarray, curves: Sequence[Sequence[str]]) -> np.ndarray:
    """Curvature of the parabolas that fit curves best.

    Parameters
    ----------
    points : ndarray, shape (n, 64, 2)
    curves : sequence of sequences of names
        At least three points each, from one end to the other, as for :func:`compute_bows`.

    Returns
    -------
    ndarray, shape (n, len(curves))
        ``-a`` of the least-squares parabola ``h = a t^2 + b t + c``, in 1/chord: positive for an
        arch (its middle is up), negative for a bowl. NaN where all points share two places of t.

    Notes
    -----
    ``t`` runs along the chord and ``h`` above it, in chords.
    ``a = sum(q h) / sum(q q)`` with ``q`` the part of ``t^2`` that is orthogonal to 1 and ``t``.
    """
    arches = np.empty((len(points), len(curves)), points.dtype)
    for columns, rows in _by_length(curves):
        t, h = _chord_coordinates(points.take(rows, axis=1), [curves[c][0] for c in columns])
        t = t - t.mean(axis=-1, keepdims=True)
        square = t * t
        q = square - square.mean(axis=-1, keepdims=True)
        with np.errstate(invalid="ignore", divide="ignore"):
            q -= t * ((q * t).sum(axis=-1) / square.sum(axis=-1))[..., None]
            arches[:, columns] = -(q * h).sum(axis=-1) / (q * q).sum(axis=-1)
    return arches


def _chord_coordinates(corners: np.ndarray, starts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Place curves' points along and above their chords, which go from first to last.

    ``corners`` has shape (n, curves, k, 2). ``t`` goes from 0 to 1, ``h`` is the height, both in
    chords, NaN where that is 0. A curve whose first point is on the face's right side is taken to
    run to the picture's left, any other to the right: that tells what is up.
    """
    upward = np.array([1 if name.startswith("right_") else -1 for name in starts], corners.dtype)
    along = corners - corners[:, :, :1]
    chord = along[:, :, -1:]
    with np.errstate(invalid="ignore", divide="ignore"):
        inverse = 1 / (chord * chord).sum(axis=-1)
        t = (along * chord).sum(axis=-1) * inverse
        return t, _cross(chord, along) * (inverse * upward[:, None])


def _by_length(outlines: Sequence[Sequence[str]]) -> Iterator[tuple[list[int], np.ndarray]]:
    """Group outlines of equally many points: their columns, and the points' rows."""
    for length in sorted({len(outline) for outline in outlines}):
        columns = [i for i, outline in enumerate(outlines) if len(outline) == length]
        yield columns, np.stack([_rows(tuple(outlines[i])) for i in columns])


def _cross(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]


@lru_cache(maxsize=256)
def _rows(names: tuple[str, ...]) -> np.ndarray:
    return np.array([point_index(name) for name in names])
