"""One picture a feature family: what it sees of a rendered face."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mien.errors import MienError
from mien.experiments import family_drawings as drawings
from mien.features.faces import FaceBatch
from mien.files import atomic_path, writing
from mien.pipeline.detector import FaceDetector
from mien.pipeline.preparation import to_grey
from mien.pipeline.quiet import quiet_native_stderr
from mien.pipeline.rendered.mesh import read_face_mesh
from mien.pipeline.rendered.people import make_person
from mien.pipeline.rendered.plan import plan_picture
from mien.pipeline.rendered.renderer import render_plan

_SEED, _PERSON, _EXPRESSION = 0, 3, "surprise"
_RENDERED = 480
_INCHES, _DPI = 4.0, 90
_TURN = {"yaw": 24.0, "pitch": -8.0, "roll": 9.0}

DRAWN: Mapping[str, Callable[[Axes, FaceBatch], None]] = {
    "geometry": drawings.draw_geometry,
    "points": drawings.draw_points,
    "blendshapes": drawings.draw_blendshapes,
    "pose": drawings.draw_pose,
    "patch_hog": drawings.draw_patch_hog,
    "patch_lbp": drawings.draw_patch_lbp,
    "patch_gabor": drawings.draw_patch_gabor,
    "patch_sift": drawings.draw_patch_sift,
    "dense_hog": drawings.draw_dense_hog,
    "pixels": drawings.draw_pixels,
}
"""The families that have a picture, and what draws it."""


def write_pictures(folder: Path, bundle: Path) -> list[Path]:
    """Draw what each built-in family sees of one rendered face.

    Parameters
    ----------
    folder : Path
        Where ``<family>.png`` go, 360 x 360 pixels each.
    bundle : Path
        The landmarker bundle, which has the face mesh.

    Returns
    -------
    list of Path

    Raises
    ------
    MienError
        If the folder cannot be written.
    """
    frontal = dict.fromkeys(_TURN, 0.0)
    faces, turned = (_render(bundle, angles) for angles in (frontal, _TURN))
    written = []
    for name, draw in DRAWN.items():
        figure = Figure(figsize=(_INCHES, _INCHES), dpi=_DPI)
        draw(figure.add_axes((0, 0, 1, 1)), turned if name == "pose" else faces)
        written.append(save_figure(figure, folder / f"{name}.png"))
    return written


def save_figure(figure: Figure, target: Path) -> Path:
    """Write a figure as PNG, whole or not at all; raises MienError if that cannot be done."""
    with writing(target, "Choose another folder."), atomic_path(target) as path:
        figure.savefig(path, format="png", metadata={"Software": None})
    return target


def _render(bundle: Path, angles: Mapping[str, float]) -> FaceBatch:
    """Draw a face that is turned so, and find its landmarks."""
    person = make_person(_SEED, _PERSON)
    plan = plan_picture(person, _EXPRESSION, seed=_SEED, take=1, noise=0.0)
    scene = replace(plan.scene, yaw=angles["yaw"], pitch=angles["pitch"], roll=angles["roll"])
    plan = replace(plan, scene=scene)
    drawn = render_plan(read_face_mesh(bundle), person, plan, size=_RENDERED)
    grey = to_grey(drawn.picture)
    with quiet_native_stderr(), FaceDetector(bundle) as detector:
        found = detector.detect(grey)
    if found is None:
        raise MienError("No face was found in a rendered picture.", "Run mien doctor.")
    return FaceBatch([grey], np.stack([found.mesh]), np.stack([found.blendshapes]))
