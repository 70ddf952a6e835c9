"""The emotions over time as a picture: a panel a face, a line a class."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mien.errors import MienError
from mien.experiments.video.colours import choose_colours
from mien.experiments.video.history import ClipHistory, FaceHistory
from mien.files import atomic_path, writing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ENDINGS = (".png", ".svg", ".pdf")
"""What the picture can be written as."""

MOST_FACES = 6
_DPI = 150
_WIDTH, _PANEL = 10.0, 2.6
_GAP_SECONDS = 0.5
_STYLES = ("-", (0, (5, 1.5)), (0, (1.5, 1.5)))
_LONG_SECONDS = 180.0
_RIBBON = (-0.12, -0.03)


def check_plot_ending(target: Path) -> None:
    """Raise a MienError for a file that is not to be a picture."""
    if target.suffix.lower() not in ENDINGS:
        raise MienError(
            f"The plot cannot be written as {target.name}.",
            f"Let its name end in one of {', '.join(ENDINGS)}.",
        )


def write_plot(target: Path, history: ClipHistory, classes: Sequence[str], title: str) -> None:
    """Draw the probabilities of all classes over time.

    The six faces that were seen longest have a panel each. Below the lines, a ribbon has the colour
    of the most probable class, and is empty where the model abstained. Lines end where a face was
    not seen for half a second.

    Parameters
    ----------
    target : Path
        Ends in one of :data:`ENDINGS`.
    history : ClipHistory
    classes : sequence of str
    title : str

    Raises
    ------
    MienError
        For another ending, or if the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    check_plot_ending(target)
    shown = history.list_longest(MOST_FACES)
    panels = max(1, len(shown))
    figure = Figure(figsize=(_WIDTH, 0.9 + _PANEL * panels), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(panels, 1, sharex=True, squeeze=False)[:, 0]
    for own, face in zip(axes, shown, strict=False):
        _draw_face(own, history.faces[face], classes)
        own.set_title(f"Face {face}", loc="left", fontsize=10)
    if not shown:
        axes[0].text(0.5, 0.5, "No face was found.", ha="center", transform=axes[0].transAxes)
        _draw_frame(axes[0])
    hidden = len(history.faces) - len(shown)
    note = f"; {hidden} more faces, seen for a shorter time, are not shown" if hidden else ""
    _draw_times(axes[-1], max(history.seconds, 0.1), note)
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, parse_math=False)
    if shown:
        lines = axes[0].get_lines()[: len(classes)]
        legend = figure.legend(lines, classes, loc="outside right upper", frameon=False)
        for text in legend.get_texts():
            text.set_parse_math(False)
    with (
        writing(target, "Choose another file with --plot."),
        warnings.catch_warnings(),
        atomic_path(target) as path,
    ):
        warnings.simplefilter("ignore")  # letters that the font has not
        figure.savefig(path, format=target.suffix.lower()[1:], dpi=_DPI, facecolor="white")


def _draw_face(axes: Axes, face: FaceHistory, classes: Sequence[str]) -> None:
    colours = choose_colours(classes)
    seconds, rows = break_gaps(np.array(face.seconds), np.array(face.rows))
    for i, name in enumerate(classes):
        axes.plot(
            seconds, rows[:, i], color=colours[name], linewidth=1.6,
            linestyle=_STYLES[i // len(set(colours.values())) % len(_STYLES)],
        )  # fmt: skip
    runs = list_runs(face.seconds, face.labels)
    for name in classes:
        spans = [(start, end - start) for start, end, label in runs if label == name]
        axes.broken_barh(spans, (_RIBBON[0], _RIBBON[1] - _RIBBON[0]), color=colours[name], lw=0)
    _draw_frame(axes)


def _draw_frame(axes: Axes) -> None:
    axes.set_ylim(_RIBBON[0] - 0.02, 1.02)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "", "0.5", "", "1"])
    axes.set_ylabel("probability")
    axes.grid(axis="y", color="#e3e6ea", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _draw_times(axes: Axes, end: float, note: str) -> None:
    axes.set_xlim(0, end)
    long = end > _LONG_SECONDS
    axes.set_xlabel(f"{'minutes' if long else 'seconds'}{note}")
    if long:
        axes.xaxis.set_major_formatter(lambda s, _: f"{int(s) // 60}:{int(s) % 60:02d}")


def break_gaps(seconds: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Put a row of NaN where a face was not seen for half a second, so that lines end there.

    Parameters
    ----------
    seconds : ndarray, shape (n,)
    rows : ndarray, shape (n, n_classes)

    Returns
    -------
    seconds : ndarray, shape (n + gaps,)
    rows : ndarray, shape (n + gaps, n_classes)
    """
    at = np.flatnonzero(np.diff(seconds) > _GAP_SECONDS) + 1
    return np.insert(seconds, at, seconds[at]), np.insert(rows, at, np.nan, axis=0)


def list_runs(seconds: Sequence[float], labels: Sequence[str]) -> list[tuple[float, float, str]]:
    """Return from when to when a label stayed the same: start, end, label.

    A run lasts until the next begins, and ends with its last frame where a gap follows.
    """
    runs: list[tuple[float, float, str]] = []
    for i, (now, label) in enumerate(zip(seconds, labels, strict=True)):
        if runs and now - seconds[i - 1] <= _GAP_SECONDS:
            start, _, before = runs[-1]
            runs[-1] = (start, now, before)
            if before == label:
                continue
        runs.append((now, now, label))
    return runs
