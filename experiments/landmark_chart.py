"""A picture of the 64 named landmarks, and the table beside it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from mien.features.scheme import POINTS, select_named_points
from mien.files import atomic_path, writing
from mien.pipeline.rendered.mesh import read_face_mesh
from mien.pipeline.rendered.people import make_person
from mien.pipeline.rendered.renderer import render_face

SIDE = 1000
_RENDERED = 1500
_SEED, _PERSON = 0, 3
_PRIMARY, _SECONDARY = (28, 72, 214), (150, 84, 20)
_WHITE, _INK = (255, 255, 255), (25, 25, 25)
_FONT, _DOT = cv2.FONT_HERSHEY_SIMPLEX, 6
Box = tuple[float, float, float, float]


def write_chart(target: Path, bundle: Path) -> None:
    """Draw the 64 points, numbered as in the thesis's Table 1.1, on a rendered face.

    Parameters
    ----------
    target : Path
        PNG file, 1000 x 1000 pixels.
    bundle : Path
        The landmarker bundle, which has the face mesh.

    Raises
    ------
    MienError
        If the file cannot be written.
    """
    picture, points = _render(bundle)
    labels = [str(point.number) for point in POINTS]
    for place, (box, label) in zip(points, _place_labels(points, labels), strict=True):
        _draw_leader(picture, place, box)
        _draw_text(picture, label, (box[0], box[3]), 0.55)
    for place, point in zip(points, POINTS, strict=True):
        _draw_dot(picture, place, primary=point.primary)
    for row, primary in enumerate((True, False)):
        _draw_dot(picture, np.array([30.0, 32.0 + 32 * row]), primary=primary)
        told = "primary" if primary else "secondary"
        _draw_text(picture, told, (46, 39 + 32 * row), 0.65)
    encoded = cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 9])[1]
    with writing(target, "Name another file."), atomic_path(target) as path:
        path.write_bytes(encoded.tobytes())


def make_table() -> str:
    """Return the scheme as a Markdown table: number, name, mesh points, tier."""
    lines = ["| | name | mesh points | tier |", "|---:|---|---|---|"]
    for point in POINTS:
        mesh = ", ".join(map(str, point.mesh))
        tier = "primary" if point.primary else ""
        lines.append(f"| {point.number} | `{point.name}` | {mesh} | {tier} |")
    return "\n".join(lines) + "\n"


def _render(bundle: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return a pale face, (1000, 1000, 3) BGR, and the points in it, (64, 2).

    It is surprised, for an open mouth keeps the points of the lips apart.
    """
    face = render_face(
        read_face_mesh(bundle), make_person(_SEED, _PERSON), "surprise", size=_RENDERED, noise=0.0
    )
    points = select_named_points(face.landmarks[None])[0] - 0.5
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    corner = np.rint(middle - SIDE / 2).astype(int)
    scale = 0.86 * SIDE / float(np.ptp(points, axis=0).max())
    matrix = np.array([[scale, 0, 0], [0, scale, 0]])
    matrix[:, 2] = SIDE / 2 - scale * (corner + SIDE / 2)
    grey = cv2.cvtColor(face.picture, cv2.COLOR_RGB2GRAY)
    crop = cv2.warpAffine(grey, matrix, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)
    pale = np.rint(115 + crop * 0.55).clip(0, 255).astype(np.uint8)
    return cv2.cvtColor(pale, cv2.COLOR_GRAY2BGR), points * scale + matrix[:, 2]


def _place_labels(points: np.ndarray, labels: list[str]) -> list[tuple[Box, str]]:
    """Give each label, one after another, the free place nearest to its point."""
    dots = [(x - _DOT, y - _DOT, x + _DOT, y + _DOT) for x, y in points]
    placed: list[Box] = []
    for (x, y), label in zip(points, labels, strict=True):
        (width, height), _ = cv2.getTextSize(label, _FONT, 0.55, 1)
        best: tuple[float, Box] = (np.inf, dots[0])
        for reach in (15, 20, 27, 36):
            for angle in np.arange(0, 2 * np.pi, np.pi / 8):
                cx = x + (reach + width / 2 - 5) * np.cos(angle)
                cy = y + reach * np.sin(angle)
                box = (cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2)
                hidden = sum(_overlap(box, other) for other in [*dots, *placed])
                best = min(best, (40 * hidden + reach, box))
        placed.append(best[1])
    return list(zip(placed, labels, strict=True))


def _overlap(box: Box, other: Box, gap: float = 3.0) -> float:
    """Return the area that two boxes share when there is to be a gap between them."""
    width = min(box[2], other[2]) - max(box[0], other[0]) + gap
    height = min(box[3], other[3]) - max(box[1], other[1]) + gap
    return max(width, 0.0) * max(height, 0.0)


def _draw_leader(picture: np.ndarray, place: np.ndarray, box: Box) -> None:
    near = np.clip(place, box[:2], box[2:])
    if np.linalg.norm(near - place) > 2 * _DOT:
        cv2.line(picture, _pixel(place), _pixel(near), _INK, 1, cv2.LINE_AA)


def _draw_text(picture: np.ndarray, text: str, corner: tuple[float, float], scale: float) -> None:
    x, y = _pixel(corner)
    around = [(dx, dy) for dx in (-2, 0, 2) for dy in (-2, 0, 2)]
    for dx, dy, colour in [*((dx, dy, _WHITE) for dx, dy in around), (0, 0, _INK)]:
        cv2.putText(picture, text, (x + dx, y + dy), _FONT, scale, colour, 1, cv2.LINE_AA)


def _draw_dot(picture: np.ndarray, place: np.ndarray, *, primary: bool) -> None:
    colour = _PRIMARY if primary else _SECONDARY
    cv2.circle(picture, _pixel(place), _DOT + 1, _WHITE, -1, cv2.LINE_AA)
    cv2.circle(picture, _pixel(place), _DOT - 1, colour, -1, cv2.LINE_AA)


def _pixel(place: np.ndarray | tuple[float, float]) -> tuple[int, int]:
    return round(float(place[0])), round(float(place[1]))
