"""The table of a clip: a row a frame and face."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mien.files import atomic_path, writing
from mien.pipeline.reasons import Reason
from mien.pipeline.video.frame_predictions import FramePrediction

COLUMNS = ("frame", "seconds", "face", "label", "reason", "x", "y", "width", "height")
"""The columns before those of the classes' probabilities; the box is in pixels of the frame."""


def list_rows(prediction: FramePrediction, classes: Sequence[str]) -> list[dict[str, Any]]:
    """List the rows of a frame: one a face, or one with the reason ``no_face``.

    Parameters
    ----------
    prediction : FramePrediction
    classes : sequence of str

    Returns
    -------
    list of dict
        ``frame``, ``seconds``, ``face``, ``label``, ``reason``, ``box`` (x, y, width, height) and
        ``probabilities`` by class; without a face, ``face`` and ``box`` are None, and there are no
        probabilities.
    """
    base = {"frame": prediction.frame, "seconds": round(prediction.seconds, 4)}
    if not prediction.faces:
        none = {"face": None, "label": "", "reason": str(Reason.NO_FACE), "box": None}
        return [{**base, **none, "probabilities": {}}]
    rows = []
    for own in prediction.faces:
        box = own.box
        rows.append(
            {
                **base,
                "face": own.face,
                "label": own.label,
                "reason": own.reason,
                "box": [round(side, 1) for side in (box.x, box.y, box.width, box.height)],
                "probabilities": dict(zip(classes, own.probabilities.tolist(), strict=True)),
            }
        )
    return rows


@contextmanager
def write_table(
    target: Path, classes: Sequence[str]
) -> Iterator[Callable[[FramePrediction], None]]:
    """Write the CSV while frames come.

    The file has its name once it is whole, at the end of the block; when the block raises, it is
    not written at all.

    Parameters
    ----------
    target : Path
    classes : sequence of str

    Yields
    ------
    callable
        Takes the next frame's prediction.

    Raises
    ------
    MienError
        If the file cannot be written.
    """
    with (
        writing(target, "Choose another file with --csv."),
        atomic_path(target) as path,
        path.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file)
        writer.writerow([*COLUMNS, *classes])

        def add(prediction: FramePrediction) -> None:
            for row in list_rows(prediction, classes):
                writer.writerow(_to_cells(row, len(classes)))

        yield add


def _to_cells(row: dict[str, Any], n_classes: int) -> list[Any]:
    box = row["box"] or [""] * 4
    shares = [f"{p:.6f}" for p in row["probabilities"].values()] or [""] * n_classes
    face = "" if row["face"] is None else row["face"]
    return [row["frame"], f"{row['seconds']:.4f}", face, row["label"], row["reason"], *box, *shares]
