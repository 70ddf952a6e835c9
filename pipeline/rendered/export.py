"""Rendered faces as files: a folder of PNGs for each class, and the true landmarks."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np

from mien.errors import MienError
from mien.files import atomic_path
from mien.pipeline.rendered.dataset import RenderedPictures, read_rendered


def write_rendered(spec: str, bundle: Path, out: Path) -> int:
    """Draw a dataset and write it to a folder.

    ``out/<class>/<subject>_<take>.png`` are the pictures, and ``out/landmarks.npz`` holds
    ``pictures`` (n,) such as ``happy/person_003_1.png``, ``labels`` (n,), ``subjects`` (n,),
    ``landmarks`` (n, 468, 2) in pixels (x right, y down) and ``intensities`` (n,). Each file
    appears complete or not at all.

    Parameters
    ----------
    spec : str
        ``"rendered:people=40,seed=0"``.
    bundle : Path
        MediaPipe's landmarker bundle, which has the mesh.
    out : Path
        Folder to write to; made if missing.

    Returns
    -------
    int
        Number of pictures written.

    Raises
    ------
    MienError
        If the specification is wrong, the bundle has no mesh, or the folder cannot be written.
    """
    faces = read_rendered(spec, bundle)
    source = faces.pictures
    assert isinstance(source, RenderedPictures)
    rows = faces.rows
    takes = rows["picture"].str.rsplit("_", n=1).str[-1]
    names = (rows["label"] + "/" + rows["subject"] + "_" + takes + ".png").tolist()
    landmarks, intensities = [], []
    try:
        for label in faces.classes:
            (out / label).mkdir(parents=True, exist_ok=True)
        for index, name in enumerate(names):
            face = source.render(index)
            landmarks.append(face.landmarks)
            intensities.append(face.intensity)
            _write_whole(out / name, _encode_png(face.picture))
        content = io.BytesIO()
        np.savez_compressed(
            content,
            pictures=np.array(names),
            labels=np.array(rows["label"].tolist()),
            subjects=np.array(rows["subject"].tolist()),
            landmarks=np.stack(landmarks),
            intensities=np.array(intensities, np.float32),
        )
        _write_whole(out / "landmarks.npz", content.getvalue())
    except OSError as error:
        raise MienError(
            f"Expected a folder to write pictures to at {out}: {error}.", "Choose another --out."
        ) from error
    return len(names)


def _encode_png(picture: np.ndarray) -> bytes:
    _, encoded = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    return bytes(encoded)


def _write_whole(path: Path, content: bytes) -> None:
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
