from __future__ import annotations

import numpy as np
import pytest

from mien.pipeline.video.smoothing import ProbabilitySmoother

FIRST, SECOND = np.array([1.0, 0.0]), np.array([0.0, 1.0])


def test_none_leaves_everything_as_it_is() -> None:
    smoother = ProbabilitySmoother(0)
    smoother.smooth(1, 0.0, FIRST)
    np.testing.assert_array_equal(smoother.smooth(1, 0.1, SECOND), SECOND)


def test_a_change_is_followed_to_63_per_cent_after_the_time() -> None:
    smoother = ProbabilitySmoother(0.5)
    np.testing.assert_array_equal(smoother.smooth(1, 2.0, FIRST), FIRST)
    np.testing.assert_allclose(smoother.smooth(1, 2.5, SECOND), [np.exp(-1), 1 - np.exp(-1)])


@pytest.mark.parametrize("frames", [1, 10, 77])
def test_the_answer_does_not_depend_on_the_frame_rate(frames: int) -> None:
    smoother = ProbabilitySmoother(0.3)
    smoother.smooth(1, 0.0, FIRST)
    for i in range(frames):
        found = smoother.smooth(1, (i + 1) / frames, SECOND)
    np.testing.assert_allclose(found, [np.exp(-1 / 0.3), 1 - np.exp(-1 / 0.3)])


def test_each_face_has_its_own_past() -> None:
    smoother = ProbabilitySmoother(1.0)
    smoother.smooth(1, 0.0, FIRST)
    np.testing.assert_array_equal(smoother.smooth(2, 0.1, SECOND), SECOND)
    assert smoother.smooth(1, 0.1, SECOND)[0] > 0.9
