from __future__ import annotations

import signal
import threading

import pytest

from mien.experiments.video.interrupts import end_on_interrupt


def test_the_first_interrupt_is_a_wish_and_the_second_raises() -> None:
    before = signal.getsignal(signal.SIGINT)
    with end_on_interrupt() as ending:
        assert not ending.asked
        signal.raise_signal(signal.SIGINT)
        assert ending.asked
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_in_another_thread_nothing_is_changed() -> None:
    before = signal.getsignal(signal.SIGINT)
    found = []

    def work() -> None:
        with end_on_interrupt() as ending:
            found.append((ending.asked, signal.getsignal(signal.SIGINT)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [(False, before)]
