"""Ctrl-C as a wish to end, so that what is being written can be finished."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Ending:
    """Whether an end was asked for.

    Attributes
    ----------
    asked : bool
    """

    def __init__(self) -> None:
        self.asked = False


@contextmanager
def end_on_interrupt() -> Iterator[Ending]:
    """Take the first interrupt inside the block as a wish to end; a second one raises as usual.

    Outside of the main thread, which alone gets interrupts, nothing is changed.
    """
    ending = Ending()
    if threading.current_thread() is not threading.main_thread():
        yield ending
        return

    def ask(number: int, frame: FrameType | None) -> None:
        if ending.asked:
            signal.default_int_handler(number, frame)
        ending.asked = True

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield ending
    finally:
        signal.signal(signal.SIGINT, before)
