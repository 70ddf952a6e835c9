from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from mien.errors import MienError
from mien.pipeline.rendered.mesh import FaceMesh, parse_face_mesh, read_face_mesh


def _varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def _encode_mesh(n_vertices: int) -> bytes:
    floats = np.arange(n_vertices * 5, dtype="<f4")
    mesh = _varint(1 << 3) + _varint(0)
    mesh += b"".join(_varint(3 << 3 | 5) + struct.pack("<f", value) for value in floats)
    mesh += b"".join(_varint(4 << 3) + _varint(corner) for corner in (0, 1, 467, 2, 300, 3))
    return _varint(1 << 3 | 2) + _varint(len(mesh)) + mesh


def test_parse_face_mesh_reads_both_buffers() -> None:
    mesh = parse_face_mesh(_encode_mesh(468))
    assert mesh.vertices.shape == (468, 3)
    assert mesh.vertices[1].tolist() == [5, 6, 7]
    assert mesh.uv[1].tolist() == [8, 9]
    assert mesh.triangles.tolist() == [[0, 1, 467], [2, 300, 3]]


@pytest.mark.parametrize("message", [b"", b"\x0a\x05ab", _encode_mesh(12), _encode_mesh(468)[:-9]])
def test_parse_face_mesh_rejects_other_content(message: bytes) -> None:
    with pytest.raises(MienError, match="468 vertices"):
        parse_face_mesh(message)


def test_read_face_mesh_names_the_file_that_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(MienError, match=r"nothing\.task"):
        read_face_mesh(tmp_path / "nothing.task")
    other = tmp_path / "other.task"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("face_detector.tflite", b"")
    with pytest.raises(MienError, match=r"other\.task"):
        read_face_mesh(other)


def test_axes(mesh: FaceMesh) -> None:
    vertices = mesh.vertices
    assert vertices[33, 0] < 0 < vertices[263, 0]
    assert vertices[152, 1] < vertices[1, 1] < vertices[10, 1]
    assert vertices[1, 2] > vertices[234, 2]
    assert mesh.uv[33, 0] < mesh.uv[263, 0]
    assert mesh.uv[10, 1] < mesh.uv[152, 1]


def test_mirrored_pairs_the_sides(mesh: FaceMesh) -> None:
    assert mesh.mirrored[[33, 61, 105, 1, 152]].tolist() == [263, 291, 334, 1, 152]
    assert (mesh.mirrored[mesh.mirrored] == np.arange(468)).all()


def test_skin_leaves_eyes_and_mouth_open(mesh: FaceMesh) -> None:
    assert mesh.triangles.shape == (898, 3)
    edges = np.sort(mesh.skin[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    border, uses = np.unique(edges, axis=0, return_counts=True)
    loops = {frozenset(edge) for edge in border[uses == 1].tolist()}
    eyes, mouth, oval = 2 * 16, 20, 36
    assert len(loops) == eyes + mouth + oval


def test_surface_distances_go_around_the_mouth(mesh: FaceMesh) -> None:
    across = np.linalg.norm(mesh.vertices[13] - mesh.vertices[14])
    assert across < 1
    assert mesh.surface_distances[13, 14] > 4
