"""The labelled clip: frames with boxes and labels, encoded beside the prediction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from mien.experiments.video.background import Background
from mien.experiments.video.drawing import FrameDrawer
from mien.experiments.video.frame_encoder import FrameEncoder, find_codecs
from mien.files import atomic_path, writing
from mien.pipeline.video.frame_predictions import FramePrediction

_WAITING = 8


@contextmanager
def write_labelled_clip(
    target: Path, rate: float, classes: Sequence[str]
) -> Iterator[Callable[[FramePrediction], None]]:
    """Draw and encode frames while they come.

    The file has its name once it is whole, at the end of the block; when the block raises, it is
    not written at all. There is no sound.

    Parameters
    ----------
    target : Path
        Ends in ``.mp4``, ``.webm``, ``.mkv``, ``.mov`` or ``.avi``.
    rate : float
        Frames a second.
    classes : sequence of str

    Yields
    ------
    callable
        Takes the next frame's prediction.

    Raises
    ------
    MienError
        For another ending, or if the file cannot be written whole.
    """
    codecs = find_codecs(target)
    drawer = FrameDrawer(classes)
    with (
        writing(target, "Choose another file with --out."),
        atomic_path(target, ending=target.suffix.lower()) as path,
    ):
        encoder = FrameEncoder(path, rate, codecs)

        def draw_and_encode(prediction: FramePrediction) -> None:
            encoder.write(drawer.draw(prediction), prediction.seconds)

        with closing(encoder), Background(_WAITING) as thread:
            yield lambda prediction: thread.submit(draw_and_encode, prediction)
        if not encoder.check_whole():
            raise OSError(0, "it has not all frames: is the disk full?")
