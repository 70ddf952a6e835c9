"""Answers of a real model for rendered faces."""

import base64
import json
import struct

import cv2
import numpy as np
import pytest

from mien.experiments.serve.answers import MESH_SCALE, encode_mesh, show_inputs
from mien.experiments.serve.mesh_drawing import describe_mesh
from mien.experiments.serve.recogniser import MAX_PIXELS
from mien.experiments.serve.refusals import Refusal
from mien.models.bundle import Bundle


def read_mesh(text):
    return np.frombuffer(base64.b64decode(text), "<i2").reshape(-1, 2) / MESH_SCALE


def decode(uri):
    data = np.frombuffer(base64.b64decode(uri.partition(",")[2]), np.uint8)
    return cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)


def make_png(picture):
    return cv2.imencode(".png", picture)[1].tobytes()


def test_mesh_points_as_text():
    mesh = np.array([[-0.5, -0.5, 9], [49.5, 24.5, 9], [99.5, 199.5, 9], [-100.5, 9e6, 9]])
    expected = [(0, 0), (0.5, 0.125), (1, 1), (-1, 32767 / MESH_SCALE)]
    np.testing.assert_allclose(read_mesh(encode_mesh(mesh, (200, 100))), expected, atol=1e-4)


def test_a_happy_face(recogniser, faces, happy):
    answer = recogniser.answer_picture(happy)
    json.dumps(answer, allow_nan=False)
    height, width = faces[0].picture.shape[:2]
    assert (answer["width"], answer["height"]) == (width, height)
    (face,) = answer["faces"]
    assert face["label"] == "happy"
    assert sum(face["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    points = read_mesh(face["mesh"])[:468] * (width, height)
    apart = np.linalg.norm(points - faces[0].landmarks, axis=1)
    assert np.median(apart) < 0.03 * width
    (shown,) = face["inputs"]
    assert shown["kind"] == "aligned"
    assert decode(shown["picture"]).shape == (128, 128)


def test_what_a_network_reads(faces):
    network = Bundle("cnn", None, ("a", "b"), {}, {}, {"name": "litert"}, {}, {})
    (shown,) = show_inputs(network, faces[0].picture, None)
    assert shown["kind"] == "pixels"
    assert decode(shown["picture"]).shape == (96, 96)


def test_a_picture_without_a_face(recogniser):
    answer = recogniser.answer_picture(make_png(np.full((80, 60, 3), 127, np.uint8)))
    assert (answer["width"], answer["height"]) == (60, 80)
    assert answer["faces"] == []
    assert answer["reason"] == "no_face"
    assert answer["message"]


def test_too_many_pixels_are_refused_before_they_are_decoded(recogniser):
    head = struct.pack(">II", MAX_PIXELS // 1000 + 1, 1000)
    with pytest.raises(Refusal) as caught:
        recogniser.answer_picture(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + head)
    assert (caught.value.status, caught.value.reason) == (413, "too_large")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x89PNG\r\n\x1a\n", "unreadable"),
        (make_png(np.zeros((40, 40), np.uint8))[:60], "unreadable"),
        (make_png(np.zeros((8, 8), np.uint8)), "too_small"),
    ],
)
def test_pictures_that_cannot_be_used(recogniser, data, reason):
    with pytest.raises(Refusal) as caught:
        recogniser.answer_picture(data)
    assert (caught.value.status, caught.value.reason) == (422, reason)


def test_a_clip(recogniser, clip):
    *frames, last = recogniser.answer_clip(clip)
    json.dumps(frames, allow_nan=False)
    assert last == {"done": 20, "cut": False}
    assert [frame["frame"] for frame in frames] == list(range(20))
    assert frames[10]["seconds"] == pytest.approx(1, abs=0.06)
    labels = [frame["faces"][0]["label"] for frame in frames]
    assert labels[2:9] == ["happy"] * 7
    assert labels[12:19] == ["surprise"] * 7
    shown = [i for i, frame in enumerate(frames) if "inputs" in frame["faces"][0]]
    assert shown[0] == 0
    assert 6 <= len(shown) <= 8


def test_a_long_clip_is_cut(recogniser, clip, monkeypatch):
    monkeypatch.setattr("mien.experiments.serve.recogniser.MAX_FRAMES", 3)
    *frames, last = recogniser.answer_clip(clip)
    assert len(frames) == 3
    assert last == {"done": 3, "cut": True}


def test_no_clip(recogniser, tmp_path):
    path = tmp_path / "clip-secret"
    path.write_bytes(b"\0\0\0\x18ftypmp42" + bytes(600))
    with pytest.raises(Refusal) as caught:
        list(recogniser.answer_clip(path))
    assert (caught.value.status, caught.value.reason) == (422, "unreadable")
    assert "secret" not in caught.value.message + caught.value.hint


def test_facts_of_the_model(recogniser):
    facts = recogniser.describe()
    json.dumps(facts, allow_nan=False)
    assert facts["model"] == "svm-linear"
    assert facts["classes"] == ["happy", "surprise"]


def test_lines_of_the_mesh(landmarker):
    told = describe_mesh(landmarker)
    face = np.array(told["face"])
    assert face.shape == (468, 2)
    assert face.min() >= 0
    assert face.max() <= 1
    for pairs in told["lines"].values():
        assert np.min(pairs) >= 0
        assert np.max(pairs) < 468
    forehead, chin = face[10], face[152]
    assert forehead[1] < chin[1]
    assert face[33][0] < face[263][0]
