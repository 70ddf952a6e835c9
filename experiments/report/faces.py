"""The faces behind a model's figures: its worst errors, and what fell into each cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mien.experiments.report.contents import CellFaces, Face, ModelSection, Row, Table
from mien.experiments.report.numbers import DASH, count_noun, format_percent

NO_ANSWER = "no answer"


def list_worst(
    model: Mapping[str, Any], classes: Sequence[str], faces: Mapping[str, str]
) -> tuple[Face, ...]:
    """List the wrong predictions that a model was surest of.

    Parameters
    ----------
    model : mapping
        Of the results schema.
    classes : sequence of str
    faces : mapping of str to str
        Pictures by row number, as text.

    Returns
    -------
    tuple of Face
    """
    return tuple(
        Face(
            row=face["row"],
            shown=str(face["row"]) in faces,
            true=classes[face["true"]],
            predicted=_name(face["predicted"], classes),
            sureness="" if face.get("probability") is None else format_percent(face["probability"]),
            name=face["name"],
        )
        for face in model.get("worst") or ()
    )


def build_worst_table(worst: Sequence[Face]) -> Table | None:
    """Build the table of the same faces, for where there are no pictures."""
    if not worst:
        return None
    rows = tuple(
        Row(face.name or f"row {face.row}", (face.true, face.predicted, face.sureness or DASH))
        for face in worst
    )
    return Table("Wrong and most sure of it", ("Picture", "True", "Predicted", "Sure"), rows)


def list_cells(
    model: Mapping[str, Any], classes: Sequence[str], faces: Mapping[str, str]
) -> tuple[CellFaces, ...]:
    """List some faces of each cell of the confusion matrix, row by row; those with a picture."""
    cells = []
    matrix = model["confusion_matrix"]
    for key, rows in sorted((model.get("cells") or {}).items(), key=lambda item: _split(item[0])):
        true, predicted = _split(key)
        shown = tuple(row for row in rows if str(row) in faces)
        if shown:
            count = count_noun(matrix[true][predicted], "picture")
            cells.append(
                CellFaces(key, classes[true], classes[predicted], true == predicted, count, shown)
            )
    return tuple(cells)


def collect_faces(
    sections: Iterable[ModelSection], faces: Mapping[str, str]
) -> tuple[tuple[int, str], ...]:
    """Return the pictures that the sections show, each once, by row number."""
    rows: set[int] = set()
    for section in sections:
        rows.update(face.row for face in section.worst if face.shown)
        rows.update(row for cell in section.cells for row in cell.rows)
    return tuple((row, faces[str(row)]) for row in sorted(rows))


def _name(code: int, classes: Sequence[str]) -> str:
    return NO_ANSWER if code < 0 else classes[code]


def _split(key: str) -> tuple[int, int]:
    true, _, predicted = key.partition(",")
    return int(true), int(predicted)
