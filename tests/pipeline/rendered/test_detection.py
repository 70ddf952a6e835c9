from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from mien.pipeline.rendered.dataset import RenderedPictures, read_rendered

LEFT_EYE = [33, 246, 161, 160, 159, 158, 157, 173, 133, 7, 163, 144, 145, 153, 154, 155]
RIGHT_EYE = [263, 466, 388, 387, 386, 385, 384, 398, 362, 249, 390, 373, 374, 380, 381, 382]


def test_landmarker_finds_every_face_where_it_is(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "mediapipe" not in sys.modules:
        monkeypatch.setitem(sys.modules, "tensorflow", None)
    mediapipe = pytest.importorskip("mediapipe")
    from mediapipe.tasks.python import BaseOptions, vision

    options = vision.FaceLandmarkerOptions(base_options=BaseOptions(model_asset_path=str(bundle)))
    source = read_rendered("rendered:people=2,takes=1", bundle).pictures
    assert isinstance(source, RenderedPictures)
    errors = []
    with vision.FaceLandmarker.create_from_options(options) as landmarker:
        for index in range(16):
            face = source.render(index)
            image = mediapipe.Image(mediapipe.ImageFormat.SRGB, face.picture)
            found = landmarker.detect(image).face_landmarks
            assert len(found) == 1, f"picture {index}"
            points = np.array([(point.x, point.y) for point in found[0][:468]]) * 256
            truth = face.landmarks
            eyes = truth[LEFT_EYE].mean(axis=0) - truth[RIGHT_EYE].mean(axis=0)
            errors.append(np.linalg.norm(points - truth, axis=1).mean() / np.linalg.norm(eyes))
    assert np.mean(errors) < 0.06
