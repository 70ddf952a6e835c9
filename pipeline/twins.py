"""The same picture twice: up to light, compression, a slightly other cut, and mirroring."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from mien.pipeline.local_contrast import blur_grey, normalise_locally

TWIN_SIMILARITY = 0.92
"""Similarity from which two crops are the same picture. FER2013's twins lie above 0.95 for the most
part, different faces below 0.86; different people photographed in one studio reach 0.91."""

_CANDIDATE = 0.7
_SHIFTED = 0.72
_SUMMARY_SIDE = 16
_BLOCK = 2048
_MOST_CANDIDATES = 16_384
_SHIFT = 3
_EDGE = 5
_QUANTUM = 40.0
_ALIGNMENT = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 20, 1e-3)


@dataclass(frozen=True)
class TwinPairs:
    """Pairs of rows that show the same picture.

    Attributes
    ----------
    rows : ndarray of int64, shape (k, 2)
        The lower row first. Of several equal crops only the first is paired with others, and each
        of the rest with it.
    similarity : ndarray of float32, shape (k,)
        1 for equal crops.
    mirrored : ndarray of bool, shape (k,)
        Whether one is the other's mirror image.
    """

    rows: np.ndarray
    similarity: np.ndarray
    mirrored: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)


def find_near_twins(
    pixels: np.ndarray,
    *,
    alike: np.ndarray | None = None,
    threshold: float = TWIN_SIMILARITY,
) -> TwinPairs:
    """Find crops that are the same picture.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (n, side, side)
        Grey face crops.
    alike : ndarray of str, shape (n,), optional
        The person or film that each crop is of, "" where not known. Crops of one film, or of one
        person in one pose and light (0.98), are alike by nature: they are twins only when equal.
    threshold : float
        Similarity from which two crops are twins.

    Returns
    -------
    TwinPairs
        Sorted by rows. A crop without any structure is nobody's twin, unless it is equal.

    Notes
    -----
    Three steps, each on what the one before lets through. Every pair, mirrored and not, is compared
    by the correlation of 16 x 16 summaries; then by the best correlation of locally normalised
    crops over shifts up to 3 pixels; last, one crop is fitted onto the other by an affine map
    (Evangelidis and Psarakis, Parametric image alignment using enhanced correlation coefficient
    maximization, PAMI 2008), and the correlation of their fine structure is the similarity.
    Memory beyond ``pixels`` is about 3.3 kB a row and 35 MB for the current block of products.
    """
    first, equal = _find_equal(pixels)
    distinct = first[[pixels[i].min() < pixels[i].max() for i in first]]
    structure, summaries = _describe(pixels, distinct)
    found = [(*pair, 1.0, False) for pair in equal.tolist()]
    for candidates, mirrored in _propose(summaries):
        rows = distinct[candidates]
        if alike is not None:
            kept = ~_share_name(alike, rows)
            candidates, rows = candidates[kept], rows[kept]
        for (i, j), (a, b) in zip(candidates.tolist(), rows.tolist(), strict=True):
            similarity = _compare(pixels[a], pixels[b], structure[i], structure[j], mirrored)
            if similarity >= threshold:
                found.append((a, b, similarity, mirrored))
    return _to_pairs(found)


def group_twins(n: int, pairs: TwinPairs) -> np.ndarray:
    """Find the groups of rows that pairs connect, and give each a number.

    Parameters
    ----------
    n : int
        Number of rows.
    pairs : TwinPairs

    Returns
    -------
    ndarray of int64, shape (n,)
        Groups from 0 in order of their first row; -1 for a row without a twin.
    """
    links = coo_array((np.ones(len(pairs)), (pairs.rows[:, 0], pairs.rows[:, 1])), shape=(n, n))
    _, component = connected_components(links, directed=False)
    paired = np.zeros(n, dtype=bool)
    paired[pairs.rows.ravel()] = True
    groups = np.full(n, -1, dtype=np.int64)
    _, first, number = np.unique(component[paired], return_index=True, return_inverse=True)
    groups[paired] = np.argsort(np.argsort(first))[number]
    return groups


def _find_equal(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the first row of each distinct crop, and pairs of it and every equal one."""
    seen: dict[bytes, int] = {}
    keys = (hashlib.blake2b(crop.tobytes(), digest_size=16).digest() for crop in pixels)
    first = np.array([seen.setdefault(key, i) for i, key in enumerate(keys)], dtype=np.int64)
    again = np.flatnonzero(first != np.arange(len(pixels)))
    return np.unique(first), np.stack([first[again], again], axis=1)


def _share_name(alike: np.ndarray, rows: np.ndarray) -> np.ndarray:
    names = alike[rows]
    return (names[:, 0] == names[:, 1]) & (names[:, 0] != "")


def _describe(pixels: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return locally normalised crops as uint8, and summaries of unit length."""
    structure = np.empty((len(rows), *pixels.shape[1:]), dtype=np.uint8)
    summaries = np.empty((len(rows), _SUMMARY_SIDE**2), dtype=np.float32)
    size = (_SUMMARY_SIDE, _SUMMARY_SIDE)
    for i, row in enumerate(rows):
        local = normalise_locally(pixels[row])
        structure[i] = np.clip(local * _QUANTUM + 128, 0, 255)
        smooth = blur_grey(local, 1.5)
        summaries[i] = cv2.resize(smooth, size, interpolation=cv2.INTER_AREA).ravel()
    summaries -= summaries.mean(axis=1, keepdims=True)
    summaries /= np.linalg.norm(summaries, axis=1, keepdims=True) + 1e-6
    return structure, summaries


def _propose(summaries: np.ndarray) -> Iterator[tuple[np.ndarray, bool]]:
    """Yield pairs of positions whose summaries correlate; a block's best ones if they are many."""
    size = (-1, _SUMMARY_SIDE, _SUMMARY_SIDE)
    mirror = np.ascontiguousarray(summaries.reshape(size)[:, :, ::-1]).reshape(summaries.shape)
    for i in range(0, len(summaries), _BLOCK):
        for j in range(i, len(summaries), _BLOCK):
            for mirrored, other in ((False, summaries), (True, mirror)):
                products = summaries[i : i + _BLOCK] @ other[j : j + _BLOCK].T
                if i == j:
                    products[np.tril_indices(len(products))] = -1
                a, b = np.nonzero(products > _CANDIDATE)
                if len(a) > _MOST_CANDIDATES:
                    best = np.argpartition(-products[a, b], _MOST_CANDIDATES)[:_MOST_CANDIDATES]
                    a, b = a[best], b[best]
                yield np.stack([a + i, b + j], axis=1), mirrored


def _compare(
    one: np.ndarray, two: np.ndarray, local: np.ndarray, other: np.ndarray, mirrored: bool
) -> float:
    """Return the similarity of two crops, 0 when a first look tells them apart."""
    if mirrored:
        two, other = cv2.flip(two, 1), cv2.flip(other, 1)
    inner = other[_SHIFT:-_SHIFT, _SHIFT:-_SHIFT]
    _, best, _, at = cv2.minMaxLoc(cv2.matchTemplate(local, inner, cv2.TM_CCOEFF_NORMED))
    if best < _SHIFTED:
        return 0.0
    start = np.array([[1, 0, _SHIFT - at[0]], [0, 1, _SHIFT - at[1]]], dtype=np.float32)
    try:
        _, fit = cv2.findTransformECC(local, other, start, cv2.MOTION_AFFINE, _ALIGNMENT)
    except cv2.error:  # the crops do not fit onto each other
        return 0.0
    side = one.shape[::-1]
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    two = cv2.warpAffine(two, fit, side, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return _correlate_fine(one, two)


def _correlate_fine(one: np.ndarray, two: np.ndarray) -> float:
    a, b = (
        normalise_locally(x, blur=0.6, reach=3.0)[_EDGE:-_EDGE, _EDGE:-_EDGE] for x in (one, two)
    )
    return float(cv2.matchTemplate(a, np.ascontiguousarray(b), cv2.TM_CCOEFF_NORMED)[0, 0])


def _to_pairs(found: list[tuple[int, int, float, bool]]) -> TwinPairs:
    """Keep each pair once, with its better similarity."""
    best: dict[tuple[int, int], tuple[float, bool]] = {}
    for a, b, similarity, mirrored in found:
        if similarity > best.get((a, b), (0.0, False))[0]:
            best[a, b] = similarity, mirrored
    rows = sorted(best)
    return TwinPairs(
        rows=np.array(rows, dtype=np.int64).reshape(-1, 2),
        similarity=np.array([best[pair][0] for pair in rows], dtype=np.float32),
        mirrored=np.array([best[pair][1] for pair in rows], dtype=bool),
    )
