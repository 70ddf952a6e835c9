from __future__ import annotations

import numpy as np
import pytest

from mien.features.faces import FaceBatch
from mien.features.geometry import compute_aligned_points
from mien.features.geometry_items import ANGLES, AREAS, CURVES, MIDDLE_POINTS, RATIOS, SLOPES
from mien.features.quantities import (
    compute_angles,
    compute_arches,
    compute_areas,
    compute_bows,
    compute_distances,
    compute_ratios,
    compute_slopes,
)
from mien.features.registry import get_family
from mien.features.scheme import NAMES, point_index


def place(**named: tuple[float, float]) -> np.ndarray:
    """One face, (1, 64, 2), with these points; the others are missing."""
    points = np.full((1, 64, 2), np.nan)
    for name, xy in named.items():
        points[0, point_index(name)] = xy
    return points


def describe(mesh: np.ndarray, spec: str = "geometry") -> np.ndarray:
    pictures = [np.zeros((16, 16), np.uint8)] * len(mesh)
    blendshapes = np.zeros((len(mesh), 52), np.float32)
    return get_family(spec).compute(FaceBatch(pictures, mesh, blendshapes))


def test_distances_by_hand() -> None:
    points = place(nose_tip=(1, 2), chin_tip=(4, 6))
    pairs = (("nose_tip", "chin_tip"), ("chin_tip", "chin_tip"), ("nose_tip", "nose_base"))
    np.testing.assert_array_equal(compute_distances(points, pairs), [[5, 0, np.nan]])


@pytest.mark.parametrize(
    ("tip", "expected"),
    [((3, 0), 0), ((2, 2), 45), ((0, 5), 90), ((-1, 1), 135), ((-4, 0), 180), ((0, -5), 90)],
)
def test_angles_by_hand(tip: tuple[float, float], expected: float) -> None:
    points = place(nose_tip=(11, 20), chin_tip=(10, 20), nose_base=(10 + tip[0], 20 + tip[1]))
    triples = (("nose_tip", "chin_tip", "nose_base"), ("nose_base", "chin_tip", "nose_tip"))
    np.testing.assert_allclose(
        np.degrees(compute_angles(points, triples)), [[expected, expected]], atol=1e-9
    )


def test_slopes_are_outward_and_up() -> None:
    points = place(
        nose_tip=(0, 0), left_temple=(-2, -2), right_temple=(2, -2), left_nostril=(-3, 0),
        right_nostril=(1, 1), left_eye_centre=(2, 0), right_eye_centre=(0, -9),
    )  # fmt: skip
    ends = (
        "left_temple", "right_temple", "left_nostril", "right_nostril", "left_eye_centre",
        "right_eye_centre", "left_cheek_1",
    )  # fmt: skip
    slopes = compute_slopes(points, tuple(("nose_tip", end) for end in ends))
    np.testing.assert_allclose(np.degrees(slopes), [[45, 45, 0, -45, 180, 90, np.nan]], atol=1e-9)


def test_ratios_by_hand() -> None:
    points = place(nose_tip=(0, 0), nose_base=(0, 3), chin_tip=(0, 4), upper_lip_top=(0, 4))
    ratios = (
        (("nose_tip", "nose_base"), ("nose_base", "chin_tip")),
        (("chin_tip", "upper_lip_top"), ("nose_tip", "chin_tip")),
        (("nose_tip", "chin_tip"), ("chin_tip", "upper_lip_top")),
        (("chin_tip", "upper_lip_top"), ("upper_lip_top", "chin_tip")),
        (("nose_tip", "left_temple"), ("nose_base", "chin_tip")),
    )
    np.testing.assert_allclose(
        compute_ratios(points, ratios), [[0.75, 0, 1, np.nan, np.nan]], atol=1e-12
    )


def test_blocks_stand_in_the_order_of_their_names(frontal: np.ndarray) -> None:
    mesh = (frontal + np.random.default_rng(0).normal(0, 2, frontal.shape))[None]
    mesh = mesh.astype(np.float32)
    values = dict(zip(get_family("geometry").feature_names, describe(mesh)[0], strict=True))
    points = dict(zip(NAMES, compute_aligned_points(mesh)[0].astype(float), strict=True))

    def apart(a: str, b: str) -> float:
        return float(np.linalg.norm(points[a] - points[b]))

    for a, b in (("left_temple", "left_cheek_1"), ("chin_tip", "nose_tip")):
        assert values[f"distance:{a}-{b}"] == pytest.approx(apart(a, b), rel=1e-5)
    a, b, c = ANGLES[-1]
    cosine = (apart(a, b) ** 2 + apart(b, c) ** 2 - apart(a, c) ** 2) / (
        2 * apart(a, b) * apart(b, c)
    )
    assert np.cos(values[f"angle:{a}-{b}-{c}"]) == pytest.approx(cosine, abs=1e-5)
    a, b = next(s for s in SLOPES if s[1].startswith("right_"))
    rise, run = points[a][1] - points[b][1], points[b][0] - points[a][0]
    assert np.tan(values[f"slope:{a}-{b}"]) == pytest.approx(rise / run, abs=1e-4)
    first, second = RATIOS[-1]
    expected = apart(*first) / (apart(*first) + apart(*second))
    name = f"ratio:{first[0]}-{first[1]}/{second[0]}-{second[1]}"
    assert values[name] == pytest.approx(expected, rel=1e-4)


def test_width_is_what_the_docstring_says() -> None:
    family = get_family("geometry")
    assert (len(ANGLES), len(SLOPES), len(RATIOS)) == (34, 20, 18)
    assert (len(AREAS), len(CURVES), len(MIDDLE_POINTS)) == (17, 13, 6)
    sided = 13 + 10 + 5 + 5 + 4 + 4
    assert family.width == 64 * 63 // 2 + 34 + 20 + 18 + 17 + 2 * 13 + sided + 6 == 2178
    assert "(n, 2178)" in type(family).__doc__


def test_areas_by_hand() -> None:
    points = place(nose_tip=(1, 1), chin_tip=(4, 1), nose_base=(4, 5), upper_lip_top=(1, 5))
    rectangle = ("nose_tip", "chin_tip", "nose_base", "upper_lip_top")
    bow_tie = ("nose_tip", "nose_base", "chin_tip", "upper_lip_top")
    polygons = (
        rectangle, rectangle[::-1], rectangle[2:] + rectangle[:2], rectangle[:3], bow_tie,
        ("nose_tip", "chin_tip", "left_temple"),
    )  # fmt: skip
    areas = compute_areas(points, polygons)
    np.testing.assert_allclose(areas, [[12, -12, 12, 6, 0, np.nan]], atol=1e-12)


def test_outlines_run_clockwise(frontal: np.ndarray) -> None:
    values = compute_areas(compute_aligned_points(frontal[None]), tuple(AREAS.values()))[0]
    areas = dict(zip(AREAS, values, strict=True))
    # the canonical mouth is closed
    assert min(value for name, value in areas.items() if name != "mouth_inner") > 1e-3
    assert areas["mouth_outer"] == pytest.approx(
        areas["upper_lip"] + areas["lower_lip"] + areas["mouth_inner"], abs=1e-6
    )
    assert areas["mouth_outer"] == pytest.approx(
        areas["left_mouth_half"] + areas["right_mouth_half"], abs=1e-6
    )


def test_bows_by_hand() -> None:
    """A chord of 4, its inner points 1 and 2 above: mean 1.5, a quarter of it in chords."""
    brow = ("left_temple", "nose_tip", "chin_tip", "nose_base")
    points = place(left_temple=(0, 0), nose_tip=(1, -1), chin_tip=(3, -2), nose_base=(4, 0))
    np.testing.assert_allclose(compute_bows(points, (brow,)), [[1.5 / 4]], atol=1e-12)
    rolled = points[..., ::-1] * [-1, 1]  # a quarter turn clockwise: up is now right
    np.testing.assert_allclose(compute_bows(rolled, (brow,)), [[1.5 / 4]], atol=1e-12)
    np.testing.assert_allclose(compute_bows(points * [1, -1], (brow,)), [[-1.5 / 4]], atol=1e-12)


def test_a_curve_that_begins_on_the_right_runs_to_the_left() -> None:
    points = place(right_temple=(4, 0), nose_tip=(2, -1), nose_base=(0, 0))
    curve = ("right_temple", "nose_tip", "nose_base")
    np.testing.assert_allclose(compute_bows(points, (curve,)), [[0.25]])
    np.testing.assert_allclose(compute_arches(points, (curve,)), [[1]])


def test_arches_are_those_of_parabolas() -> None:
    """In chords: h = 3 t (1 - t) has the coefficient -3, whatever the places of the points."""
    t = np.array([0, 0.2, 0.35, 0.9, 1])
    h = 3 * t * (1 - t)
    names = ("left_temple", "nose_tip", "chin_tip", "nose_base", "upper_lip_top")
    turn = 5 * np.array([[0.8, 0.6], [-0.6, 0.8]])
    xy = np.column_stack([t, -h]) @ turn + [7, -3]
    points = place(**dict(zip(names, map(tuple, xy), strict=True)))
    np.testing.assert_allclose(compute_arches(points, (names,)), [[3]], atol=1e-9)


def test_arches_are_least_squares() -> None:
    names = ("left_temple", "nose_tip", "chin_tip", "nose_base", "upper_lip_top")
    t, h = np.array([0, 0.3, 0.4, 0.8, 1]), np.array([0, 0.2, 0.1, -0.3, 0])
    points = place(**dict(zip(names, map(tuple, np.column_stack([t, -h])), strict=True)))
    expected = -np.polynomial.polynomial.polyfit(t, h, 2)[2]
    np.testing.assert_allclose(compute_arches(points, (names,)), [[expected]], atol=1e-9)


def test_curves_without_a_chord_are_missing() -> None:
    points = place(left_temple=(1, 1), nose_tip=(2, 2), chin_tip=(1, 1))
    curve = ("left_temple", "nose_tip", "chin_tip")
    assert np.isnan(compute_bows(points, (curve,))).all()
    assert np.isnan(compute_arches(points, (curve,))).all()


def test_asymmetry_is_left_minus_right(frontal: np.ndarray) -> None:
    mesh = (frontal + np.random.default_rng(5).normal(0, 2, frontal.shape))[None]
    family = get_family("geometry")
    values = dict(zip(family.feature_names, describe(mesh.astype(np.float32))[0], strict=True))
    for name in ("area:left_eye", "bow:left_brow_upper", "arch:left_lower_lip_half"):
        other = values[name.replace("left_", "right_")]
        assert values[f"asymmetry:{name}"] == pytest.approx(values[name] - other, abs=1e-6)
    symmetric = dict(zip(family.feature_names, describe(frontal[None])[0], strict=True))
    sided = [v for n, v in symmetric.items() if n.startswith(("asymmetry:", "offset:"))]
    assert np.abs(sided).max() < 1e-3


def turned(mesh: np.ndarray, yaw: float, pitch: float) -> np.ndarray:
    """The face turned to the picture's right and downward, in degrees, seen from far away."""
    (cy, cp), (sy, sp) = (f(np.radians([yaw, pitch])) for f in (np.cos, np.sin))
    turn = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    nod = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    flip = np.array([1, -1, -1])
    return ((mesh * flip) @ (turn @ nod).T * flip).astype(np.float32)


@pytest.mark.parametrize(("yaw", "pitch"), [(25, 0), (-40, 15), (0, -30), (35, 35)])
def test_a_moderate_turn_changes_nothing(frontal: np.ndarray, yaw: float, pitch: float) -> None:
    mesh = frontal[None] + np.random.default_rng(2).normal(0, 1, (1, *frontal.shape))
    away = turned(mesh, yaw, pitch)
    np.testing.assert_allclose(describe(away), describe(mesh.astype(np.float32)), atol=2e-3)
    flat = "geometry@frontal=0"
    change = np.abs(describe(away, flat) - describe(mesh.astype(np.float32), flat))
    assert change[:, :2016].max() > 0.02


def test_aligned_eyes_are_two_fifths_apart(frontal: np.ndarray) -> None:
    points = compute_aligned_points(frontal[None])
    left, right = (points[0, point_index(f"{side}_eye_centre")] for side in ("left", "right"))
    assert (left[0] + right[0]) / 2 == pytest.approx(0.5, abs=1e-4)
    assert right[0] - left[0] == pytest.approx(0.4, abs=0.03)
    assert left[1] == pytest.approx(right[1], abs=1e-4)


@pytest.mark.parametrize("seed", range(8))
def test_shift_scale_and_roll_change_nothing(frontal: np.ndarray, seed: int) -> None:
    rng = np.random.default_rng(seed)
    mesh = frontal + rng.normal(0, 2, (3, *frontal.shape)).astype(np.float32)
    scale, angle, shift = rng.uniform(0.3, 8), rng.uniform(-np.pi, np.pi), rng.normal(0, 300, 2)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = mesh * np.float32(scale)
    moved[..., :2] = mesh[..., :2] @ turn.T + shift
    np.testing.assert_allclose(describe(moved), describe(mesh), atol=2e-3)


@pytest.mark.parametrize("seed", range(4))
def test_a_mirrored_face_has_the_mirrored_features(
    frontal: np.ndarray, mesh_mirror: np.ndarray, seed: int
) -> None:
    mesh = frontal + np.random.default_rng(seed).normal(0, 3, (2, *frontal.shape))
    mesh = mesh.astype(np.float32)
    mirrored = mesh[:, mesh_mirror] * np.array([-1, 1, 1], np.float32) + np.float32([99, 0, 0])
    source, sign = get_family("geometry").mirror
    values = describe(mesh)
    assert np.abs(values[:, source] - values).max() > 0.05
    np.testing.assert_allclose(describe(mirrored), values[:, source] * sign, atol=1e-3)


def test_a_missing_point_makes_only_its_features_missing(frontal: np.ndarray) -> None:
    mesh = frontal[None].copy()
    mesh[0, 152] = np.nan
    family = get_family("geometry")
    missing = {
        name for name, value in zip(family.feature_names, describe(mesh)[0], strict=True)
        if np.isnan(value)
    }  # fmt: skip
    shapes = {"area:chin", "bow:jaw", "arch:jaw"}
    assert missing == shapes | {name for name in family.feature_names if "chin_tip" in name}


def test_a_missing_eye_makes_everything_missing(frontal: np.ndarray) -> None:
    mesh = np.stack([frontal, frontal])
    mesh[0, 33] = np.nan
    values = describe(mesh)
    assert np.isnan(values[0]).all()
    assert np.isfinite(values[1]).all()


def test_a_raised_mouth_corner_shows(frontal: np.ndarray) -> None:
    smiling = frontal[None].copy()
    smiling[0, 61, 1] -= 8
    names = get_family("geometry").feature_names
    column = names.index("slope:nose_base-left_mouth_corner")
    assert describe(smiling)[0, column] > describe(frontal[None])[0, column] + 0.1
