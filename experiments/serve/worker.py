"""One thread for the model, and a bounded number of requests that may wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

from mien.experiments.serve.refusals import Refusal

_P = ParamSpec("_P")
_T = TypeVar("_T")
RETRY_SECONDS = 1
"""After how long a client that found no place may ask again."""


class Places:
    """A bounded number of requests at a time; used from one event loop only.

    Parameters
    ----------
    count : int
        How many there are.
    what : str
        What they are of, for the message: ``pictures``.
    """

    def __init__(self, count: int, what: str) -> None:
        self._free = count
        self._what = what

    @contextmanager
    def take(self) -> Iterator[None]:
        """Hold a place inside the block.

        Raises
        ------
        Refusal
            ``busy`` (503, with ``Retry-After``) when there is none.
        """
        if not self._free:
            raise Refusal(
                503,
                "busy",
                f"The model is busy with other {self._what}.",
                "Try again in a moment.",
                headers={"retry-after": str(RETRY_SECONDS)},
            )
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1


class Worker:
    """The one thread that works with the model, which is not shared between threads."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="mien-serve")

    async def run(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Call a function on the thread. What is cancelled before its turn is never called."""
        return await asyncio.wrap_future(self._thread.submit(function, *args, **kwargs))

    def submit(self, function: Callable[[], object]) -> None:
        """Call a function on the thread without waiting for it."""
        self._thread.submit(function)

    def close(self) -> None:
        """Call what was submitted, and end the thread."""
        self._thread.shutdown(wait=True)
