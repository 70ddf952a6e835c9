"""Rendered faces as a dataset that draws its pictures when they are read."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from mien.pipeline.faceset import ROW_COLUMNS, FaceSet
from mien.pipeline.rendered.mesh import read_face_mesh
from mien.pipeline.rendered.people import make_person
from mien.pipeline.rendered.plan import plan_picture
from mien.pipeline.rendered.renderer import RenderedFace, render_face
from mien.pipeline.rendered.specification import Specification, parse_specification

RENDERER_VERSION = 1
"""Raised whenever the same specification would give other pictures."""

_EXTRA = ("intensity", "yaw", "pitch", "roll")


@dataclass(frozen=True)
class RenderedPictures:
    """Pictures drawn on demand; holds no pixels.

    Attributes
    ----------
    bundle : str
        Path of the landmarker bundle that has the mesh.
    specification : Specification
        What to render.
    indices : tuple of int
        Which of the specification's pictures, counted over people, then classes, then takes.
    """

    bundle: str
    specification: Specification
    indices: tuple[int, ...]

    def render(self, index: int) -> RenderedFace:
        """Draw one picture, with its true landmarks.

        Parameters
        ----------
        index : int
            Position in this source, from 0.
        """
        spec = self.specification
        person, label, take = locate_picture(spec, self.indices[index])
        return render_face(
            read_face_mesh(Path(self.bundle)),
            make_person(spec.seed, person),
            label,
            seed=spec.seed,
            take=take,
            size=spec.size,
            noise=spec.noise,
        )

    def read(self, index: int) -> np.ndarray:
        """Draw one picture: RGB, uint8, shape (size, size, 3), row 0 at the top."""
        return self.render(index).picture

    def subset(self, indices: Sequence[int]) -> RenderedPictures:
        """Return a source of only these pictures, in this order."""
        return replace(self, indices=tuple(self.indices[i] for i in indices))

    def fingerprint(self) -> str:
        """Hash the specification, the renderer's version and the picture numbers."""
        content = f"{RENDERER_VERSION} {self.specification} {self.indices}"
        return hashlib.sha256(content.encode()).hexdigest()


def locate_picture(specification: Specification, number: int) -> tuple[int, str, int]:
    """Tell who is on a picture: person's number from 0, expression, take from 1."""
    rest, take = divmod(number, specification.takes)
    person, label = divmod(rest, len(specification.classes))
    return person, specification.classes[label], take + 1


def read_rendered(spec: str, bundle: Path) -> FaceSet:
    """Make the dataset of a specification; pictures are drawn when they are read.

    Parameters
    ----------
    spec : str
        ``"rendered:people=40,seed=0"``; see
        :func:`mien.pipeline.rendered.specification.parse_specification`.
    bundle : Path
        MediaPipe's landmarker bundle, which has the mesh.

    Returns
    -------
    FaceSet
        Picture ``person_003/happy_1``, label, subject ``person_003``; extra columns ``intensity``,
        and ``yaw``, ``pitch``, ``roll`` in degrees.

    Raises
    ------
    MienError
        If the specification is wrong or the bundle has no mesh.
    """
    specification = parse_specification(spec)
    read_face_mesh(Path(bundle))
    count = specification.people * len(specification.classes) * specification.takes
    rows = [_describe(specification, number) for number in range(count)]
    return FaceSet(
        name="Rendered faces",
        layout="rendered",
        source=str(specification),
        rows=pd.DataFrame(rows, dtype="str"),
        pictures=RenderedPictures(str(bundle), specification, tuple(range(count))),
        notes=(
            "Rendered faces, drawn from MediaPipe's canonical face mesh: not photographs. Scores "
            "on them say that the pipeline works, not how well it reads people.",
        ),
        extra=_EXTRA,
    )


def _describe(specification: Specification, number: int) -> dict[str, str]:
    person, label, take = locate_picture(specification, number)
    subject = f"person_{person:0{_digits(specification)}d}"
    plan = plan_picture(
        make_person(specification.seed, person),
        label,
        seed=specification.seed,
        take=take,
        noise=specification.noise,
    )
    row = dict.fromkeys(ROW_COLUMNS, "")
    row |= {"picture": f"{subject}/{label}_{take}", "label": label, "subject": subject}
    scene = plan.scene
    values = (plan.intensity, scene.yaw, scene.pitch, scene.roll)
    return row | {key: f"{value:.3f}" for key, value in zip(_EXTRA, values, strict=True)}


def _digits(specification: Specification) -> int:
    return max(3, len(str(specification.people - 1)))
