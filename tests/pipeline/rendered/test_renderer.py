from __future__ import annotations

import numpy as np
import pytest

from mien.pipeline.labels import EXPRESSIONS
from mien.pipeline.rendered.action_units import ACTION_UNITS
from mien.pipeline.rendered.mesh import FaceMesh
from mien.pipeline.rendered.people import TRAITS, make_person
from mien.pipeline.rendered.plan import plan_picture
from mien.pipeline.rendered.renderer import render_face, shape_face
from mien.pipeline.rendered.scene import rotate_head
from mien.pipeline.rendered.texture import paint_texture


def test_same_numbers_same_picture_whatever_came_before(mesh: FaceMesh) -> None:
    first = render_face(mesh, make_person(3, 1), "happy", seed=3, take=2, size=96)
    render_face(mesh, make_person(3, 0), "sad", seed=3, take=1, size=96)
    make_person.cache_clear()
    again = render_face(mesh, make_person(3, 1), "happy", seed=3, take=2, size=96)
    assert np.array_equal(first.picture, again.picture)
    assert np.array_equal(first.landmarks, again.landmarks)
    assert first.intensity == again.intensity


def test_every_number_matters(mesh: FaceMesh) -> None:
    def draw(seed: int, number: int, expression: str, take: int) -> np.ndarray:
        person = make_person(seed, number)
        return render_face(mesh, person, expression, seed=seed, take=take, size=64).picture

    base = draw(0, 0, "fear", 1)
    for other in ((1, 0, "fear", 1), (0, 1, "fear", 1), (0, 0, "sad", 1), (0, 0, "fear", 2)):
        assert np.abs(base.astype(int) - draw(*other)).mean() > 3


def test_format(mesh: FaceMesh) -> None:
    face = render_face(mesh, make_person(0, 0), "neutral", size=80)
    assert face.picture.shape == (80, 80, 3)
    assert face.picture.dtype == np.uint8
    assert face.picture.flags.c_contiguous
    assert face.landmarks.shape == (468, 2)
    assert face.landmarks.dtype == np.float32
    assert face.intensity == 0


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_landmarks_lie_in_the_picture(mesh: FaceMesh, expression: str) -> None:
    for number in range(3):
        face = render_face(mesh, make_person(5, number), expression, seed=5, size=64)
        assert face.landmarks.min() > 0
        assert face.landmarks.max() < 64
        assert face.landmarks[33, 0] < face.landmarks[263, 0]
        assert face.landmarks[10, 1] < face.landmarks[152, 1]


def test_picture_and_landmarks_scale_together(mesh: FaceMesh) -> None:
    person = make_person(0, 2)
    small, large = (render_face(mesh, person, "happy", size=size) for size in (96, 192))
    assert np.allclose(large.landmarks, 2 * small.landmarks, atol=1e-3)


def test_landmarks_mark_what_is_drawn(mesh: FaceMesh) -> None:
    for number in range(4):
        face = render_face(mesh, make_person(0, number), "neutral", size=256, noise=0.0)
        grey = face.picture.mean(axis=2)

        def at(index: int, grey: np.ndarray = grey, spots: np.ndarray = face.landmarks) -> float:
            x, y = spots[index].astype(int)
            return float(grey[y - 1 : y + 2, x - 1 : x + 2].mean())

        brow, cheek = np.mean([at(52), at(282)]), np.mean([at(50), at(280)])
        pupil = np.mean([grey[_between(face.landmarks, *ends)] for ends in ((33, 133), (263, 362))])
        assert brow < cheek - 10
        assert pupil < cheek - 40


def _between(landmarks: np.ndarray, first: int, second: int) -> tuple[int, int]:
    x, y = landmarks[[first, second]].mean(axis=0).astype(int)
    return int(y), int(x)


def test_person_is_the_same_in_every_picture(mesh: FaceMesh) -> None:
    person = make_person(9, 4)
    still = np.zeros((len(ACTION_UNITS), 2), np.float32)
    relaxed, face = shape_face(mesh, person, still)
    assert np.allclose(relaxed, face)
    for expression in EXPRESSIONS:
        plan = plan_picture(person, expression, seed=9, take=1)
        assert np.array_equal(shape_face(mesh, person, plan.activations)[0], relaxed)
    assert np.array_equal(paint_texture(mesh, person), paint_texture(mesh, person))


def test_people_differ(mesh: FaceMesh) -> None:
    people = [make_person(0, number) for number in range(6)]
    still = np.zeros((len(ACTION_UNITS), 2), np.float32)
    faces = np.stack([shape_face(mesh, person, still)[0] for person in people])
    apart = np.linalg.norm(faces[:, None] - faces[None], axis=3).mean(axis=2)
    assert apart[~np.eye(6, dtype=bool)].min() > 0.15
    assert all(person.shape.shape == (len(TRAITS),) for person in people)


def test_expressions_show_in_the_geometry(mesh: FaceMesh) -> None:
    def measure(expression: str) -> dict[str, float]:
        sums: dict[str, list[float]] = {"smile": [], "open": [], "brow": [], "frown": []}
        for number in range(10):
            person = make_person(0, number)
            plan = plan_picture(person, expression, seed=0, take=1)
            _, face = shape_face(mesh, person, plan.activations)
            sums["smile"].append(face[[61, 291], 1].mean() - face[[0, 17], 1].mean())
            sums["open"].append(face[13, 1] - face[14, 1])
            sums["brow"].append(face[[105, 334], 1].mean() - face[[33, 263], 1].mean())
            sums["frown"].append(face[336, 0] - face[107, 0])
        return {key: float(np.mean(values)) for key, values in sums.items()}

    neutral = measure("neutral")
    assert measure("happy")["smile"] > neutral["smile"] + 0.3
    assert measure("sad")["smile"] < neutral["smile"] - 0.15
    assert measure("surprise")["open"] > neutral["open"] + 0.5
    assert measure("surprise")["brow"] > neutral["brow"] + 0.3
    assert measure("angry")["brow"] < neutral["brow"] - 0.15
    assert measure("angry")["frown"] < neutral["frown"] - 0.2


def test_rotation_turns_as_documented() -> None:
    nose, crown, ear = np.eye(3)[2], np.eye(3)[1], np.eye(3)[0]
    assert (nose @ rotate_head(yaw=20, pitch=0, roll=0).T)[0] > 0.3
    assert (nose @ rotate_head(yaw=0, pitch=20, roll=0).T)[1] > 0.3
    assert (crown @ rotate_head(yaw=0, pitch=0, roll=20).T)[0] > 0.3
    assert (ear @ rotate_head(yaw=0, pitch=0, roll=20).T)[1] < -0.3
    turned = rotate_head(yaw=15, pitch=-7, roll=4)
    assert np.allclose(turned @ turned.T, np.eye(3), atol=1e-6)
    assert np.linalg.det(turned) == pytest.approx(1)
