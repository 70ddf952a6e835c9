from __future__ import annotations

import numpy as np
import pytest

from mien.pipeline.landmarks import compute_pose_angles


def rotate(axis: str, degrees: float) -> np.ndarray:
    """Right-handed rotation in MediaPipe's frame: x right, y up, z to the camera."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrices = {
        "x": [[1, 0, 0], [0, c, -s], [0, s, c]],
        "y": [[c, 0, s], [0, 1, 0], [-s, 0, c]],
        "z": [[c, -s, 0], [s, c, 0], [0, 0, 1]],
    }
    return np.array(matrices[axis])


def pose_of(rotation: np.ndarray, scale: float = 1.0) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3] = rotation * scale
    matrix[:3, 3] = (1, -2, -40)
    return compute_pose_angles(matrix)


def test_a_frontal_face_has_no_angles() -> None:
    pose = pose_of(np.eye(3))
    assert pose.dtype == np.float32
    np.testing.assert_allclose(pose, 0, atol=1e-6)


def test_directions() -> None:
    forward, up = np.array([0, 0, 1]), np.array([0, 1, 0])
    right = rotate("y", 20)
    assert (right @ forward)[0] > 0
    np.testing.assert_allclose(pose_of(right), [20, 0, 0], atol=1e-4)
    down = rotate("x", 15)
    assert (down @ forward)[1] < 0
    np.testing.assert_allclose(pose_of(down), [0, 15, 0], atol=1e-4)
    anticlockwise = rotate("z", 30)
    assert (anticlockwise @ up)[0] < 0
    np.testing.assert_allclose(pose_of(anticlockwise), [0, 0, 30], atol=1e-4)


@pytest.mark.parametrize("angles", [(10, -20, 30), (-60, 5, -100), (85, 40, 170), (0, -80, 1)])
def test_angles_are_read_back_whatever_the_scale(angles: tuple[float, float, float]) -> None:
    yaw, pitch, roll = angles
    rotation = rotate("z", roll) @ rotate("y", yaw) @ rotate("x", pitch)
    np.testing.assert_allclose(pose_of(rotation, scale=1.7), angles, atol=1e-3)
