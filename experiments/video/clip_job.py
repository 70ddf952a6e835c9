"""A clip from its first frame to finished files: what mien predict does with one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from mien.errors import MienError
from mien.experiments.video.emotion_plot import check_plot_ending, write_plot
from mien.experiments.video.frame_encoder import find_codecs
from mien.experiments.video.frame_table import write_table
from mien.experiments.video.history import ClipHistory
from mien.experiments.video.interrupts import end_on_interrupt
from mien.experiments.video.labelled_clip import write_labelled_clip
from mien.models.bundle import Bundle
from mien.pipeline.datasets.layout import to_text
from mien.pipeline.video import ClipReader, FramePrediction, predict_frames

FrameCallback = Callable[[FramePrediction, int], None]


@dataclass(frozen=True)
class ClipFiles:
    """What is to be written of a clip; None for what is not.

    Attributes
    ----------
    table : Path, optional
        The CSV.
    clip : Path, optional
        The labelled clip.
    plot : Path, optional
        The emotions over time.
    """

    table: Path | None = None
    clip: Path | None = None
    plot: Path | None = None

    def check(self, source: str) -> None:
        """Raise a MienError for endings that cannot be written, or a file that would be replaced.

        Parameters
        ----------
        source : str
            The clip that is read.
        """
        if self.clip:
            find_codecs(self.clip)
        if self.plot:
            check_plot_ending(self.plot)
        taken = {Path(source).resolve(): "the clip itself"}
        for path in (self.table, self.clip, self.plot):
            if path and path.resolve() in taken:
                raise MienError(
                    f"{path} is {taken[path.resolve()]}.", "Give each file a name of its own."
                )
            if path:
                taken[path.resolve()] = "the name of another file, too"


@dataclass(frozen=True)
class ClipResult:
    """What came of it.

    Attributes
    ----------
    history : ClipHistory
    missing : int
        Frames that the clip declares to have and that could not be read.
    interrupted : bool
        Whether Ctrl-C ended the clip early; the files hold all until then.
    """

    history: ClipHistory
    missing: int
    interrupted: bool


def predict_to_files(
    bundle: Bundle,
    source: str | Path,
    files: ClipFiles,
    *,
    landmarker: Path,
    faces: int,
    smoothing: float,
    on_frame: FrameCallback | None = None,
) -> ClipResult:
    """Predict a clip and write what is wanted of it.

    Ctrl-C ends the clip where it is, and the files are finished with what there is until then. On
    an error none is written.

    Parameters
    ----------
    bundle : Bundle
    source : str or Path
        A file, or ``webcam:0``.
    files : ClipFiles
    landmarker : Path
    faces, smoothing
        As of :func:`mien.pipeline.video.predict_clip`.
    on_frame : callable, optional
        Called with each prediction and the number of frames that the clip declares.

    Returns
    -------
    ClipResult

    Raises
    ------
    MienError
        If the clip cannot be read, or a file cannot be written.
    """
    files.check(str(source))
    history = ClipHistory()
    with ClipReader(source) as reader, end_on_interrupt() as ending, ExitStack() as open_files:
        takers: list[Callable[[FramePrediction], None]] = [history.add]
        if files.table:
            takers.append(open_files.enter_context(write_table(files.table, bundle.classes)))
        if files.clip:
            takers.append(
                open_files.enter_context(
                    write_labelled_clip(files.clip, reader.rate, bundle.classes)
                )
            )
        predictions = predict_frames(
            bundle, reader.frames(), landmarker=landmarker, faces=faces, smoothing=smoothing,
            live=reader.live,
        )  # fmt: skip
        with closing(predictions):
            for prediction in predictions:
                for take in takers:
                    take(prediction)
                if on_frame:
                    on_frame(prediction, reader.declared)
                if ending.asked:
                    break
        open_files.close()
        if files.plot:
            write_plot(files.plot, history, bundle.classes, to_text(Path(source).name))
        missing = 0 if ending.asked else reader.missing
    return ClipResult(history, missing, ending.asked)
