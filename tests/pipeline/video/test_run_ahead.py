from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from mien.pipeline.video.run_ahead import run_ahead


class Source:
    """Counts what was taken, and tells the thread that it was closed in."""

    def __init__(self, length: int, error: Exception | None = None) -> None:
        self.taken, self.length, self.error = 0, length, error
        self.closed_by = ""
        self.closed = threading.Event()

    def __call__(self) -> Iterator[int]:
        try:
            for i in range(self.length):
                self.taken += 1
                yield i
            if self.error:
                raise self.error
        finally:
            self.closed_by = threading.current_thread().name
            self.closed.set()


def test_items_come_in_order() -> None:
    assert list(run_ahead(Source(100)(), 3)) == list(range(100))


def test_an_error_comes_after_the_items_before_it() -> None:
    ahead = run_ahead(Source(5, ValueError("broken"))(), 2)
    assert [next(ahead) for _ in range(5)] == list(range(5))
    with pytest.raises(ValueError, match="broken"):
        next(ahead)


def test_closing_early_ends_the_source_in_its_thread() -> None:
    source = Source(10_000)
    ahead = run_ahead(source(), 4)
    assert [next(ahead), next(ahead)] == [0, 1]
    ahead.close()
    assert source.closed.wait(5)
    assert source.closed_by != threading.current_thread().name
    assert source.taken <= 2 + 4 + 2


def test_no_thread_stays() -> None:
    before = threading.active_count()
    inner = Source(1000)
    outer = run_ahead(run_ahead(inner(), 2), 2)
    next(outer)
    outer.close()
    assert inner.closed.wait(5)
    assert threading.active_count() == before
