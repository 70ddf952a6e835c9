"""What the page is told of a face: landmarks, probabilities, and the face as the model sees it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np

from mien.features.alignment import compute_crop_transform, warp_crop
from mien.models.bundle import Bundle
from mien.pipeline.face_crop import CNN_SIDE, compute_crop_box, cut_square, encode_face
from mien.pipeline.landmarks import Landmarks
from mien.pipeline.preparation import to_grey

ALIGNED_SIDE = 128
"""Side of the aligned face that is shown, in pixels."""
MESH_SCALE = 8192
"""What the picture's width and height are in the whole numbers of :func:`encode_mesh`."""


def describe_face(
    picture: np.ndarray,
    landmarks: Landmarks | None,
    probabilities: Mapping[str, float],
    label: str,
    reason: str,
) -> dict[str, Any]:
    """Put one face into plain values.

    Parameters
    ----------
    picture : ndarray of uint8, shape (height, width) or (height, width, 3)
    landmarks : Landmarks or None
    probabilities : mapping of str to float
        By class.
    label, reason : str
        Of a :class:`mien.pipeline.predict.Prediction`.

    Returns
    -------
    dict
        ``label``, ``reason``, ``probabilities`` and ``mesh``, which may be None.
    """
    return {
        "label": label,
        "reason": reason,
        "probabilities": {name: round(float(p), 6) for name, p in probabilities.items()},
        "mesh": None if landmarks is None else encode_mesh(landmarks.mesh, picture.shape),
    }


def encode_mesh(mesh: np.ndarray, shape: tuple[int, ...]) -> str:
    """Write mesh points as text: half a JSON list's length.

    Parameters
    ----------
    mesh : ndarray, shape (478, d)
        In pixels; (0, 0) is the centre of the top left pixel.
    shape : tuple of int
        The picture's (height, width, ...).

    Returns
    -------
    str
        Base64 of 956 little-endian int16: x and y of each point in turn, from the picture's corner,
        in shares of its width and height times :data:`MESH_SCALE`.
    """
    shares = (mesh[:, :2] + 0.5) / np.array([shape[1], shape[0]])
    whole = np.clip(np.rint(shares * MESH_SCALE), -32768, 32767).astype("<i2")
    return base64.b64encode(whole.tobytes()).decode("ascii")


def show_inputs(
    bundle: Bundle, picture: np.ndarray, landmarks: Landmarks | None
) -> list[dict[str, str]]:
    """Cut out what the model reads of a face.

    Parameters
    ----------
    bundle : Bundle
    picture : ndarray of uint8, shape (height, width) or (height, width, 3)
        Grey or RGB.
    landmarks : Landmarks or None

    Returns
    -------
    list of dict
        ``kind`` (``aligned`` where features are read, ``pixels`` where the 48 x 48 pixels are) and
        ``picture``, a data URI.
    """
    grey = to_grey(picture)
    mesh = None if landmarks is None else landmarks.mesh
    shown = []
    if bundle.reads_features and mesh is not None:
        transform = compute_crop_transform(mesh[None], ALIGNED_SIDE)[0]
        aligned = warp_crop(grey, transform, size=ALIGNED_SIDE, margin=0)
        shown.append({"kind": "aligned", "picture": encode_face(aligned)})
    if bundle.reads_pixels:
        crop = cut_square(grey, compute_crop_box(grey.shape, mesh), CNN_SIDE)
        large = cv2.resize(crop, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
        shown.append({"kind": "pixels", "picture": encode_face(large)})
    return shown
