"""What the command line shows of a clip at its end: each face's labels, and the files."""

from __future__ import annotations

from mien.experiments.console import OUT, escape
from mien.experiments.video.clip_job import ClipFiles, ClipResult

_MOST_FACES = 8


def print_clip(source: str, result: ClipResult, files: ClipFiles) -> None:
    """Print what was found and which files were written."""
    history = result.history
    share = history.with_face / max(1, history.frames)
    OUT.print(
        f"{escape(source)}: {history.frames:,} frames, {history.seconds:.1f} s, with a face in "
        f"{history.with_face:,} ({share:.1%})"
    )
    shown = history.list_longest(_MOST_FACES)
    for face in shown:
        own = history.faces[face]
        labels = ", ".join(
            f"{escape(name or 'unsure')} {part:.0%}" for name, part in history.count_labels(face)
        )
        OUT.print(f"Face {face}, {own.seconds[0]:.1f} to {own.seconds[-1]:.1f} s: {labels}")
    if hidden := len(history.faces) - len(shown):
        OUT.print(f"{hidden} more faces, seen for a shorter time")
    if result.missing:
        OUT.print(
            f"[bold yellow]Note:[/] the clip declares {result.missing:,} frames more than could "
            "be read: it is cut short or damaged."
        )
    if result.interrupted:
        OUT.print("[bold yellow]Note:[/] interrupted; the files hold all frames until then.")
    for name, path in (("CSV", files.table), ("Clip", files.clip), ("Plot", files.plot)):
        if path:
            OUT.print(f"{name}: {escape(str(path))}")
