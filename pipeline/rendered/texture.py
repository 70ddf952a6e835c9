"""A person's skin, brows, lips, beard and hair as one texture image."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from mien.pipeline.rendered import points as at
from mien.pipeline.rendered.drawing import (
    blend,
    fill,
    smooth_curve,
    smooth_noise,
    soften,
    stroke,
    taper,
)
from mien.pipeline.rendered.head import HAIR_BAND
from mien.pipeline.rendered.mesh import FaceMesh
from mien.pipeline.rendered.people import Person

FACE_TEXELS = 512
"""Width of the texture and height of its face part; the hair's rows lie below."""

ATLAS_ROWS = int(FACE_TEXELS * (HAIR_BAND[1] + 0.03))
_NOSTRIL = np.array([46, 22, 20], np.float32)


def paint_texture(mesh: FaceMesh, person: Person) -> np.ndarray:
    """Paint a person's texture.

    Parameters
    ----------
    mesh : FaceMesh
        For the places of brows, lips and so on.
    person : Person
        Colours and styles.

    Returns
    -------
    ndarray of uint8, shape (ATLAS_ROWS, FACE_TEXELS, 3)
        sRGB without light.
    """
    rng = np.random.default_rng([person.seed, person.number, 11])
    spots = mesh.uv * (FACE_TEXELS - 1)
    atlas = np.empty((ATLAS_ROWS, FACE_TEXELS, 3), np.float32)
    face = atlas[:FACE_TEXELS]
    face[:] = person.skin
    _tint_skin(face, spots, mesh, person=person, rng=rng)
    _paint_lips(face, spots, mesh, person=person, rng=rng)
    _paint_eye_sockets(face, spots, mesh, person=person)
    _paint_nostrils(face, spots, mesh, person=person)
    if person.beard > 0:
        _paint_beard(face, spots, mesh, person=person, rng=rng)
    _paint_brows(face, spots, mesh, person=person, rng=rng)
    _paint_hairline(face, person=person, rng=rng)
    _paint_hair(atlas[FACE_TEXELS:], person=person, rng=rng)
    return np.clip(atlas, 0, 255).astype(np.uint8)


def both_sides(mesh: FaceMesh, indices: tuple[int, ...]) -> Iterator[np.ndarray]:
    """Give vertex numbers on the picture's left, then their mirror images."""
    yield np.array(indices)
    yield mesh.mirrored[list(indices)]


def _empty() -> np.ndarray:
    return np.zeros((FACE_TEXELS, FACE_TEXELS), np.float32)


def _spot(center: np.ndarray, radii: tuple[float, float]) -> np.ndarray:
    offsets = (np.arange(FACE_TEXELS) - np.asarray(center)[:, None]) / np.array(radii)[:, None]
    across, down = np.exp(-0.5 * offsets**2).astype(np.float32)
    return np.outer(down, across)


def _tint_skin(
    face: np.ndarray, spots: np.ndarray, mesh: FaceMesh, *, person: Person, rng: np.random.Generator
) -> None:
    size = face.shape[:2]
    face *= 1 + 0.018 * smooth_noise(rng, size, (9, 9))[:, :, None]
    face *= 1 + 0.010 * smooth_noise(rng, size, (130, 130))[:, :, None]
    flush = person.skin * np.array([0.98, 0.74, 0.72], np.float32)
    for index in (50, int(mesh.mirrored[50])):
        blend(face, 0.52 * person.blush * _spot(spots[index], (38, 32)), flush)
    blend(face, 0.30 * person.blush * _spot(spots[4], (22, 18)), flush)
    blend(face, 0.15 * _spot(spots[200], (36, 20)), flush)
    face *= 1 - 0.16 * _spot((spots[17] + spots[18]) / 2, (26, 9))[:, :, None]
    for wing in both_sides(mesh, (129, 98, 198, 203)):
        side = spots[wing]
        blend(face, 0.22 * _spot((side[0] + side[1]) / 2, (9, 14)), person.skin * 0.66)
        blend(face, 0.08 * _spot(side[2], (12, 26)), person.skin * 0.72)
    if person.freckles > 0.05:
        _sprinkle(face, spots, person=person, rng=rng)
    _paint_folds(face, spots, mesh, person=person)


def _sprinkle(
    face: np.ndarray, spots: np.ndarray, *, person: Person, rng: np.random.Generator
) -> None:
    mask = _empty()
    middle = spots[[50, 280, 6, 4]].mean(axis=0)
    for _ in range(int(240 * person.freckles)):
        place = middle + rng.normal(size=2) * (88, 26)
        cv2.circle(mask, np.round(place * 8).astype(int), int(rng.integers(7, 13)), 1.0, -1, 16, 3)
    blend(face, 0.40 * soften(mask, 0.8), person.skin * (0.72, 0.56, 0.46))


def _paint_folds(face: np.ndarray, spots: np.ndarray, mesh: FaceMesh, *, person: Person) -> None:
    mask = _empty()
    for fold in both_sides(mesh, at.NASOLABIAL_FOLD[:4]):
        stroke(mask, smooth_curve(spots[fold]), 1.0, 3)
    face *= 1 - (0.07 + 0.15 * person.age) * soften(mask, 2.6)[:, :, None]
    mask[:] = 0
    for fold in both_sides(mesh, at.LOWER_LID_FOLD):
        stroke(mask, smooth_curve(spots[fold]), 1.0, 2)
    face *= 1 - (0.05 + 0.17 * person.age) * soften(mask, 1.8)[:, :, None]


def _paint_lips(
    face: np.ndarray, spots: np.ndarray, mesh: FaceMesh, *, person: Person, rng: np.random.Generator
) -> None:
    upper, lower = _empty(), _empty()
    for mask, outer, inner in (
        (upper, at.UPPER_LIP_OUTER, at.UPPER_LIP_INNER),
        (lower, at.LOWER_LIP_OUTER, at.LOWER_LIP_INNER),
    ):
        rim = np.concatenate([outer, mesh.mirrored[list(outer[-2::-1])]])
        edge = np.concatenate([inner, mesh.mirrored[list(inner[-2::-1])]])
        fill(mask, np.concatenate([smooth_curve(spots[rim]), spots[edge][::-1]]), 1.0)
    ripple = 1 + 0.05 * smooth_noise(rng, (FACE_TEXELS, FACE_TEXELS), (6, 150))[:, :, None]
    blend(face, 0.92 * soften(upper, 1.2), person.lips * 0.86)
    blend(face, 0.92 * soften(lower, 1.3), person.lips)
    lips = np.maximum(upper, lower)[:, :, None]
    face *= 1 + lips * (ripple - 1)
    shine = _spot((spots[15] + spots[17]) / 2, (20, 4.5)) * lower
    blend(face, 0.28 * shine, np.array([255, 235, 228], np.float32))
    rim = soften(np.maximum(upper, lower), 1.0)
    face *= 1 - 0.18 * (soften(rim, 3.5) - rim).clip(0, 1)[:, :, None]


def _paint_eye_sockets(
    face: np.ndarray, spots: np.ndarray, mesh: FaceMesh, *, person: Person
) -> None:
    shade = person.skin * np.array([0.62, 0.52, 0.52], np.float32)
    for crease in both_sides(mesh, at.LID_CREASE):
        line = smooth_curve(spots[crease])
        lid, wide = _empty(), _empty()
        taper(lid, line, 1.0, np.interp(np.linspace(0, 1, len(line)), [0, 0.3, 1], [2.5, 3.2, 1.2]))
        stroke(wide, line, 1.0, 9)
        blend(face, 0.22 * soften(wide, 6), shade)
        blend(face, 0.60 * soften(lid, 0.9), shade)
    for corner in both_sides(mesh, (133, 33, 230)):
        blend(face, 0.30 * _spot(spots[corner[0]] + (0, -4), (13, 13)), shade)
        blend(face, 0.10 * _spot(spots[corner[2]], (24, 9)), shade)


def _paint_nostrils(face: np.ndarray, spots: np.ndarray, mesh: FaceMesh, *, person: Person) -> None:
    mask = _empty()
    for ring in both_sides(mesh, at.NOSTRIL):
        fill(mask, smooth_curve(spots[ring], closed=True), 1.0)
    blend(face, 0.35 * soften(mask, 4), person.skin * 0.45)
    blend(face, 0.85 * soften(mask, 1.0), person.skin * 0.10 + _NOSTRIL * 0.7)


def _paint_brows(
    face: np.ndarray, spots: np.ndarray, mesh: FaceMesh, *, person: Person, rng: np.random.Generator
) -> None:
    for upper, lower in zip(
        both_sides(mesh, at.BROW_UPPER), both_sides(mesh, at.BROW_LOWER), strict=True
    ):
        top, bottom = smooth_curve(spots[upper], steps=8), smooth_curve(spots[lower], steps=8)
        middle = 0.45 * top + 0.55 * bottom
        along = np.linspace(0, 1, len(middle))
        bow = np.interp(along, [0, 0.12, 0.6, 0.93, 1], [0.15, 0.42, 0.85, 1.0, 0.8])
        half = (top - bottom) / 2 * (bow * person.brow_thickness)[:, None]
        mask = _empty()
        fill(mask, np.concatenate([middle + half, (middle - half)[::-1]]), 1.0)
        blend(face, 0.68 * soften(mask, 1.8), person.brows * 0.8 + person.skin * 0.2)
        _draw_brow_hairs(face, middle, half, person=person, rng=rng)


def _draw_brow_hairs(
    face: np.ndarray,
    middle: np.ndarray,
    half: np.ndarray,
    *,
    person: Person,
    rng: np.random.Generator,
) -> None:
    mask = _empty()
    outward = np.gradient(middle, axis=0)
    outward /= -np.linalg.norm(outward, axis=1, keepdims=True)
    up = half / np.maximum(np.linalg.norm(half, axis=1, keepdims=True), 1e-6)
    for _ in range(150):
        k = int(rng.integers(2, len(middle)))
        rise = np.interp(k / len(middle), [0, 0.6, 1], [-0.3, 0.3, 1.4])
        root = middle[k] + half[k] * rng.uniform(-1, 0.6)
        tip = root + (outward[k] + rise * up[k]) * rng.uniform(5, 9)
        stroke(mask, np.stack([root, tip]), 1.0, 1)
    blend(face, 0.75 * soften(mask, 0.6), person.brows)


def _paint_beard(
    face: np.ndarray, spots: np.ndarray, mesh: FaceMesh, *, person: Person, rng: np.random.Generator
) -> None:
    cheek = np.concatenate([spots[[127, 234, 93, 177, 147, 187, 207, 216, 206]], spots[[203, 165]]])
    cheek[:3, 0] -= 12
    other = cheek[::-1] * (-1, 1) + (2 * spots[4, 0], 0)
    area = np.concatenate([cheek, spots[[167, 164, 393]], other, [[530, 530], [-20, 530]]])
    mask = _empty()
    fill(mask, area, 1.0)
    rim = np.concatenate([at.UPPER_LIP_OUTER, mesh.mirrored[list(at.UPPER_LIP_OUTER[-2::-1])]])
    under = np.concatenate([at.LOWER_LIP_OUTER, mesh.mirrored[list(at.LOWER_LIP_OUTER[-2::-1])]])
    lips = _empty()
    fill(lips, np.concatenate([spots[rim], spots[under][::-1]]), 1.0)
    mask = soften(mask, 14) * (1 - soften(cv2.dilate(lips, np.ones((5, 5))), 2))
    grain = np.clip(0.9 + 0.22 * smooth_noise(rng, mask.shape, (240, 300)), 0, 1.3)
    strength = 0.18 + 0.62 * max(0.0, person.beard - 0.35) / 0.65
    blend(face, np.clip(strength * mask * grain, 0, 0.95), person.hair * 0.9 + person.skin * 0.1)


def _paint_hairline(face: np.ndarray, *, person: Person, rng: np.random.Generator) -> None:
    across = np.linspace(-1, 1, FACE_TEXELS)
    level = {
        "none": 0.085 + 0.12 * np.abs(across) ** 2.5 + 0.27 * np.abs(across) ** 14,
        "receding": 0.04 + 0.10 * np.exp(-(((np.abs(across) - 0.5) / 0.2) ** 2)) * -0.6
        + 0.14 * np.abs(across) ** 5 + 0.27 * np.abs(across) ** 14,
        "straight": 0.215 + 0.05 * np.abs(across) ** 3 + 0.20 * np.abs(across) ** 14,
        "swept": 0.09 + 0.16 * np.minimum(np.abs(across - person.parting) ** 0.8, 0.85)
        + 0.04 * np.abs(across) ** 4 + 0.22 * np.abs(across) ** 14,
    }[person.fringe]  # fmt: skip
    jag = smooth_noise(rng, (1, FACE_TEXELS), (1, 60))[0] * 0.006
    jag += smooth_noise(rng, (1, FACE_TEXELS), (1, 190))[0] * 0.006
    rows = np.arange(FACE_TEXELS)[:, None] / FACE_TEXELS
    mask = np.clip((level + jag - rows) * 60 + 0.5, 0, 1).astype(np.float32)
    shadow = np.clip((level + 0.03 - rows) * 26, 0, 1).astype(np.float32)
    face *= 1 - 0.20 * shadow[:, :, None]
    strands = _make_strands(rng, FACE_TEXELS, FACE_TEXELS)
    face += mask[:, :, None] * (person.hair * strands[:, :, None] - face)


def _paint_hair(band: np.ndarray, *, person: Person, rng: np.random.Generator) -> None:
    strands = _make_strands(rng, band.shape[0], FACE_TEXELS)
    if person.hair_style == "curly":
        strands = 1 + 0.22 * smooth_noise(rng, band.shape[:2], (26, 90))
    band[:] = person.hair * strands[:, :, None]


def _make_strands(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    fine = smooth_noise(rng, (rows, columns), (6, 220))
    broad = smooth_noise(rng, (rows, columns), (4, 50))
    return np.clip(1 + 0.16 * fine + 0.14 * broad, 0.5, 1.6).astype(np.float32)
