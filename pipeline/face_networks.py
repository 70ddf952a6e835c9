"""The landmarker bundle's three networks, run directly: the face, its landmarks, its expression."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mien.features.scheme import MESH_POINTS
from mien.pipeline.face_region import Region, cut_region, place_in_picture, region_from_box
from mien.pipeline.landmarks import RawFace
from mien.pipeline.quiet import quiet_native_stderr

_DETECTOR_SIDE = 128
_LANDMARKS_SIDE = 256
_OVERLAP = 0.5
_BLENDSHAPE_POINTS = np.array((
    0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65, 66,
    67, 70, 78, 80, 81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136, 144,
    145, 146, 148, 149, 150, 152, 153, 154, 155, 157, 158, 159, 160, 161, 162, 163, 168, 172, 173,
    176, 178, 181, 185, 191, 195, 197, 234, 246, 249, 251, 263, 267, 269, 270, 276, 282, 283, 284,
    285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314, 317, 318, 321, 323, 324, 332,
    334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379, 380, 381, 382, 384, 385, 386,
    387, 388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454, 466, 468, 469, 470, 471, 472, 473,
    474, 475, 476, 477,
))  # fmt: skip
"""The mesh points that the expression network reads, in its order."""


class FaceNetworks:
    """The networks of MediaPipe's Face Landmarker bundle on LiteRT, one thread each.

    The same networks, with the same steps between them, as MediaPipe's own graph in IMAGE mode for
    one face: landmarks agree to a few hundredths of a pixel. What the graph keeps to itself, the
    score of the face's presence, is told, and a region can be given instead of found.

    Parameters
    ----------
    bundle : Path
        The verified model bundle.

    References
    ----------
    Bazarevsky et al., BlazeFace: sub-millisecond neural face detection on mobile GPUs, 2019;
    Grishchenko et al., Attention mesh: high-fidelity face mesh prediction in real-time, 2020.
    """

    def __init__(self, bundle: Path) -> None:
        # LiteRT prints a notice of each network to file descriptor 2
        with zipfile.ZipFile(bundle) as archive, quiet_native_stderr():
            self._detector = _Network(archive.read("face_detector.tflite"))
            self._landmarks = _Network(archive.read("face_landmarks_detector.tflite"))
            self._blendshapes = _Network(archive.read("face_blendshapes.tflite"))
        self._anchors = make_anchors()

    def close(self) -> None:
        """Let the networks' memory go."""
        for name in ("_detector", "_landmarks", "_blendshapes"):
            self.__dict__.pop(name, None)

    def find(self, prepared: np.ndarray, *, confidence: float) -> RawFace | None:
        """Find the most certain face and its landmarks.

        Parameters
        ----------
        prepared : ndarray of uint8, shape (side, side) or (side, side, 3)
            A square picture, grey or RGB.
        confidence : float
            What the scores of the face and of its presence must reach at least.

        Returns
        -------
        RawFace or None
        """
        region = self.find_region(prepared, confidence=confidence)
        if region is None:
            return None
        mesh, presence = self.locate(prepared, region)
        return self.complete(mesh, presence) if presence > confidence else None

    def find_region(self, prepared: np.ndarray, *, confidence: float) -> Region | None:
        """Return where the most certain face is, or None below the confidence."""
        found = self.find_regions(prepared, confidence=confidence, most=1)
        return found[0] if found else None

    def find_regions(self, prepared: np.ndarray, *, confidence: float, most: int) -> list[Region]:
        """Return where faces are, the most certain first; ``most`` at most."""
        side = len(prepared)
        whole = cut_region(prepared, Region(side / 2, side / 2, side), _DETECTOR_SIDE)
        boxes, logits = self._detector.run(whole, scale=2 / 255, offset=-1.0)
        sure = np.flatnonzero(logits[0, :, 0] >= _logit(confidence))
        points = decode_boxes(boxes[0].take(sure, axis=0), self._anchors[sure])
        merged = merge_boxes(points, _sigmoid(logits[0, sure, 0]), most)
        return [region_from_box(*(box[:4] * side)) for box in merged]

    def locate(self, prepared: np.ndarray, region: Region) -> tuple[np.ndarray, float]:
        """Return the landmarks in a region, and the score that there is a face at all.

        Returns
        -------
        mesh : ndarray of float32, shape (478, 3)
            In pixels; (0, 0) is the top left corner.
        presence : float
            From 0 to 1.
        """
        crop = cut_region(prepared, region, _LANDMARKS_SIDE)
        points, presence, _ = self._landmarks.run(crop, scale=1 / 255, offset=0.0)
        mesh = place_in_picture(points.reshape(MESH_POINTS, 3) / _LANDMARKS_SIDE, region)
        return mesh, float(_sigmoid(presence.ravel()[0]))

    def complete(self, mesh: np.ndarray, presence: float) -> RawFace:
        """Add the expression to landmarks, shape (478, 3)."""
        (coefficients,) = self._blendshapes.run(mesh[_BLENDSHAPE_POINTS, :2])
        return RawFace(mesh, coefficients.reshape(-1).copy(), presence)


class _Network:
    """One network and the memory of its input."""

    def __init__(self, content: bytes) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter: Any = Interpreter(model_content=content, num_threads=1)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.tensor(self._interpreter.get_input_details()[0]["index"])
        self._outputs = [d["index"] for d in self._interpreter.get_output_details()]

    def run(self, values: np.ndarray, scale: float = 1.0, offset: float = 0.0) -> list[np.ndarray]:
        """Run on ``values * scale + offset``; a grey picture fills all channels."""
        target = self._input()[0]
        if values.ndim == target.ndim:
            np.multiply(values, np.float32(scale), out=target)
            if offset:
                target += np.float32(offset)
        else:
            grey = np.multiply(values, np.float32(scale), dtype=np.float32) + np.float32(offset)
            cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB, dst=target)
        del target  # the interpreter refuses to run while its memory is held
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for index in self._outputs]


def make_anchors() -> np.ndarray:
    """Return the places that the face detector's boxes are relative to.

    Returns
    -------
    ndarray of float32, shape (896, 2)
        Centres (x, y) as shares of the picture: two at each cell of a 16 x 16 grid, then six at
        each cell of an 8 x 8 grid.
    """
    layers = []
    for cells, boxes in ((16, 2), (8, 6)):
        centres = (np.arange(cells, dtype=np.float32) + 0.5) / cells
        grid = np.stack(np.meshgrid(centres, centres), axis=-1).reshape(-1, 2)
        layers.append(grid.repeat(boxes, axis=0))
    return np.concatenate(layers)


def decode_boxes(values: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    """Turn the detector's numbers into points.

    Parameters
    ----------
    values : ndarray of float32, shape (n, 16)
        Centre, size and six points, in pixels of the detector's input, relative to the anchors.
    anchors : ndarray of float32, shape (n, 2)

    Returns
    -------
    ndarray of float32, shape (n, 8, 2)
        Low corner, high corner, then the six points (picture's left eye, right eye, nose, mouth,
        two ears), (x, y) as shares of the picture.
    """
    points = values.reshape(-1, 8, 2) / _DETECTOR_SIDE
    half = points[:, 1] / 2
    points += anchors[:, None]
    centre = points[:, 0].copy()
    points[:, 0], points[:, 1] = centre - half, centre + half
    return points


def merge_best(points: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Average the best box with all that overlap it, weighted by their scores.

    Parameters
    ----------
    points : ndarray, shape (n, 8, 2)
        From :func:`decode_boxes`, at least one.
    scores : ndarray, shape (n,)

    Returns
    -------
    ndarray, shape (8, 2)
    """
    together = _find_overlapping(points, scores)
    weights = scores[together] / scores[together].sum()
    return np.einsum("n,nkd->kd", weights, points[together])


def merge_boxes(points: np.ndarray, scores: np.ndarray, most: int) -> list[np.ndarray]:
    """Merge the best box, then the best of those that do not overlap it, and so on.

    Parameters
    ----------
    points : ndarray, shape (n, 8, 2)
        From :func:`decode_boxes`; may be empty.
    scores : ndarray, shape (n,)
    most : int
        How many boxes to return at most.

    Returns
    -------
    list of ndarray, each of shape (8, 2)
        As :func:`merge_best` gives them.
    """
    merged: list[np.ndarray] = []
    while len(scores) and len(merged) < most:
        merged.append(merge_best(points, scores))
        apart = ~_find_overlapping(points, scores)
        points, scores = points[apart], scores[apart]
    return merged


def _find_overlapping(points: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Tell which boxes overlap the best one, itself included; bool, shape (n,)."""
    low, high = points[:, 0], points[:, 1]
    best = int(scores.argmax())
    shared = np.minimum(high, high[best]) - np.maximum(low, low[best])
    shared = np.maximum(shared, 0.0).prod(axis=1)
    area = (high - low).prod(axis=1)
    together = shared > _OVERLAP * (area + area[best] - shared)
    together[best] = True
    return together


def _logit(share: float) -> float:
    return float(np.log(share / (1 - share))) if share > 0 else -np.inf


def _sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(values, -80.0, 80.0)))
