"""How each feature family's numbers are drawn over the face that they come from."""

from __future__ import annotations

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.patches import Polygon, Rectangle

from mien.features.alignment import transform_points
from mien.features.blendshapes import BLENDSHAPE_NAMES
from mien.features.dense_hog import BINS
from mien.features.faces import FaceBatch
from mien.features.geometry_items import AREAS, CURVES, PAIRS
from mien.features.patch_gabor import ORIENTATIONS as GABOR_ORIENTATIONS
from mien.features.patch_gabor import SCALES
from mien.features.patch_lbp import compute_codes
from mien.features.patch_points import MARGIN, PATCH_POINTS, compute_patch_centres
from mien.features.pose import compute_head_rotation, compute_pose_angles
from mien.features.registry import get_family
from mien.features.scheme import POINTS, point_index, select_named_points

_BLUE, _RED, _GREEN = "#1d4ed8", "#d9480f", "#2b8a3e"
_CROP = 96
_ZOOM = 4
_SHOWN = 4.0
"""Pixels of the margin that are not shown."""

_EXAMPLES = (105, 334, 50, 280, 61, 291, 152)
"""Mesh points whose windows are drawn in full: brows, cheeks, corners of the mouth, chin."""

_LARGEST = 14


def draw_geometry(axes: Axes, faces: FaceBatch) -> None:
    """Draw all distances as lines, outlines as areas, and curves."""
    _show_crop(axes, faces)
    points = transform_points(faces.crops(_CROP, MARGIN).transforms, _named(faces))[0]
    ends = [[points[point_index(a)], points[point_index(b)]] for a, b in PAIRS]
    axes.add_collection(LineCollection(ends, colors=_BLUE, linewidths=0.4, alpha=0.07))
    for outline in AREAS.values():
        corners = points[[point_index(name) for name in outline]]
        axes.add_patch(Polygon(corners, facecolor=_GREEN, edgecolor="none", alpha=0.18))
    curves = [points[[point_index(name) for name in curve]] for curve in CURVES.values()]
    axes.add_collection(LineCollection(curves, colors=_RED, linewidths=1.6))
    axes.plot(*points.T, "o", color=_BLUE, markersize=3)


def draw_points(axes: Axes, faces: FaceBatch) -> None:
    """Draw the named points on the picture as it is; the primary ones larger."""
    _show_picture(axes, faces)
    points = _named(faces)[0]
    primary = np.array([point.primary for point in POINTS])
    axes.plot(*points[~primary].T, "o", color=_BLUE, markersize=3.5, markeredgecolor="white")
    axes.plot(*points[primary].T, "o", color=_RED, markersize=6.5, markeredgecolor="white")


def draw_blendshapes(axes: Axes, faces: FaceBatch) -> None:
    """Draw the largest coefficients as bars."""
    values = faces.blendshapes[0]
    order = np.argsort(values)[-_LARGEST:]
    axes.set_position((0.42, 0.12, 0.54, 0.84))
    axes.barh([BLENDSHAPE_NAMES[i] for i in order], values[order], color=_BLUE)
    axes.set(xlim=(0, 1), xlabel="coefficient")
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=9)


def draw_pose(axes: Axes, faces: FaceBatch) -> None:
    """Draw the head's own axes at the tip of the nose, and the three angles."""
    _show_picture(axes, faces)
    rotation = compute_head_rotation(faces.mesh)
    origin = faces.mesh[0, 4, :2]
    length = 0.55 * float(np.ptp(faces.mesh[0, :, 0]))
    for axis, colour in enumerate((_RED, _GREEN, _BLUE)):
        x, y = rotation[0, :2, axis] * length
        arrow = {"arrowstyle": "-|>", "color": colour, "linewidth": 3, "shrinkA": 0, "shrinkB": 0}
        axes.annotate("", (origin[0] + x, origin[1] - y), tuple(origin), arrowprops=arrow)
    angles = np.degrees(compute_pose_angles(rotation))[0]
    named = zip(("yaw", "pitch", "roll"), angles, strict=True)
    told = "   ".join(f"{name} {value:+.0f}°" for name, value in named)
    axes.text(0.5, 0.03, told, transform=axes.transAxes, ha="center", fontsize=12,
              bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85})  # fmt: skip


def draw_patch_hog(axes: Axes, faces: FaceBatch) -> None:
    """Draw all windows, and the cells' gradients of some."""
    _draw_cells(axes, faces, "patch_hog", up=1)


def draw_patch_sift(axes: Axes, faces: FaceBatch) -> None:
    """Draw all windows, and the cells' gradients of some."""
    _draw_cells(axes, faces, "patch_sift", up=-1)


def draw_patch_lbp(axes: Axes, faces: FaceBatch) -> None:
    """Draw the codes of every pixel, and the windows in which they are counted."""
    family = get_family("patch_lbp")
    crops = faces.crops(_CROP, MARGIN)
    axes.imshow(compute_codes(crops.grey[0], family.numbers("radii")[0]), cmap="bone")
    _frame(axes, len(crops.grey[0]))
    _draw_windows(axes, faces, family.number("window"))


def draw_patch_gabor(axes: Axes, faces: FaceBatch) -> None:
    """Draw, at every point, a stroke along the stripes that each filter of one scale answers to."""
    _show_crop(axes, faces)
    values = get_family("patch_gabor").compute(faces)[0]
    values = values.reshape(SCALES, len(PATCH_POINTS), GABOR_ORIENTATIONS)[SCALES // 2]
    angles = np.arange(GABOR_ORIENTATIONS) * np.pi / GABOR_ORIENTATIONS + np.pi / 2
    centres = compute_patch_centres(faces, _CROP, MARGIN)[0]
    _draw_strokes(axes, centres, angles, values, longest=5.5, both_ways=True)


def draw_dense_hog(axes: Axes, faces: FaceBatch) -> None:
    """Draw each cell's orientations as strokes along the edges."""
    family = get_family("dense_hog")
    cell = family.numbers("cells")[0]
    blocks = _CROP // cell - 1
    values = family.compute(faces)[0, : blocks * blocks * 4 * BINS]
    first = values.reshape(blocks, blocks, 2, 2, BINS)[:, :, 0, 0].reshape(-1, BINS)
    x, y = np.meshgrid(np.arange(blocks), np.arange(blocks), indexing="ij")
    centres = np.stack([x.ravel(), y.ravel()], axis=1) * cell + (cell - 1) / 2 + MARGIN
    _show_crop(axes, faces)
    angles = (np.arange(BINS) + 0.5) * np.pi / BINS + np.pi / 2
    _draw_strokes(axes, centres, angles, first, longest=cell / 2, both_ways=True)
    lines = MARGIN - 0.5 + np.arange(0, _CROP + 1, cell)
    ends = (lines[0], lines[-1])
    axes.vlines(lines, *ends, colors="white", linewidths=0.5, alpha=0.6)
    axes.hlines(lines, *ends, colors="white", linewidths=0.5, alpha=0.6)


def draw_pixels(axes: Axes, faces: FaceBatch) -> None:
    """Draw the crop's pixels."""
    grey = faces.crops(get_family("pixels").number("crop")).grey[0]
    axes.imshow(grey, cmap="gray", interpolation="nearest")
    axes.set_axis_off()


def _named(faces: FaceBatch) -> np.ndarray:
    return select_named_points(faces.mesh)[..., :2]


def _show_picture(axes: Axes, faces: FaceBatch) -> None:
    """Show the face in its picture, pale, with some room around it."""
    grey, room = faces.pictures[0], len(faces.pictures[0]) // 4
    wide = cv2.copyMakeBorder(grey, room, room, room, room, cv2.BORDER_REPLICATE)
    extent = (-room - 0.5, grey.shape[1] + room - 0.5, grey.shape[0] + room - 0.5, -room - 0.5)
    axes.imshow(_pale(wide), cmap="gray", vmin=0, vmax=255, extent=extent)
    points = faces.mesh[0, :, :2]
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    half = 0.6 * float(np.ptp(points, axis=0).max())
    axes.set(xlim=(middle[0] - half, middle[0] + half), ylim=(middle[1] + half, middle[1] - half))
    axes.set_axis_off()


def _show_crop(axes: Axes, faces: FaceBatch) -> None:
    """Show the aligned face, pale and finer than the families see it."""
    fine = faces.crops(_ZOOM * _CROP, _ZOOM * MARGIN).grey[0]
    side = _CROP + 2 * MARGIN
    extent = (-0.5, side - 0.5, side - 0.5, -0.5)
    axes.imshow(_pale(fine), cmap="gray", vmin=0, vmax=255, extent=extent)
    _frame(axes, side)


def _frame(axes: Axes, side: int) -> None:
    low, high = _SHOWN - 0.5, side - 0.5 - _SHOWN
    axes.set(xlim=(low, high), ylim=(high, low))
    axes.set_axis_off()


def _pale(grey: np.ndarray) -> np.ndarray:
    return 110 + grey * 0.57


def _draw_windows(axes: Axes, faces: FaceBatch, side: int) -> None:
    """Draw the outlines of all windows; of the examples, stronger."""
    centres = compute_patch_centres(faces, _CROP, MARGIN)[0]
    for point, (x, y) in zip(PATCH_POINTS, centres, strict=True):
        shown = point in _EXAMPLES
        axes.add_patch(
            Rectangle(
                (x - side / 2, y - side / 2), side, side, fill=False,
                edgecolor=_RED if shown else _BLUE, linewidth=1.6 if shown else 0.5,
                alpha=1 if shown else 0.45,
            )
        )  # fmt: skip


def _draw_cells(axes: Axes, faces: FaceBatch, name: str, *, up: int) -> None:
    """Draw signed gradients in square cells; ``up`` is -1 where angles are counted upward."""
    family = get_family(name)
    window = family.number("window")
    values = family.compute(faces)[0].reshape(len(PATCH_POINTS), -1, 8)
    cells = int(np.sqrt(values.shape[1]))
    _show_crop(axes, faces)
    _draw_windows(axes, faces, window)
    offsets = (np.arange(cells) - (cells - 1) / 2) * window / cells
    y, x = np.meshgrid(offsets, offsets, indexing="ij")
    grid = np.stack([x.ravel(), y.ravel()], axis=1)
    middles = compute_patch_centres(faces, _CROP, MARGIN)[0]
    rows = [PATCH_POINTS.index(point) for point in _EXAMPLES]
    centres = (middles[rows][:, None] + grid).reshape(-1, 2)
    angles = up * np.arange(8) * np.pi / 4
    _draw_strokes(axes, centres, angles, values[rows].reshape(-1, 8), longest=window / cells / 2)


def _draw_strokes(
    axes: Axes,
    centres: np.ndarray,
    angles: np.ndarray,
    values: np.ndarray,
    *,
    longest: float,
    both_ways: bool = False,
) -> None:
    """Draw strokes from each centre, as long as the values say.

    Parameters
    ----------
    centres : ndarray, shape (k, 2)
    angles : ndarray, shape (o,)
        From right towards down.
    values : ndarray, shape (k, o)
        None negative.
    longest : float
        Length of the largest value.
    both_ways : bool
        Whether strokes go to the other side, too.
    """
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    reach = (longest / values.max() * values)[:, :, None] * directions
    starts = centres[:, None] - reach if both_ways else centres[:, None] + 0 * reach
    ends = np.stack([starts, centres[:, None] + reach], axis=2).reshape(-1, 2, 2)
    axes.add_collection(LineCollection(list(ends), colors=_BLUE, linewidths=1.1, alpha=0.9))
