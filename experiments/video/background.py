"""Calls that run in a thread beside, one after another."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Self


class Background:
    """Runs calls in one thread, in order. Use it as a context manager: its end waits for them.

    Parameters
    ----------
    waiting : int
        How many calls may wait; a further one waits for the first of them.
    """

    def __init__(self, waiting: int) -> None:
        self._most = waiting
        self._calls: deque[Future[None]] = deque()

    def __enter__(self) -> Self:
        self._thread = ThreadPoolExecutor(1)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            while kind is None and self._calls:
                self._calls.popleft().result()
        finally:
            self._thread.shutdown(cancel_futures=True)

    def submit(self, call: Callable[..., None], *arguments: Any) -> None:
        """Have a call run; what an earlier one raised is raised here, or at the end."""
        while self._calls and (len(self._calls) >= self._most or self._calls[0].done()):
            self._calls.popleft().result()
        self._calls.append(self._thread.submit(call, *arguments))
