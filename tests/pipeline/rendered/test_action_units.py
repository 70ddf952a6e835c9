from __future__ import annotations

import numpy as np
import pytest

from mien.pipeline.labels import EXPRESSIONS
from mien.pipeline.rendered.action_units import (
    ACTION_UNITS,
    build_action_units,
    build_resting_face,
    part_lips,
)
from mien.pipeline.rendered.expressions import PROTOTYPES, sample_activations
from mien.pipeline.rendered.mesh import FaceMesh

# Action unit, vertex on the picture's left, axis (0 right, 1 up, 2 to the viewer), sign.
SIGNS = [
    ("AU1", 107, 1, 1),
    ("AU2", 70, 1, 1),
    ("AU4", 107, 1, -1),
    ("AU4", 107, 0, 1),
    ("AU5", 159, 1, 1),
    ("AU6", 50, 1, 1),
    ("AU6", 145, 1, 1),
    ("AU7", 145, 1, 1),
    ("AU7", 159, 1, -1),
    ("AU9", 129, 1, 1),
    ("AU10", 37, 1, 1),
    ("AU12", 61, 1, 1),
    ("AU12", 61, 0, -1),
    ("AU14", 61, 0, -1),
    ("AU15", 61, 1, -1),
    ("AU17", 199, 1, 1),
    ("AU20", 61, 0, -1),
    ("AU23", 37, 1, -1),
    ("AU23", 84, 1, 1),
    ("AU25", 14, 1, -1),
    ("AU26", 152, 1, -1),
    ("AU43", 159, 1, -1),
]


@pytest.mark.parametrize(("unit", "vertex", "axis", "sign"), SIGNS)
def test_action_unit_moves_the_right_way(
    mesh: FaceMesh, unit: str, vertex: int, axis: int, sign: int
) -> None:
    field = build_action_units(mesh)[ACTION_UNITS.index(unit)].sum(axis=0)
    assert field[vertex, axis] * sign > 0.1


def test_every_action_unit_is_tested_and_used() -> None:
    assert {unit for unit, *_ in SIGNS} == set(ACTION_UNITS)
    assert {unit for parts in PROTOTYPES.values() for unit in parts} == set(ACTION_UNITS)
    assert set(PROTOTYPES) == set(EXPRESSIONS)


def test_sides_mirror_each_other_and_stay_on_their_side(mesh: FaceMesh) -> None:
    left, right = build_action_units(mesh).swapaxes(0, 1)
    flip = np.array([-1, 1, 1])
    assert np.allclose(right, left[:, mesh.mirrored] * flip, atol=2e-3)
    far_left, far_right = mesh.vertices[:, 0] < -1.5, mesh.vertices[:, 0] > 1.5
    jaw = ACTION_UNITS.index("AU26")
    smile = np.delete(left, jaw, axis=0)
    assert np.abs(smile[:, far_right]).max() < 0.03
    assert np.abs(smile[:, far_left]).max() > 0.3


def test_jaw_drop_leaves_the_upper_face(mesh: FaceMesh) -> None:
    field = build_action_units(mesh)[ACTION_UNITS.index("AU26")].sum(axis=0)
    assert np.abs(field[[13, 0, 4, 33, 10]]).max() < 0.1
    assert field[14, 1] < -1


def test_resting_face_closes_the_mouth(mesh: FaceMesh) -> None:
    relaxed = part_lips(mesh, mesh.vertices + build_resting_face(mesh), closed=True)
    assert mesh.vertices[13, 1] - mesh.vertices[14, 1] > 0.5
    assert relaxed[13, 1] == pytest.approx(relaxed[14, 1], abs=1e-5)


def test_part_lips_only_moves_lips_that_cross(mesh: FaceMesh) -> None:
    crossed = mesh.vertices.copy()
    crossed[14, 1] = crossed[13, 1] + 1
    parted = part_lips(mesh, crossed)
    assert parted[14, 1] == pytest.approx(parted[13, 1], abs=1e-5)
    untouched = np.delete(np.arange(468), [13, 14])
    assert np.array_equal(parted[untouched], crossed[untouched])


def _sample(expression: str, seed: int) -> tuple[np.ndarray, float]:
    ones = np.ones((len(ACTION_UNITS), 2))
    return sample_activations(
        expression, habits=ones, resting=0 * ones, noise=0.0, rng=np.random.default_rng(seed)
    )


def test_happy_is_a_smile_in_every_sample() -> None:
    smile = ACTION_UNITS.index("AU12")
    for seed in range(20):
        activations, intensity = _sample("happy", seed)
        assert 0.35 <= intensity <= 1
        expected = PROTOTYPES["happy"]["AU12"].strength * intensity
        assert activations[smile] == pytest.approx([expected, expected], rel=1e-5)


def test_neutral_without_noise_is_still() -> None:
    activations, intensity = _sample("neutral", 3)
    assert intensity == 0
    assert not activations.any()


def test_contempt_is_on_one_side() -> None:
    dimple = ACTION_UNITS.index("AU14")
    sides = set()
    for seed in range(20):
        activations, _ = _sample("contempt", seed)
        left, right = activations[dimple]
        assert max(left, right) > 4 * min(left, right)
        sides.add(bool(left > right))
    assert sides == {True, False}
