"""Work in a thread beside: an iterator that runs some items ahead of whoever takes them."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import suppress
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Any, TypeVar

T = TypeVar("T")
_PATIENCE = 0.1
_END = object()


def run_ahead(source: Iterator[T], depth: int) -> Generator[T, None, None]:
    """Take the items of an iterator in a thread of its own.

    Parameters
    ----------
    source : iterator
        Runs in the thread from its first item to its last, and is closed there.
    depth : int
        How many items it may be ahead.

    Yields
    ------
    object
        The items, in order. What the source raises is raised here, after the items before it. When
        this generator is closed, the source ends after the item that it is at.
    """
    queue: Queue[tuple[Any, BaseException | None]] = Queue(depth)
    stopped = Event()
    thread = Thread(target=_work, args=(source, queue, stopped), daemon=True)
    thread.start()
    try:
        while True:
            item, error = queue.get()
            if error is not None:
                raise error
            if item is _END:
                return
            yield item
    finally:
        stopped.set()
        with suppress(Empty):
            while True:
                queue.get_nowait()
        thread.join(_PATIENCE * 50)


def _work(source: Iterator[Any], queue: Queue[Any], stopped: Event) -> None:
    try:
        for item in source:
            if not _put(queue, (item, None), stopped):
                return
        _put(queue, (_END, None), stopped)
    except BaseException as error:  # handed over whole, whatever it is
        _put(queue, (None, error), stopped)
    finally:
        close = getattr(source, "close", None)
        if close:
            close()


def _put(queue: Queue[Any], item: Any, stopped: Event) -> bool:
    """Hand an item over; False when nobody wants it any more."""
    while not stopped.is_set():
        with suppress(Full):
            queue.put(item, timeout=_PATIENCE)
            return True
    return False
