import cv2
import numpy as np
import pandas as pd
import pytest

from mien.pipeline.cropped_faces import CroppedFaces
from mien.pipeline.local_contrast import normalise_locally
from mien.pipeline.quality import QUALITY_COLUMNS, compute_quality, make_face_oval

# where the eyes and the mouth of an aligned 48-pixel face are
EYES = ((13.9, 16.3), (33.1, 16.3))
MOUTH = (23.5, 35.5)
LEFT_EYE, RIGHT_EYE, LEFT_MOUTH, RIGHT_MOUTH = (33, 133, 159, 145), (263, 362, 386, 374), 61, 291


def make_mesh(*, shift=0.0):
    """A mesh that needs no alignment; all points but eyes and mouth corners at the nose."""
    mesh = np.full((478, 3), 23.5, dtype=np.float32)
    for points, place in zip((LEFT_EYE, RIGHT_EYE), EYES, strict=True):
        mesh[list(points), :2] = place
    mesh[LEFT_MOUTH, :2] = (MOUTH[0] - 6, MOUTH[1])
    mesh[RIGHT_MOUTH, :2] = (MOUTH[0] + 6, MOUTH[1])
    mesh[:, :2] += shift
    return mesh


def wrap(crops, mesh=None):
    crops = np.asarray(crops, dtype=np.uint8)
    n = len(crops)
    meshes = np.repeat((make_mesh() if mesh is None else mesh)[None], n, axis=0)
    return CroppedFaces(crops, meshes, np.tile([0.0, 0.0, 48.0], (n, 1)), np.full((n, 2), 48))


def measure(crop, mesh=None):
    return dict(zip(QUALITY_COLUMNS, compute_quality(wrap([crop], mesh))[0], strict=True))


@pytest.fixture
def face(crops):
    """A rendered face and its own mirror image, half and half: symmetric."""
    half = crops[0][:, :24]
    return np.hstack([half, half[:, ::-1]])


def test_columns_shape_and_type(crops):
    values = compute_quality(wrap(crops))
    assert values.shape == (len(crops), len(QUALITY_COLUMNS))
    assert values.dtype == np.float32
    assert np.isfinite(values).all()


def test_no_faces_give_no_rows():
    assert compute_quality(wrap(np.empty((0, 48, 48)))).shape == (0, len(QUALITY_COLUMNS))


def test_a_batch_gives_what_each_face_gives(crops):
    together = compute_quality(wrap(crops))
    alone = np.concatenate([compute_quality(wrap([crop])) for crop in crops])
    np.testing.assert_allclose(together, alone, rtol=1e-5)


def test_a_blank():
    values = measure(np.full((48, 48), 77, np.uint8))
    assert values["contrast"] == 0
    assert values["sharpness"] == 0
    assert values["evenness"] == 1
    assert values["linework"] == pytest.approx(0.9 - 1.06)
    assert values["asymmetry"] == pytest.approx(1)


def test_contrast_and_evenness_by_hand():
    crop = np.zeros((48, 48), np.uint8)
    crop[::2] = 51
    values = measure(crop)
    assert values["contrast"] == pytest.approx(0.2)
    assert values["evenness"] == pytest.approx(0.5, abs=0.01)


def test_evenness_counts_eight_neighbouring_levels():
    levels = np.tile(np.arange(100, 116, dtype=np.uint8), (48, 3))
    assert measure(levels)["evenness"] == pytest.approx(0.5, abs=0.05)
    assert measure(np.clip(levels, 100, 107))["evenness"] == 1


@pytest.mark.parametrize("value", [0, 255])
def test_evenness_at_the_ends_of_the_range(value):
    assert measure(np.full((48, 48), value, np.uint8))["evenness"] == 1


def test_less_contrast_lowers_contrast_alone(face):
    before, after = measure(face), measure(cv2.convertScaleAbs(face, alpha=0.5, beta=60))
    assert after["contrast"] == pytest.approx(before["contrast"] / 2, abs=0.01)
    assert after["sharpness"] == pytest.approx(before["sharpness"], abs=0.05)
    assert after["asymmetry"] == pytest.approx(before["asymmetry"], abs=0.05)


@pytest.mark.parametrize("index", range(6))
def test_blur_lowers_sharpness(crops, index):
    crop = crops[index]
    figures = [
        measure(cv2.GaussianBlur(crop, (0, 0), s) if s else crop)["sharpness"] for s in (0, 1, 2)
    ]
    assert figures[0] > figures[1] > figures[2]
    assert figures[2] < 0.5


def test_a_symmetric_face_has_no_asymmetry(face):
    assert measure(face)["asymmetry"] < 0.02


def test_covering_half_a_face_raises_asymmetry(face):
    covered = face.copy()
    covered[10:40, 24:] = np.random.default_rng(0).integers(60, 200, (30, 24))
    assert measure(covered)["asymmetry"] > measure(face)["asymmetry"] + 0.4


def test_light_from_one_side_hardly_raises_asymmetry(face):
    shade = np.linspace(0.4, 1.0, 48)
    lit = (face * shade).astype(np.uint8)
    assert measure(lit)["asymmetry"] < 0.2


def test_mirroring_changes_no_measure(crops):
    plain, mirrored = measure(crops[3]), measure(crops[3][:, ::-1])
    assert mirrored == pytest.approx(plain, abs=0.02)


def test_outside_is_the_share_of_landmarks_beyond_the_edge():
    mesh = make_mesh()
    assert measure(np.zeros((48, 48)), mesh)["outside"] == 0
    mesh[:239, 0] = -0.6
    mesh[1, 0] = -0.5
    mesh[[*LEFT_EYE, LEFT_MOUTH], :2] = make_mesh()[[*LEFT_EYE, LEFT_MOUTH], :2]
    assert measure(np.zeros((48, 48)), mesh)["outside"] == pytest.approx(233 / 478)


def test_a_drawing_has_linework_and_a_face_has_not(crops):
    drawing = np.full((48, 48), 250, np.uint8)
    for x in (14, 33):
        cv2.circle(drawing, (x, 16), 5, 0, 2)
    cv2.ellipse(drawing, (24, 34), (9, 4), 0, 0, 360, 0, 2)
    assert measure(drawing)["linework"] > 0
    assert max(measure(crop)["linework"] for crop in crops) < 0


def test_without_landmarks_some_measures_are_missing(crops):
    values = measure(crops[0], np.full((478, 3), np.nan, np.float32))
    assert np.isnan([values["asymmetry"], values["outside"]]).all()
    assert np.isfinite([values["contrast"], values["sharpness"], values["linework"]]).all()


def test_alignment_undoes_a_shift(face):
    moved = np.roll(face, 3, axis=(0, 1))
    aligned = wrap([moved], make_mesh(shift=3.0)).aligned[0]
    np.testing.assert_allclose(aligned[2:-8, 2:-8].astype(int), face[2:-8, 2:-8], atol=2)


def test_landmarks_go_where_the_crop_went():
    faces = CroppedFaces(
        np.zeros((1, 48, 48), np.uint8),
        2 * (make_mesh()[None] + 0.5) - 0.5 + np.float32([10, 20, 0]),
        np.array([[10.3, 20.9, 96.2]]),
        np.array([[200, 200]]),
    )
    np.testing.assert_allclose(faces.aligned_points[0, [62, 63]], EYES, atol=1e-3)


def test_boxes_and_sizes_come_from_a_stores_rows(store):
    part = slice(0, 4)
    faces = CroppedFaces.from_rows(store.pixels[part], store.mesh[part], store.rows.iloc[part])
    assert len(faces) == 4
    assert faces.sizes.tolist() == [[48, 48]] * 4


def test_wrong_shapes_are_all_named():
    with pytest.raises(ValueError, match=r"mesh has shape \(1, 3\).*boxes has shape \(2, 3\)"):
        CroppedFaces(np.zeros((1, 48, 48)), np.zeros((1, 3)), np.zeros((2, 3)), np.zeros((1, 2)))


def test_local_normalisation_ignores_brightness_and_contrast(crops):
    plain = normalise_locally(crops[0])
    changed = normalise_locally(crops[0].astype(np.float32) * 3 - 40)
    assert np.corrcoef(plain.ravel(), changed.ravel())[0, 1] > 0.99
    assert np.abs(normalise_locally(np.full((48, 48), 9, np.uint8))).max() < 1e-6


def test_the_oval_is_symmetric_and_spares_the_corners():
    oval = make_face_oval()
    assert (oval == oval[:, ::-1]).all()
    assert not oval[[0, 0, -1, -1], [0, -1, 0, -1]].any()
    assert oval.mean() == pytest.approx(np.pi * 0.354 * 0.479, abs=0.02)


def test_rows_with_other_names_are_refused():
    with pytest.raises(KeyError):
        CroppedFaces.from_rows(np.zeros((1, 48, 48)), np.zeros((1, 478, 3)), pd.DataFrame())
