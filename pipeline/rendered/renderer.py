"""Draw one face: geometry, light, and everything around it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from mien.pipeline.rendered.action_units import build_action_units, build_resting_face, part_lips
from mien.pipeline.rendered.eyes import draw_catchlights, draw_eye_details, draw_eyeballs
from mien.pipeline.rendered.hair import draw_locks
from mien.pipeline.rendered.head import build_head_shell, shape_head_shell
from mien.pipeline.rendered.mesh import FaceMesh
from mien.pipeline.rendered.mouth import draw_lip_line, draw_mouth_inside
from mien.pipeline.rendered.people import Person, build_traits
from mien.pipeline.rendered.plan import Plan, plan_picture
from mien.pipeline.rendered.raster import (
    Camera,
    compute_vertex_normals,
    draw_triangle_ids,
    fit_triangle_values,
    interpolate,
)
from mien.pipeline.rendered.scene import Scene, rotate_head
from mien.pipeline.rendered.surroundings import draw_backdrop, draw_body
from mien.pipeline.rendered.texture import FACE_TEXELS, paint_texture
from mien.pipeline.rendered.wrinkles import WRINKLE_TEXELS, compute_wrinkle_map

_OVERSAMPLING = 2


@dataclass(frozen=True, eq=False)
class RenderedFace:
    """One drawn picture and what is known of it.

    Attributes
    ----------
    picture : ndarray of uint8, shape (size, size, 3)
        RGB, row 0 at the top.
    landmarks : ndarray of float32, shape (468, 2)
        True places of the mesh's vertices in pixels; x right, y down, the first pixel's centre
        is (0.5, 0.5).
    intensity : float
        Of the expression, 0.35 to 1; 0 for neutral.
    activations : ndarray of float32, shape (len(ACTION_UNITS), 2)
        Action units on the picture's left and right side.
    yaw, pitch, roll : float
        The head's turn in degrees: to the picture's right, up, clockwise in the picture.
    """

    picture: np.ndarray
    landmarks: np.ndarray
    intensity: float
    activations: np.ndarray
    yaw: float
    pitch: float
    roll: float


def render_face(
    mesh: FaceMesh,
    person: Person,
    expression: str,
    *,
    seed: int = 0,
    take: int = 1,
    size: int = 256,
    noise: float = 1.0,
) -> RenderedFace:
    """Draw a person with an expression.

    Parameters
    ----------
    mesh : FaceMesh
        The canonical mesh.
    person : Person
        Who.
    expression : str
        One of :data:`mien.pipeline.labels.EXPRESSIONS`.
    seed, take : int
        Together with the person's number and the expression they fix all that varies.
    size : int
        Width and height in pixels.
    noise : float
        Scale of what varies between pictures of the same person and expression.

    Returns
    -------
    RenderedFace
        The same for the same arguments, whatever was drawn before.
    """
    plan = plan_picture(person, expression, seed=seed, take=take, noise=noise)
    return render_plan(mesh, person, plan, size=size)


def render_plan(mesh: FaceMesh, person: Person, plan: Plan, *, size: int = 256) -> RenderedFace:
    """Draw a person as planned.

    Parameters
    ----------
    mesh : FaceMesh
        The canonical mesh.
    person : Person
        Who.
    plan : Plan
        Action units, scene and noise.
    size : int
        Width and height in pixels.
    """
    scene, activations = plan.scene, plan.activations
    big, camera = size * _OVERSAMPLING, _place_camera(scene, size * _OVERSAMPLING)
    relaxed, face = shape_face(mesh, person, activations)
    turn = rotate_head(yaw=scene.yaw, pitch=scene.pitch, roll=scene.roll)
    canvas = _draw_picture(
        mesh, person, activations, scene, relaxed=relaxed, face=face, camera=camera, size=big
    )
    picture = _finish(canvas, scene, size=size, grain_seed=plan.grain_seed)
    landmarks = (camera.project(face @ turn.T) + 0.5) / _OVERSAMPLING
    return RenderedFace(
        picture,
        landmarks.astype(np.float32),
        plan.intensity,
        activations,
        scene.yaw,
        scene.pitch,
        scene.roll,
    )


def shape_face(
    mesh: FaceMesh, person: Person, activations: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Deform the canonical mesh into a person's relaxed face and the face with an expression.

    Parameters
    ----------
    mesh : FaceMesh
        The canonical mesh.
    person : Person
        For the shape coefficients.
    activations : ndarray of float32, shape (len(ACTION_UNITS), 2)
        Action units on the picture's left and right side.

    Returns
    -------
    relaxed, face : ndarray of float32, shape (468, 3)
        Vertices in cm.
    """
    relaxed = mesh.vertices + build_resting_face(mesh)
    relaxed = relaxed + np.tensordot(person.shape, build_traits(mesh), axes=1)
    relaxed = part_lips(mesh, relaxed, closed=True)
    face = relaxed + np.tensordot(activations, build_action_units(mesh), axes=2)
    return relaxed.astype(np.float32), part_lips(mesh, face.astype(np.float32))


@lru_cache(maxsize=16)
def _get_texture(mesh: FaceMesh, person: Person) -> np.ndarray:
    return paint_texture(mesh, person)


def _place_camera(scene: Scene, size: int) -> Camera:
    # OpenCV draws with pixel centres at whole numbers.
    center = (np.array([0.5, 0.5]) + scene.offset) * size - 0.5
    return Camera(scale=scene.zoom / 100 * size, center=(float(center[0]), float(center[1])))


def _draw_picture(
    mesh: FaceMesh,
    person: Person,
    activations: np.ndarray,
    scene: Scene,
    *,
    relaxed: np.ndarray,
    face: np.ndarray,
    camera: Camera,
    size: int,
) -> np.ndarray:
    turn = rotate_head(yaw=scene.yaw, pitch=scene.pitch, roll=scene.roll)
    points = camera.project(face @ turn.T).astype(np.float32)
    glow = float((scene.ambient + 0.6 * scene.light).mean())
    canvas = draw_backdrop(size, scene)
    draw_body(canvas, person=person, scene=scene, turn=turn, camera=camera)
    draw_eyeballs(
        canvas, mesh=mesh, relaxed=relaxed, turn=turn, camera=camera, gaze=scene.gaze,
        person=person, light=min(glow, 1.05),
    )  # fmt: skip
    draw_mouth_inside(
        canvas, points, mesh=mesh, relaxed=relaxed, turn=turn, camera=camera, light=min(glow, 1.05)
    )
    _draw_head(canvas, mesh, person, activations, scene, face=face, turn=turn, camera=camera)
    draw_lip_line(canvas, points, mesh=mesh, person=person, scale=camera.scale)
    draw_eye_details(
        canvas, points, mesh=mesh, person=person, scale=camera.scale, light=min(glow, 1.0)
    )
    draw_catchlights(
        canvas, mesh=mesh, relaxed=relaxed, turn=turn, camera=camera, gaze=scene.gaze,
        toward_light=scene.toward_light, opened=points,
    )  # fmt: skip
    draw_locks(canvas, person=person, glow=glow, turn=turn, camera=camera)
    return canvas


def _draw_head(
    canvas: np.ndarray,
    mesh: FaceMesh,
    person: Person,
    activations: np.ndarray,
    scene: Scene,
    *,
    face: np.ndarray,
    turn: np.ndarray,
    camera: Camera,
) -> None:
    shell = build_head_shell(mesh, person.hair_style)
    around = shape_head_shell(shell, face, style=person.hair_style)
    vertices = np.concatenate([face, around]) @ turn.T
    triangles = np.concatenate([mesh.skin, shell.triangles + len(face)])
    uv = np.concatenate([mesh.uv, shell.uv])
    normals = np.concatenate(
        [
            compute_vertex_normals(vertices[: len(face)], mesh.skin),
            compute_vertex_normals(vertices[len(face) :], shell.triangles),
        ]
    )
    points = camera.project(vertices).astype(np.float32)
    ids = draw_triangle_ids(points, vertices[:, 2], triangles, size=len(canvas))
    part, ids = _crop(ids)
    corner = np.array([part[1].start, part[0].start], np.float32)
    values = np.concatenate([uv * (FACE_TEXELS - 1), normals], axis=1)
    fits = fit_triangle_values(points - corner, triangles, values)
    u, v = interpolate(fits[:, :2], ids)
    colours = cv2.remap(_get_texture(mesh, person), u, v, cv2.INTER_LINEAR)
    shade = _compute_shade(fits[:, 2:], ids, scene, n_face=len(mesh.skin))
    folds = compute_wrinkle_map(mesh, activations, age=person.age)
    ratio = np.float32((WRINKLE_TEXELS - 1) / (FACE_TEXELS - 1))
    creases = cv2.remap(folds, u[::2, ::2] * ratio, v[::2, ::2] * ratio, cv2.INTER_LINEAR)
    shade *= 1 - creases[:, :, None]
    shade = cv2.resize(shade, ids.shape[::-1], interpolation=cv2.INTER_LINEAR)
    lit = cv2.multiply(colours, shade, dtype=cv2.CV_8U)
    cv2.copyTo(lit, (ids > 0).astype(np.uint8), canvas[part])


def _crop(ids: np.ndarray) -> tuple[tuple[slice, slice], np.ndarray]:
    rows, columns = np.flatnonzero(ids.any(axis=1)), np.flatnonzero(ids.any(axis=0))
    part = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return part, np.ascontiguousarray(ids[part])


def _compute_shade(
    normal_fits: np.ndarray, ids: np.ndarray, scene: Scene, *, n_face: int
) -> np.ndarray:
    small = np.ascontiguousarray(ids[::2, ::2])
    normals = interpolate(normal_fits, small, step=2)
    normals = np.stack([cv2.blur(layer, (5, 5)) for layer in normals])
    normals /= np.maximum(np.sqrt((normals**2).sum(axis=0)), 1e-6)
    toward = scene.toward_light
    facing = np.tensordot(toward, normals, axes=1)
    wrapped = np.clip((facing + 0.35) / 1.35, 0, 1)
    sky = 0.76 + 0.16 * normals[1] + 0.12 * normals[2]
    halfway = toward + np.array([0, 0, 1], np.float32)
    halfway /= np.linalg.norm(halfway)
    gloss = np.clip(np.tensordot(halfway, normals, axes=1), 0, 1)
    for _ in range(4):
        gloss *= gloss
    gloss = 0.14 * gloss * ((small > 0) & (small <= n_face))
    shade = sky[:, :, None] * scene.ambient + (1.12 * wrapped + gloss)[:, :, None] * scene.light
    return np.minimum(shade, 0.36 + 0.62 * shade)


def _finish(canvas: np.ndarray, scene: Scene, *, size: int, grain_seed: int) -> np.ndarray:
    picture = cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA)
    sigma = scene.blur * size / 256
    if sigma > 0.25:
        picture = cv2.GaussianBlur(picture, (0, 0), sigma)
    rng = np.random.default_rng(grain_seed)
    noise = rng.standard_normal((size, size, 1), dtype=np.float32) * np.float32(scene.grain)
    toned = picture * np.float32(scene.contrast) + (noise + np.float32(scene.brightness))
    return np.ascontiguousarray(np.clip(toned, 0, 255).astype(np.uint8))
