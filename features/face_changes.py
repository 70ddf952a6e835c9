"""Pictures and their landmarks changed together: mirrored, shifted, scaled, rolled."""

from __future__ import annotations

import cv2
import numpy as np

from mien.features.blendshapes import Blendshapes
from mien.features.faces import FaceBatch
from mien.features.mesh_mirror import MESH_MIRROR


def mirror_faces(faces: FaceBatch) -> FaceBatch:
    """Mirror the pictures left to right; landmarks and blendshapes change sides.

    Parameters
    ----------
    faces : FaceBatch

    Returns
    -------
    FaceBatch
        Mirrored twice, it is the same again.
    """
    widths = np.array([picture.shape[1] for picture in faces.pictures], dtype=np.float32)
    mesh = faces.mesh[:, MESH_MIRROR]
    mesh[..., 0] = widths.reshape(-1, 1) - 1 - mesh[..., 0]
    source, _ = Blendshapes().mirror
    return FaceBatch(
        pictures=[np.ascontiguousarray(picture[:, ::-1]) for picture in faces.pictures],
        mesh=mesh,
        blendshapes=faces.blendshapes[:, source],
    )


def move_faces(
    faces: FaceBatch,
    *,
    scale: float = 1.0,
    roll: float = 0.0,
    shift: tuple[float, float] = (0.0, 0.0),
) -> FaceBatch:
    """Scale, roll and shift the pictures with their landmarks.

    Parameters
    ----------
    faces : FaceBatch
    scale : float
        Above 1 the pictures are enlarged.
    roll : float
        Degrees, anticlockwise in the picture.
    shift : pair of float
        Pixels to the right and down, after scaling.

    Returns
    -------
    FaceBatch
        Its pictures are squares that hold all of the old ones, their edges repeated, interpolated
        by cubic splines.
    """
    angle = np.radians(roll)
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    turn = np.array([[cosine, sine], [-sine, cosine]])
    pictures, mesh = [], faces.mesh * np.float32(scale)
    for i, picture in enumerate(faces.pictures):
        side = int(np.ceil(scale * np.hypot(*picture.shape))) + 2
        old_middle = np.array([picture.shape[1] - 1, picture.shape[0] - 1]) / 2
        offset = (side - 1) / 2 + np.array(shift) - turn @ old_middle
        matrix = np.column_stack([turn, offset])
        moved = cv2.warpAffine(
            picture, matrix, (side, side), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
        pictures.append(moved)
        mesh[i, :, :2] = faces.mesh[i, :, :2] @ turn.T + offset
    return FaceBatch(pictures, mesh, faces.blendshapes)
