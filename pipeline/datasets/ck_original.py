"""CK+ as released: image sequences, with the emotion of the last frame in a text file."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mien.errors import MienError
from mien.pipeline.datasets.class_tree import require_tree
from mien.pipeline.datasets.layout import Layout, ReadOptions, Source, count, make_rows
from mien.pipeline.datasets.tree import FileTree, quote_some
from mien.pipeline.faceset import FaceSet
from mien.pipeline.pictures import ZIP_ERRORS

CK_CLASSES: tuple[str, ...] = (
    "neutral",
    "angry",
    "contempt",
    "disgust",
    "fear",
    "happy",
    "sad",
    "surprise",
)
"""Class names by the number in an emotion file."""

_FRAME = re.compile(r"(?:^|/)(?P<sequence>(S\d+)/(\d+))/\2_\3_(?P<number>\d+)\.\w+$")
_EMOTION = re.compile(r"(?:^|/)(S\d+_\d+)_\d+_emotion\.txt$")
_POINTS = 68


@dataclass(frozen=True)
class _Frame:
    path: str
    sequence: str
    label: str


def recognise_ck_original(source: Source) -> bool:
    """Tell whether there are pictures like ``S010/004/S010_004_00000019.png``."""
    return source.tree is not None and any(map(_FRAME.search, source.tree.pictures))


def read_ck_original(source: Source, options: ReadOptions) -> FaceSet:
    """Read the original release of CK+.

    The last ``options.peak_frames`` frames of a labelled sequence carry its label; with
    ``options.neutral_first`` its first frame is added as neutral, where it is not one of them.
    Sequences without an emotion file are left out and counted in a note.

    Parameters
    ----------
    source : Source
        A folder or zip archive with ``…/S010/004/S010_004_00000019.png`` and
        ``…/S010/004/S010_004_00000019_emotion.txt`` anywhere in it.
    options : ReadOptions
        Which frames to take.

    Returns
    -------
    FaceSet
        Named ``"CK+"``, with subjects and sequences, sorted by sequence and frame.

    Raises
    ------
    MienError
        If there are no sequences, or none has an emotion file; if ``peak_frames`` is under 1.
    """
    if options.peak_frames < 1:
        raise MienError(f"Expected at least 1 peak frame, but got {options.peak_frames}.")
    tree = require_tree(source, "ck-original")
    sequences, emotions = _find_sequences(tree), _find_emotions(tree)
    labelled = [name for name in sequences if name in emotions]
    if not labelled:
        raise _no_labels(source, sequences)
    frames = [
        frame
        for name in labelled
        for frame in _choose_frames(
            name, sequences[name], _read_emotion(tree, emotions[name]), options
        )
    ]
    rows = make_rows(
        pictures=[frame.path for frame in frames],
        labels=[frame.label for frame in frames],
        subjects=[frame.sequence.partition("_")[0] for frame in frames],
        sequences=[frame.sequence for frame in frames],
    )
    pictures = tree.picture_source([frame.path for frame in frames])
    frames_found = {path for paths in sequences.values() for path in paths}
    others = [path for path in tree.pictures if path not in frames_found]
    notes = (*tree.notes, *_describe(sequences, emotions, others, options))
    return FaceSet("CK+", "ck-original", source.given, rows, pictures, notes)


def read_ck_landmarks(path: str | os.PathLike[str]) -> np.ndarray:
    """Read one of the release's landmark files, ``…_landmarks.txt``.

    Parameters
    ----------
    path : str or path
        The file: 68 lines of two numbers.

    Returns
    -------
    ndarray of float64, shape (68, 2)
        x to the right and y down, in pixels of the picture; points in the order of the 68-point
        scheme (jaw, brows, nose, eyes, mouth).

    Raises
    ------
    MienError
        If the file cannot be read or holds anything else.
    """
    try:
        rows = [line.split() for line in Path(path).read_text("utf-8").splitlines() if line.strip()]
        points = np.array(rows, dtype=np.float64)
    except (OSError, ValueError) as error:
        raise MienError(
            f"Expected {_POINTS} rows of x and y in {str(path)!r}, but it cannot be read: {error}."
        ) from error
    if points.shape != (_POINTS, 2) or not np.isfinite(points).all():
        raise MienError(
            f"Expected {_POINTS} rows of x and y in {str(path)!r}, but found {len(rows)} rows "
            "or other values."
        )
    return points


def _find_sequences(tree: FileTree) -> dict[str, list[str]]:
    """Map ``S010_004`` to its frames in order; a frame that is there twice counts once."""
    frames: dict[str, dict[int, str]] = {}
    for path in tree.pictures:
        match = _FRAME.search(path)
        if match:
            name = match["sequence"].replace("/", "_")
            frames.setdefault(name, {}).setdefault(int(match["number"]), path)
    return {
        name: [frames[name][number] for number in sorted(frames[name])] for name in sorted(frames)
    }


def _find_emotions(tree: FileTree) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in tree.files:
        match = _EMOTION.search(path)
        if match:
            found.setdefault(match[1], path)
    return found


def _read_emotion(tree: FileTree, path: str) -> str:
    try:
        code = float(tree.read_bytes(path).decode("ascii"))
    except ZIP_ERRORS:
        return ""
    return CK_CLASSES[int(code)] if code in range(len(CK_CLASSES)) else ""


def _choose_frames(name: str, paths: list[str], label: str, options: ReadOptions) -> list[_Frame]:
    peak = paths[-options.peak_frames :]
    first = paths[:1] if options.neutral_first and len(paths) > len(peak) else []
    return [_Frame(path, name, "neutral") for path in first] + [
        _Frame(path, name, label) for path in peak
    ]


def _describe(
    sequences: Mapping[str, list[str]],
    emotions: Mapping[str, str],
    others: Sequence[str],
    options: ReadOptions,
) -> list[str]:
    taken = count(options.peak_frames, "frame")
    notes = [f"The last {taken} of each labelled sequence carry its label."]
    if options.neutral_first:
        notes.append("The first frame of each labelled sequence is added as neutral.")
    unlabelled = sorted(set(sequences) - set(emotions))
    if unlabelled:
        notes.append(
            f"Left out, having no emotion file: {count(len(unlabelled), 'sequence')} of "
            f"{len(sequences):,}."
        )
    if others:
        what = count(len(others), "picture")
        notes.append(
            f"Left out, as not named like a frame, or a second copy: {what}, {quote_some(others)}"
        )
    missing = sorted(set(emotions) - set(sequences))
    if missing:
        what = count(len(missing), "emotion file")
        notes.append(f"Without pictures: {what}, {quote_some(missing)}")
    return notes


def _no_labels(source: Source, sequences: Mapping[str, list[str]]) -> MienError:
    if not sequences:
        return MienError(
            f"Expected sequences like S010/004/S010_004_00000019.png in {source.given!r} "
            "(ck-original), but there are none.",
            "Give the folder that holds cohn-kanade-images.",
        )
    return MienError(
        f"Expected emotion files like S010/004/S010_004_00000019_emotion.txt in "
        f"{source.given!r}, but none of its {count(len(sequences), 'sequence')} has one.",
        "Unpack the release's Emotion labels beside cohn-kanade-images and give the folder above.",
    )


CK_ORIGINAL = Layout(
    name="ck-original",
    looks_for="cohn-kanade-images/S010/004/S010_004_00000019.png with Emotion/…_emotion.txt",
    recognises=recognise_ck_original,
    read=read_ck_original,
)
