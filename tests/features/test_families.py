"""What every feature family must do, for all that are registered."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mien.errors import MienError
from mien.features.blendshapes import BLENDSHAPE_NAMES
from mien.features.conformance import CHECKS, Check
from mien.features.faces import FaceBatch
from mien.features.registry import default_family_names, family_names, get_family, register
from mien.features.scheme import MESH_POINTS

MakeFaces = Callable[..., FaceBatch]


BUILT_IN = {
    "blendshapes", "dense_hog", "geometry", "patch_gabor", "patch_hog", "patch_lbp", "patch_sift",
    "pixels", "points", "pose",
}  # fmt: skip
DEFAULT = {"blendshapes", "geometry", "patch_hog", "pose"}
VARIANTS = (
    "geometry@frontal=0",
    "patch_hog@crop=48", "patch_hog@crop=48@window=12", "patch_hog@window=21", "patch_hog@window=6",
    "patch_lbp@crop=48@window=13@radii=1", "patch_lbp@radii=3-1-8",
    "patch_gabor@crop=48@window=17", "patch_sift@crop=48", "patch_sift@window=36",
    "dense_hog@crop=48", "dense_hog@cells=24", "dense_hog@cells=12-6-4", "pixels@crop=96",
    "points@primary=1",
)  # fmt: skip


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("spec", [*family_names(), *VARIANTS])
def test_conformance(spec: str, check: Check, rendered_faces: FaceBatch) -> None:
    check(get_family(spec), rendered_faces)


@pytest.mark.parametrize("spec", [*family_names(), *VARIANTS])
def test_noise_gives_finite_numbers(spec: str, make_faces: MakeFaces) -> None:
    """Landmarks that are off and pictures without any structure are no reason to fail."""
    assert np.isfinite(get_family(spec).compute(make_faces(3))).all()


@pytest.mark.parametrize("spec", [*family_names(), *VARIANTS])
def test_a_blank_picture_gives_finite_numbers(spec: str, make_faces: MakeFaces) -> None:
    faces = make_faces(2)
    blank = [np.full_like(picture, 90) for picture in faces.pictures]
    values = get_family(spec).compute(FaceBatch(blank, faces.mesh, faces.blendshapes))
    assert np.isfinite(values).all()


@pytest.mark.parametrize("spec", [*family_names(), *VARIANTS])
def test_a_face_outside_its_picture_gives_finite_numbers(spec: str, make_faces: MakeFaces) -> None:
    faces = make_faces(2)
    values = get_family(spec).compute(
        FaceBatch(faces.pictures, faces.mesh + np.float32([900, -900, 0]), faces.blendshapes)
    )
    assert np.isfinite(values).all()


def test_the_built_in_families_are_registered() -> None:
    assert set(family_names()) == BUILT_IN
    assert set(default_family_names()) == DEFAULT


def test_docstrings_state_the_width() -> None:
    for name in BUILT_IN - {"pixels"}:
        family = get_family(name)
        assert f"(n, {family.width})" in (type(family).__doc__ or ""), name
    assert "2,304 as it comes" in (type(get_family("pixels")).__doc__ or "")


def test_an_unknown_family_is_named_with_those_that_exist() -> None:
    with pytest.raises(MienError, match=r"'fisher_faces'.*geometry"):
        get_family("fisher_faces")


def test_a_name_is_registered_once() -> None:
    known = type(get_family("geometry"))
    with pytest.raises(ValueError, match="'geometry' is registered already"):
        register(known)


def test_blendshapes_are_taken_as_they_are(make_faces: MakeFaces) -> None:
    faces = make_faces(4)
    np.testing.assert_array_equal(get_family("blendshapes").compute(faces), faces.blendshapes)


def test_blendshapes_mirror_left_and_right() -> None:
    source, _ = get_family("blendshapes").mirror
    mirrored = {name: BLENDSHAPE_NAMES[i] for name, i in zip(BLENDSHAPE_NAMES, source, strict=True)}
    assert mirrored["mouthSmileLeft"] == "mouthSmileRight"
    assert mirrored["mouthRight"] == "mouthLeft"
    assert mirrored["jawOpen"] == "jawOpen"
    assert mirrored["browInnerUp"] == "browInnerUp"


def test_a_batch_names_everything_that_is_wrong_with_it() -> None:
    with pytest.raises(ValueError, match="mesh has shape") as caught:
        FaceBatch(
            pictures=[np.zeros((20, 20), np.uint8), np.zeros((20, 20, 3), np.uint8)],
            mesh=np.zeros((1, MESH_POINTS, 3), np.float32),
            blendshapes=np.zeros((2, 51), np.float32),
        )
    message = str(caught.value)
    assert f"mesh has shape (1, {MESH_POINTS}, 3), expected (2, {MESH_POINTS}, 3)" in message
    assert "blendshapes has shape (2, 51), expected (2, 52)" in message
    assert "picture 1 has shape (20, 20, 3)" in message


def test_pictures_must_be_bytes() -> None:
    mesh, blendshapes = np.zeros((1, MESH_POINTS, 3)), np.zeros((1, 52))
    with pytest.raises(ValueError, match=r"picture 0 has shape .* of float64, expected .* uint8"):
        FaceBatch([np.zeros((20, 20))], mesh, blendshapes)


def test_batch_length(make_faces: MakeFaces) -> None:
    assert len(make_faces(5)) == 5
