"""The layouts that rendered faces can be written in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mien.errors import MienError
from mien.pipeline.rendered.ck_files import write_ck48, write_ck_original
from mien.pipeline.rendered.export import write_rendered
from mien.pipeline.rendered.sequences import CK_PERSONS

LAYOUTS: tuple[str, ...] = ("folders", "ck48", "ckplus")
_PEOPLE = 40


def write_layout(
    layout: str, people: int | None, find_bundle: Callable[[], Path], out: Path, *, seed: int = 0
) -> str:
    """Write rendered faces in a layout.

    Parameters
    ----------
    layout : str
        One of :data:`LAYOUTS`.
    people : int or None
        Number of people; 40, or the 118 of CK+ in its layouts, by default.
    find_bundle : callable
        Gives the path of MediaPipe's landmarker bundle, which has the mesh.
    out : Path
        Folder to write to; made if missing.
    seed : int

    Returns
    -------
    str
        What was written, in words.

    Raises
    ------
    MienError
        If there is no such layout, or as the layout's writer raises it.
    """
    if layout not in LAYOUTS:
        raise MienError(
            f"There is no layout {layout!r} of rendered faces.",
            f"Use one of: {', '.join(LAYOUTS)}.",
        )
    if layout == "folders":
        spec = f"rendered:people={_PEOPLE if people is None else people},seed={seed}"
        return f"{write_rendered(spec, find_bundle(), out):,} pictures in {out}"
    write = write_ck48 if layout == "ck48" else write_ck_original
    written = write(CK_PERSONS if people is None else people, find_bundle(), out, seed=seed)
    return (
        f"{written.pictures:,} pictures of {written.sequences:,} sequences of {written.persons:,} "
        f"people in {out}"
    )
