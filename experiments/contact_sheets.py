"""Contact sheets: the faces that a reason marks, worst first, as one picture a reason."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from mien.experiments.audit import Audit
from mien.experiments.audit_reasons import Finding
from mien.files import atomic_path, writing
from mien.pipeline.reasons import Reason

FACES_PER_SHEET = 96
NEAREST_PER_SHEET = 24
"""Of a full sheet's faces, those that only just have the reason; they come last."""

_COLUMNS = 12
_ENLARGED = 2
_CAPTION = 25
_GAP = 4
_INK = 60
_ORDERED_BY: dict[str, tuple[str, bool]] = {
    Finding.NOT_A_FACE: ("linework", False),
    Finding.OCCLUDED: ("strangeness", False),
    Finding.LOW_CONTRAST: ("contrast", True),
    Finding.BLURRED: ("sharpness", True),
    Finding.TURNED_AWAY: ("turn", False),
    Finding.CUT_OFF: ("outside", False),
    Reason.NO_FACE: ("evenness", False),
}
_TWINS = (Finding.EXACT_TWIN, Finding.NEAR_TWIN, Finding.LABEL_CONFLICT)


def write_contact_sheets(audit: Audit, pixels: np.ndarray, folder: Path) -> list[Path]:
    """Draw a sheet for each reason that marks a picture, and remove those of an earlier audit.

    Parameters
    ----------
    audit : Audit
    pixels : ndarray of uint8, shape (n, 48, 48)
        The store's crops.
    folder : Path
        Where ``<reason>.png`` go.

    Returns
    -------
    list of Path

    Raises
    ------
    MienError
        If a sheet cannot be written.
    """
    written = []
    for code in (*_ORDERED_BY, *_TWINS):
        target = folder / f"{code}.png"
        rows = select_faces(audit, code)
        with writing(target, "Choose another folder with --out."):
            if len(rows) == 0:
                target.unlink(missing_ok=True)
                continue
            _write_png(target, draw_sheet(rows, pixels))
        written.append(target)
    return written


def select_faces(audit: Audit, code: str) -> pd.DataFrame:
    """Choose the rows that a reason's sheet shows.

    Parameters
    ----------
    audit : Audit
    code : str

    Returns
    -------
    DataFrame
        At most :data:`FACES_PER_SHEET` rows of the audit's table with a ``told`` column, the figure
        to print. Most marked first, and :data:`NEAREST_PER_SHEET` next to the threshold last. For
        twins whole groups, with the copy that is kept; the least similar groups first, as they are
        the ones to look at.
    """
    marked = audit.table[audit.has(code)]
    if code in _TWINS:
        return _select_groups(audit, marked, code)
    column, ascending = _ORDERED_BY[code]
    turn = marked[["yaw", "pitch"]].abs().max(axis=1)
    told = turn if column == "turn" else marked[column]
    chosen = told.sort_values(ascending=ascending, kind="stable").index
    if len(chosen) > FACES_PER_SHEET:
        chosen = chosen[: FACES_PER_SHEET - NEAREST_PER_SHEET].append(chosen[-NEAREST_PER_SHEET:])
    return marked.loc[chosen].assign(told=[f"{value:.2f}" for value in told[chosen]])


def _select_groups(audit: Audit, marked: pd.DataFrame, code: str) -> pd.DataFrame:
    kept = ~audit.has_any((Finding.EXACT_TWIN, Finding.NEAR_TWIN))
    table = audit.table.assign(kept=kept & (code != Finding.LABEL_CONFLICT))
    similarity = table.groupby("twin_group")["twin_similarity"].min()
    groups = similarity[marked["twin_group"].unique()].sort_values(kind="stable").index
    place = pd.Series(np.arange(len(groups)), index=groups)
    rows = table[table["twin_group"].isin(groups)]
    rows = rows.assign(place=rows["twin_group"].map(place)).sort_values(["place", "row"])
    rows = rows.head(FACES_PER_SHEET)
    told = [
        f"g{group} {similarity:.2f}{' m' if mirrored else ''}{' kept' if kept else ''}"
        for group, similarity, mirrored, kept in rows[
            ["twin_group", "twin_similarity", "twin_mirrored", "kept"]
        ].itertuples(index=False)
    ]
    return rows.assign(told=told)


def draw_sheet(rows: pd.DataFrame, pixels: np.ndarray) -> np.ndarray:
    """Draw faces in rows of twelve, twice enlarged, each with its row number, label and figure.

    Parameters
    ----------
    rows : DataFrame
        Columns ``row``, ``label`` and ``told``.
    pixels : ndarray of uint8, shape (n, side, side)
        All crops; a row number is a position in it.

    Returns
    -------
    ndarray of uint8, shape (height, width)
    """
    side = pixels.shape[1] * _ENLARGED
    wide, high = side + _GAP, side + _CAPTION + _GAP
    sheet = np.full((-(-len(rows) // _COLUMNS) * high, _COLUMNS * wide), 255, dtype=np.uint8)
    for number, (row, label, told) in enumerate(
        rows[["row", "label", "told"]].itertuples(index=False)
    ):
        y, x = (number // _COLUMNS) * high, (number % _COLUMNS) * wide
        face = cv2.resize(pixels[row], (side, side), interpolation=cv2.INTER_CUBIC)
        sheet[y : y + side, x : x + side] = face
        cell = sheet[y : y + high, x : x + side]
        _write(cell, f"{row} {label}", side + 11)
        _write(cell, told, side + 22)
    return sheet


def _write(cell: np.ndarray, text: str, baseline: int) -> None:
    plain = text.encode("ascii", "replace").decode("ascii")
    cv2.putText(cell, plain, (1, baseline), cv2.FONT_HERSHEY_SIMPLEX, 0.33, _INK, 1, cv2.LINE_AA)


def _write_png(target: Path, sheet: np.ndarray) -> None:
    _, data = cv2.imencode(".png", sheet)
    with atomic_path(target) as path:
        path.write_bytes(data.tobytes())
