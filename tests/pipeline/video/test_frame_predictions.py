"""A clip's predictions are those of its frames as pictures, each with its face's number."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.errors import MienError
from mien.features.blendshapes import BLENDSHAPE_NAMES
from mien.features.registry import get_family
from mien.models.bundle import Bundle
from mien.pipeline.predict import predict_pictures
from mien.pipeline.rendered.renderer import RenderedFace
from mien.pipeline.video import frame_predictions
from mien.pipeline.video.clip_reader import Frame
from mien.pipeline.video.frame_predictions import predict_clip, predict_frames

CLASSES = ("closed", "open")
JAW = BLENDSHAPE_NAMES.index("jawOpen")


class Jaw:
    """Says that a mouth is open as much as its blendshape does."""

    classes_ = np.array([0, 1])

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        share = X[:, JAW].astype(np.float64)
        return np.stack([1 - share, share], axis=1)


class Mean:
    """Stands for a network: the second class is the crop's mean."""

    classes_ = np.array([0, 1])

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        assert X.dtype == np.uint8
        share = X.mean(axis=(1, 2)) / 255
        return np.stack([1 - share, share], axis=1)


def make_bundle(estimator: object, families: dict[str, int]) -> Bundle:
    return Bundle("svm-rbf", estimator, CLASSES, families, {}, {"name": "litert"}, {}, {})


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return make_bundle(Jaw(), {"blendshapes": get_family("blendshapes").version})


def make_frames(
    rendered: list[RenderedFace], count: int, *, blank: range = range(0)
) -> list[Frame]:
    """Move a face to the right; nothing is in the ``blank`` frames."""
    frames = []
    for i in range(count):
        picture = np.full((280, 400, 3), 90, np.uint8)
        if i not in blank:
            picture[10:266, 20 + 4 * i : 276 + 4 * i] = rendered[3].picture[:, :, ::-1]
        frames.append(Frame(i, i / 10, picture))
    return frames


def test_probabilities_are_those_of_the_frames_as_pictures(
    bundle: Bundle, rendered: list[RenderedFace], landmarker: Path, tmp_path: Path
) -> None:
    frames = make_frames(rendered, 6)
    found = list(predict_frames(bundle, iter(frames), landmarker=landmarker))
    paths = [tmp_path / f"{frame.number}.png" for frame in frames]
    for path, frame in zip(paths, frames, strict=True):
        cv2.imwrite(str(path), frame.picture)
    alone = predict_pictures(bundle, paths, landmarker=landmarker)
    for frame, own, single in zip(frames, found, alone, strict=True):
        assert (own.frame, own.seconds) == (frame.number, frame.seconds)
        assert own.picture is frame.picture
        (face,) = own.faces
        assert (face.face, face.label, face.reason) == (1, single.label, "")
        np.testing.assert_allclose(
            face.probabilities, list(single.probabilities.values()), atol=0.15
        )


@pytest.mark.parametrize("live", [False, True])
def test_frames_without_a_face_have_none(
    bundle: Bundle, rendered: list[RenderedFace], landmarker: Path, live: bool
) -> None:
    frames = make_frames(rendered, 7, blank=(2, 3))
    found = list(predict_frames(bundle, iter(frames), landmarker=landmarker, live=live))
    assert [[own.face for own in frame.faces] for frame in found] == [[1]] * 2 + [[]] * 2 + [
        [1]
    ] * 3


def test_a_live_frame_is_predicted_before_the_next_is_there(
    bundle: Bundle, rendered: list[RenderedFace], landmarker: Path
) -> None:
    first_is_out = threading.Event()

    def camera() -> Iterator[Frame]:
        first, second = make_frames(rendered, 2)
        yield first
        assert first_is_out.wait(60)
        yield second

    found = predict_frames(bundle, camera(), landmarker=landmarker, live=True)
    assert next(found).frame == 0
    first_is_out.set()
    assert [frame.frame for frame in found] == [1]


def test_smoothing_follows_the_raw_probabilities(
    bundle: Bundle, rendered: list[RenderedFace], landmarker: Path
) -> None:
    frames = make_frames(rendered, 4)
    raw = predict_frames(bundle, iter(frames), landmarker=landmarker)
    smoothed = predict_frames(bundle, iter(frames), landmarker=landmarker, smoothing=0.2)
    expected = None
    for one, two in zip(raw, smoothed, strict=True):
        p = one.faces[0].probabilities
        expected = p if expected is None else expected + (1 - np.exp(-0.5)) * (p - expected)
        np.testing.assert_allclose(two.faces[0].probabilities, expected, atol=1e-9)


def test_a_model_abstains_below_its_threshold(
    bundle: Bundle, rendered: list[RenderedFace], landmarker: Path
) -> None:
    careful = replace(bundle, threshold=1.1)
    (found,) = predict_frames(careful, iter(make_frames(rendered, 1)), landmarker=landmarker)
    assert (found.faces[0].label, found.faces[0].reason) == ("", "unsure")
    assert found.faces[0].probabilities.sum() == pytest.approx(1)


def test_a_model_of_pixels_reads_the_faces_crop(
    rendered: list[RenderedFace], landmarker: Path, tmp_path: Path
) -> None:
    network = make_bundle(Mean(), {})
    (frame,) = make_frames(rendered, 1)
    (found,) = predict_frames(network, iter([frame]), landmarker=landmarker)
    cv2.imwrite(str(tmp_path / "a.png"), frame.picture)
    (alone,) = predict_pictures(network, [tmp_path / "a.png"], landmarker=landmarker)
    np.testing.assert_allclose(
        found.faces[0].probabilities, list(alone.probabilities.values()), atol=1e-6
    )


def test_batches_are_of_so_many_frames_or_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = Frame(0, 0.0, np.zeros((10, 10, 3), np.uint8))
    seen = [frame_predictions._Seen(frame, frame.picture[:, :, 0], [])] * 10
    assert [len(batch) for batch in frame_predictions._gather(seen, 4)] == [4, 4, 2]
    monkeypatch.setattr(frame_predictions, "_BATCH_BYTES", 900)
    assert [len(batch) for batch in frame_predictions._gather(seen, 4)] == [3, 3, 3, 1]


def test_a_clip_from_a_file(bundle: Bundle, landmarker: Path, make_clip) -> None:
    clip = make_clip([np.full((120, 160, 3), 99, np.uint8)] * 20)
    found = list(predict_clip(bundle, clip, landmarker=landmarker))
    assert [frame.frame for frame in found] == list(range(20))
    assert not any(frame.faces for frame in found)


def test_ending_early_leaves_no_thread(bundle: Bundle, landmarker: Path, make_clip) -> None:
    before = threading.active_count()
    clip = make_clip([np.full((120, 160, 3), 99, np.uint8)] * 90)
    found = predict_clip(bundle, clip, landmarker=landmarker)
    assert next(found).frame == 0
    found.close()
    assert threading.active_count() == before


def test_a_missing_clip_is_said_at_once(bundle: Bundle, landmarker: Path, tmp_path: Path) -> None:
    with pytest.raises(MienError, match="There is no file"):
        predict_clip(bundle, tmp_path / "none.mp4", landmarker=landmarker)


def test_a_clip_without_frames_is_said_while_iterating(bundle: Bundle, landmarker: Path) -> None:
    def broken() -> Iterator[Frame]:
        raise MienError("no frame")
        yield

    with pytest.raises(MienError, match="no frame"):
        list(predict_frames(bundle, broken(), landmarker=landmarker))
