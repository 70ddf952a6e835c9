"""The canonical face mesh inside MediaPipe's face landmarker bundle."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from mien.errors import MienError
from mien.pipeline.rendered.points import LOWER_LID, LOWER_LIP_INNER, UPPER_LID, UPPER_LIP_INNER

MESH_MEMBER = "geometry_pipeline_metadata_landmarks.binarypb"
N_VERTICES = 468
_BAD_BUNDLE_HINT = "Give MediaPipe's face_landmarker.task, or remove this one to fetch it anew."


@dataclass(frozen=True, eq=False)
class FaceMesh:
    """MediaPipe's canonical face.

    Attributes
    ----------
    vertices : ndarray of float32, shape (468, 3)
        Centimetres; x to the picture's right, y up, z to the viewer.
    uv : ndarray of float32, shape (468, 2)
        Texture position in 0 … 1; u to the right, v down.
    triangles : ndarray of int32, shape (n, 3)
        Counter-clockwise seen from the viewer; they cover the eyes and the mouth as well.
    """

    vertices: np.ndarray
    uv: np.ndarray
    triangles: np.ndarray

    @cached_property
    def mirrored(self) -> np.ndarray:
        """Index of each vertex's mirror image, shape (468,)."""
        flipped = self.vertices * np.array([-1, 1, 1], np.float32)
        apart = np.linalg.norm(flipped[:, None] - self.vertices[None], axis=2)
        return np.asarray(apart.argmin(axis=1))

    @cached_property
    def skin(self) -> np.ndarray:
        """Triangles without those that span an eye or the mouth, shape (m, 3)."""
        left_eye = [*UPPER_LID, *LOWER_LID]
        holes = (left_eye, self.mirrored[left_eye], self._both(UPPER_LIP_INNER, LOWER_LIP_INNER))
        covered = np.zeros(len(self.triangles), bool)
        for hole in holes:
            covered |= np.isin(self.triangles, hole).all(axis=1)
        return self.triangles[~covered]

    @cached_property
    def surface_distances(self) -> np.ndarray:
        """Distance along the skin's edges between all vertices, in cm, shape (468, 468).

        It does not cross the eyes and the mouth: the two lips are far apart.
        """
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import shortest_path

        edges = self.skin[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
        edges = np.unique(np.sort(edges, axis=1), axis=0)
        lengths = np.linalg.norm(self.vertices[edges[:, 0]] - self.vertices[edges[:, 1]], axis=1)
        graph = coo_array((lengths, edges.T), shape=(N_VERTICES, N_VERTICES))
        return np.asarray(shortest_path(graph.tocsr(), directed=False), dtype=np.float32)

    def _both(self, *groups: tuple[int, ...]) -> np.ndarray:
        left = np.array([index for group in groups for index in group])
        return np.concatenate([left, self.mirrored[left]])


@lru_cache(maxsize=2)
def read_face_mesh(bundle: Path) -> FaceMesh:
    """Read the canonical mesh from a landmarker bundle.

    Parameters
    ----------
    bundle : Path
        MediaPipe's ``face_landmarker.task``, a zip file.

    Returns
    -------
    FaceMesh
        468 vertices with texture positions, and the triangles.

    Raises
    ------
    MienError
        If the file cannot be read or holds no mesh of 468 vertices.
    """
    try:
        with zipfile.ZipFile(bundle) as archive:
            message = archive.read(MESH_MEMBER)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise MienError(
            f"Expected a face landmarker bundle with a face mesh at {bundle}: {error}.",
            _BAD_BUNDLE_HINT,
        ) from error
    return parse_face_mesh(message)


def parse_face_mesh(message: bytes) -> FaceMesh:
    """Parse the mesh from a ``GeometryPipelineMetadata`` message in protobuf wire format.

    Field 1 is the mesh; in it, field 3 the vertex buffer (floats x, y, z, u, v for every vertex)
    and field 4 the index buffer (three vertex numbers a triangle).
    """
    try:
        mesh = next(value for number, value in _read_fields(message) if number == 1)
        if not isinstance(mesh, bytes):
            raise TypeError("field 1 is not a message")
        parts = list(_read_fields(mesh))
        floats = b"".join(value for number, value in parts if number == 3)  # type: ignore[misc]
        corners = [value for number, value in parts if number == 4]
        vertices = np.frombuffer(floats, dtype="<f4").reshape(N_VERTICES, 5).astype(np.float32)
        triangles = np.array(corners, dtype=np.int32).reshape(-1, 3)
    except (StopIteration, IndexError, TypeError, ValueError) as error:
        raise MienError(
            f"Expected a face mesh of {N_VERTICES} vertices in the landmarker bundle ({error}).",
            _BAD_BUNDLE_HINT,
        ) from error
    return FaceMesh(vertices[:, :3].copy(), vertices[:, 3:].copy(), triangles)


def _read_fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    position = 0
    while position < len(message):
        key, position = _read_varint(message, position)
        number, wire_type = key >> 3, key & 7
        if wire_type == 0:
            value, position = _read_varint(message, position)
            yield number, value
            continue
        if wire_type == 2:
            length, position = _read_varint(message, position)
        else:
            length = {1: 8, 5: 4}[wire_type] if wire_type in (1, 5) else -1
        if length < 0 or position + length > len(message):
            raise ValueError(f"broken field {number}")
        yield number, message[position : position + length]
        position += length


def _read_varint(message: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[position]
        position += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, position
