from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.features.pose import compute_head_rotation, compute_pose_angles
from mien.pipeline import detector as detector_module
from mien.pipeline.detector import ATTEMPTS, DETECTORS, FaceDetector
from mien.pipeline.landmarks import Landmarks
from mien.pipeline.picture_decoding import decode_picture
from mien.pipeline.preparation import MAX_SIDE, MIN_SIDE, Attempt, prepare_picture, to_grey
from mien.pipeline.rendered import renderer
from mien.pipeline.rendered.mesh import read_face_mesh
from mien.pipeline.rendered.people import make_person
from mien.pipeline.rendered.renderer import RenderedFace


@pytest.fixture(scope="module", params=DETECTORS)
def detector(request: pytest.FixtureRequest, landmarker: Path) -> Iterator[FaceDetector]:
    with FaceDetector(landmarker, request.param) as found:
        yield found


def locate(picture: np.ndarray) -> np.ndarray:
    """The centre of mass (x, y) of what is bright."""
    grey = to_grey(picture).astype(float)
    y, x = np.mgrid[: grey.shape[0], : grey.shape[1]]
    return np.array([(x * grey).sum(), (y * grey).sum()]) / grey.sum()


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: attempt.name)
@pytest.mark.parametrize("shape", [(48, 48), (300, 220), (1303, 1501)])
def test_matrix_says_where_a_blob_went(attempt: Attempt, shape: tuple[int, int]) -> None:
    height, width = shape
    place = np.array([width * 0.4, height * 0.55])
    y, x = np.mgrid[:height, :width]
    spread = 0.04 * max(shape)
    blob = 255 * np.exp(-((x - place[0]) ** 2 + (y - place[1]) ** 2) / (2 * spread**2))
    attempt = replace(attempt, equalise=False)
    prepared, matrix = prepare_picture(blob.astype(np.uint8), attempt)
    expected = matrix @ [*locate(blob.astype(np.uint8)), 1]
    np.testing.assert_allclose(locate(prepared), expected, atol=0.06)


def test_prepared_sizes() -> None:
    small, tall = np.zeros((48, 40), np.uint8), np.zeros((3000, 500, 3), np.uint8)
    assert prepare_picture(small, Attempt("", 0.25))[0].shape == (1.5 * MIN_SIDE, 1.5 * MIN_SIDE)
    assert prepare_picture(small, Attempt("", 0.5, upscale=False))[0].shape == (96, 96)
    assert prepare_picture(tall, Attempt("", 0.0))[0].shape == (MAX_SIDE, MAX_SIDE, 3)


def test_border_is_black_and_the_picture_central() -> None:
    prepared, matrix = prepare_picture(np.full((200, 200), 77, np.uint8), Attempt("", 0.25))
    np.testing.assert_array_equal(prepared[50:250, 50:250], 77)
    assert prepared.sum() == 200 * 200 * 77
    np.testing.assert_allclose(matrix, [[1, 0, 50], [0, 1, 50]])


def test_roll_turns_anticlockwise() -> None:
    picture = np.zeros((201, 201), np.uint8)
    picture[95:106, 180:191] = 255  # at the right
    prepared, _ = prepare_picture(picture, Attempt("", 0.5, roll=90.0))
    x, y = locate(prepared)
    assert x == pytest.approx(200.5, abs=1)  # now at the top
    assert y == pytest.approx(200.5 - 85, abs=1)


@pytest.mark.parametrize("shape", [(16, 50_000), (50_000, 16), (16, 16), (1, 4000)])
def test_odd_shapes_are_prepared(shape: tuple[int, int]) -> None:
    for attempt in ATTEMPTS:
        prepared, matrix = prepare_picture(np.full(shape, 200, np.uint8), attempt)
        assert prepared.shape[0] == prepared.shape[1]
        assert np.isfinite(matrix).all()


def test_equalising_stretches_contrast() -> None:
    dull = np.tile(np.arange(100, 120, dtype=np.uint8), (200, 10))
    prepared, _ = prepare_picture(dull, Attempt("", 0.0, equalise=True))
    assert np.ptp(prepared) > 240


def test_grey() -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert to_grey(grey) is grey
    np.testing.assert_array_equal(to_grey(np.dstack([grey] * 3)), grey)
    red = np.zeros((1, 1, 3), np.uint8)
    red[..., 0] = 255
    assert to_grey(red)[0, 0] == 76  # 0.299 of 255


def eye_distance(face: RenderedFace) -> float:
    return float(np.linalg.norm(face.landmarks[33] - face.landmarks[263]))


def mean_error(found: Landmarks, face: RenderedFace) -> float:
    """Mean distance to the true landmarks in eye distances; half a pixel between conventions."""
    apart = found.mesh[:468, :2] + 0.5 - face.landmarks
    return float(np.linalg.norm(apart, axis=1).mean()) / eye_distance(face)


def pose_of(found: Landmarks) -> np.ndarray:
    return np.degrees(compute_pose_angles(compute_head_rotation(found.mesh[None])))[0]


def test_landmarks_lie_on_the_true_ones(
    detector: FaceDetector, rendered: list[RenderedFace]
) -> None:
    for face in rendered:
        found = detector.detect(face.picture)
        assert found is not None
        assert found.attempt == ATTEMPTS[0].name
        assert (found.mesh.shape, found.mesh.dtype) == ((478, 3), np.float32)
        assert (found.blendshapes.shape, found.blendshapes.dtype) == ((52,), np.float32)
        assert 0 <= found.blendshapes.min() <= found.blendshapes.max() <= 1
        assert mean_error(found, face) < 0.08
        left_iris, right_iris = found.mesh[468, 0], found.mesh[473, 0]
        assert left_iris < right_iris  # the picture's left comes first
        assert found.mesh[1, 2] < found.mesh[[234, 454], 2].min()  # the nose is nearer


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: attempt.name)
def test_every_attempt_finds_the_same_pixels(
    detector: FaceDetector,
    rendered: list[RenderedFace],
    attempt: Attempt,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(detector_module, "ATTEMPTS", (attempt,))
    for face in rendered[1::3]:
        found = detector.detect(face.picture)
        assert found is not None
        assert found.attempt == attempt.name
        assert mean_error(found, face) < 0.09
        depth = np.ptp(found.mesh[:468, 2]) / eye_distance(face)
        assert 0.6 < depth < 1.6  # at the scale of x and y
        assert pose_of(found)[0] == pytest.approx(face.yaw, abs=5)
        assert pose_of(found)[2] == pytest.approx(-face.roll, abs=5)


def test_small_and_huge_pictures_give_landmarks_in_their_own_pixels(
    detector: FaceDetector, rendered: list[RenderedFace]
) -> None:
    face = rendered[0]
    plain = detector.detect(face.picture)
    assert plain is not None
    for side in (96, 2000):
        scale = side / 256
        method = cv2.INTER_AREA if side < 256 else cv2.INTER_CUBIC
        found = detector.detect(cv2.resize(face.picture, (side, side), interpolation=method))
        assert found is not None
        corner = np.array([0.5, 0.5, 0])
        apart = ((found.mesh + corner) / scale - (plain.mesh + corner))[:468]
        assert np.linalg.norm(apart[:, :2], axis=1).mean() < 0.04 * eye_distance(face)
        assert np.abs(apart[:, 2]).mean() < 0.06 * eye_distance(face)


def test_face_off_centre_in_a_wide_picture(
    detector: FaceDetector, rendered: list[RenderedFace]
) -> None:
    face = rendered[2]
    wide = np.full((300, 640, 3), 128, np.uint8)
    wide[30:286, 350:606] = face.picture
    found = detector.detect(wide)
    assert found is not None
    moved = replace(face, landmarks=face.landmarks + np.float32([350, 30]))
    assert mean_error(found, moved) < 0.08


def test_grey_and_rgb_of_a_grey_picture_are_the_same(
    detector: FaceDetector, crops: np.ndarray, rendered: list[RenderedFace]
) -> None:
    for grey in (crops[0], to_grey(rendered[0].picture)):
        first, second = detector.detect(grey), detector.detect(np.dstack([grey] * 3))
        assert first is not None
        assert second is not None
        np.testing.assert_array_equal(first.mesh, second.mesh)
        np.testing.assert_array_equal(first.blendshapes, second.blendshapes)


def test_tight_grey_crops_are_found(detector: FaceDetector, crops: np.ndarray) -> None:
    for crop in crops:
        found = detector.detect(crop)
        assert found is not None
        x, y = found.mesh[:468, :2].mean(axis=0)
        assert abs(x - 24) < 8
        assert abs(y - 24) < 8


def test_strided_and_read_only_pictures(
    detector: FaceDetector, rendered: list[RenderedFace]
) -> None:
    picture = rendered[0].picture
    plain = detector.detect(picture)
    wide = np.repeat(np.repeat(picture, 2, axis=0), 2, axis=1)
    views = [wide[::2, ::2], np.asfortranarray(picture), picture[:, ::-1].copy()[:, ::-1]]
    views[0].setflags(write=False)
    for view in views:
        assert not view.flags["C_CONTIGUOUS"]
        found = detector.detect(view)
        assert found is not None
        np.testing.assert_array_equal(found.mesh, plain.mesh)


def test_nothing_is_found_where_no_face_is(detector: FaceDetector) -> None:
    assert detector.detect(np.zeros((48, 48), np.uint8)) is None
    assert detector.detect(np.full((200, 300, 3), 255, np.uint8)) is None


def test_detection_repeats_itself_and_leaves_the_picture_alone(
    detector: FaceDetector, rendered: list[RenderedFace], landmarker: Path
) -> None:
    picture = rendered[0].picture.copy()
    first, again = detector.detect(picture), detector.detect(picture)
    with FaceDetector(landmarker, detector._name) as other:
        fresh = other.detect(picture)
    np.testing.assert_array_equal(picture, rendered[0].picture)
    for found in (again, fresh):
        np.testing.assert_array_equal(found.mesh, first.mesh)
        assert found.presence == pytest.approx(first.presence, nan_ok=True)


@pytest.mark.parametrize(
    ("turn", "column", "sign"),
    [({"yaw": 18.0}, 0, 1), ({"pitch": 16.0}, 1, -1), ({"roll": 20.0}, 2, -1)],
)
def test_pose_signs(
    detector: FaceDetector,
    landmarker: Path,
    monkeypatch: pytest.MonkeyPatch,
    turn: dict[str, float],
    column: int,
    sign: int,
) -> None:
    """The renderer's yaw is to the picture's right, its pitch up, its roll clockwise."""
    plan_picture = renderer.plan_picture
    poses = []
    for direction in (-1, 1):
        angles = dict.fromkeys(("yaw", "pitch", "roll"), 0.0)
        angles |= {name: direction * value for name, value in turn.items()}

        def plan(*args: object, angles: dict[str, float] = angles, **options: object) -> object:
            usual = plan_picture(*args, **options)
            return replace(usual, scene=replace(usual.scene, **angles))

        monkeypatch.setattr(renderer, "plan_picture", plan)
        face = renderer.render_face(read_face_mesh(landmarker), make_person(0, 1), "neutral")
        found = detector.detect(face.picture)
        assert found is not None
        poses.append(pose_of(found))
    change = poses[1] - poses[0]
    expected = np.zeros(3)
    expected[column] = 2 * sign * next(iter(turn.values()))
    np.testing.assert_allclose(change, expected, atol=9)


def test_real_faces_are_found(detector: FaceDetector, london_pictures: list[Path]) -> None:
    for path in london_pictures:
        found = detector.detect(decode_picture(path.read_bytes()))
        assert found is not None, path.name
        assert np.abs(pose_of(found)[[0, 2]]).max() < 12, path.name


def test_a_closed_detector_opens_again(landmarker: Path, rendered: list[RenderedFace]) -> None:
    detector = FaceDetector(landmarker)
    assert detector.detect(rendered[0].picture) is not None
    detector.close()
    detector.close()
    assert detector.detect(rendered[0].picture) is not None
    detector.close()


def test_mediapipe_comes_without_tensorflow_and_without_noise(landmarker: Path) -> None:
    code = f"""
import importlib.util, sys
import numpy as np
from pathlib import Path
from mien.pipeline.detector import FaceDetector
from mien.pipeline.mediapipe_landmarker import import_mediapipe
import_mediapipe()
assert "tensorflow" not in sys.modules
assert importlib.util.find_spec("tensorflow") is not None
with FaceDetector(Path({str(landmarker)!r}), "mediapipe") as detector:
    assert detector.detect(np.zeros((48, 48), np.uint8)) is None
assert not any(name.split(".")[0] == "tensorflow" for name in sys.modules)
print("Python speaks", file=sys.stderr)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "Python speaks\n")
