"""The page's routes: the page, the model's facts, answers for pictures and clips, a report."""

from __future__ import annotations

import asyncio
import json
import logging
import mimetypes
from collections.abc import AsyncIterator, Awaitable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from mien.experiments.serve.guard import REPORT_POLICY
from mien.experiments.serve.recogniser import MAX_FRAMES, Recogniser, close_frames
from mien.experiments.serve.refusals import Refusal
from mien.experiments.serve.uploads import (
    MAX_CLIP_BYTES,
    MAX_PICTURE_BYTES,
    read_picture,
    save_clip,
)
from mien.experiments.serve.worker import Places, Worker

_T = TypeVar("_T")
_LOG = logging.getLogger("mien.serve")
_TOKEN_MARK = "{{ token }}"
_GONE = 499
_PICTURES_AT_A_TIME = 8
_CLIPS_AT_A_TIME = 2


def build_app(
    recogniser: Recogniser,
    worker: Worker,
    *,
    token: str,
    folder: Path,
    report: bytes | None = None,
) -> Starlette:
    """Make the application; serve it inside a :class:`~mien.experiments.serve.guard.Guard`.

    Parameters
    ----------
    recogniser : Recogniser
        Called on the worker's thread only.
    worker : Worker
    token : str
        Written into the page; see :class:`~mien.experiments.serve.guard.Guard`.
    folder : Path
        Where clips are kept while they are read, under names of our own.
    report : bytes, optional
        A report's HTML.

    Returns
    -------
    Starlette
    """
    site = _Site(recogniser, worker, token, folder, report)
    return Starlette(
        routes=[
            Route("/", site.show_page),
            Route("/static/{name}", site.show_file),
            Route("/report", site.show_report),
            Route("/api/model", site.tell_model),
            Route("/api/picture", site.answer_picture, methods=["POST"]),
            Route("/api/clip", site.answer_clip, methods=["POST"]),
        ],
        exception_handlers={
            Refusal: _tell_refusal,
            HTTPException: _tell_http_error,
            ClientDisconnect: _tell_nobody,
            Exception: _tell_failure,
        },
    )


class _Site:
    def __init__(
        self,
        recogniser: Recogniser,
        worker: Worker,
        token: str,
        folder: Path,
        report: bytes | None,
    ) -> None:
        self._recogniser = recogniser
        self._worker = worker
        self._folder = folder
        self._report = report
        self._files = _read_static()
        page = self._files.pop("index.html").decode("utf-8")
        self._page = page.replace(_TOKEN_MARK, token).encode()
        self._pictures = Places(_PICTURES_AT_A_TIME, "pictures")
        self._clips = Places(_CLIPS_AT_A_TIME, "clips")

    async def show_page(self, request: Request) -> Response:  # noqa: ARG002
        return Response(self._page, media_type="text/html")

    async def show_file(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self._files:
            raise HTTPException(404)
        return Response(self._files[name], media_type=mimetypes.guess_type(name)[0])

    async def show_report(self, request: Request) -> Response:  # noqa: ARG002
        if self._report is None:
            raise HTTPException(404)
        headers = {"content-security-policy": REPORT_POLICY}
        return Response(self._report, media_type="text/html", headers=headers)

    async def tell_model(self, request: Request) -> Response:  # noqa: ARG002
        told = await self._worker.run(self._recogniser.describe)
        limits = {
            "picture_bytes": MAX_PICTURE_BYTES,
            "clip_bytes": MAX_CLIP_BYTES,
            "frames": MAX_FRAMES,
        }
        return JSONResponse({**told, "limits": limits, "report": self._report is not None})

    async def answer_picture(self, request: Request) -> Response:
        with self._pictures.take():
            data = await read_picture(request)
            work = self._worker.run(self._recogniser.answer_picture, data)
            return JSONResponse(await _finish_unless_gone(request, work))

    async def answer_clip(self, request: Request) -> Response:
        session = _ClipSession(self._recogniser, self._worker, self._folder, self._clips)
        try:
            await session.begin(request)
        except BaseException:
            session.close()
            raise
        return session


class _ClipSession(StreamingResponse):
    """One clip, from its upload to its last frame: a line of JSON each, as it is ready.

    Each frame is a job of its own, so that pictures are answered in between; whoever goes away
    ends it.
    """

    def __init__(
        self, recogniser: Recogniser, worker: Worker, folder: Path, places: Places
    ) -> None:
        super().__init__(self._write_lines(), media_type="application/x-ndjson")
        self._worker = worker
        self._recogniser = recogniser
        self._path = folder / f"clip-{uuid4().hex}"
        self._place = places.take()
        self._place.__enter__()
        self._frames: Iterator[dict[str, Any]] | None = None
        self._first: dict[str, Any] | None = None

    async def begin(self, request: Request) -> None:
        """Keep the clip and predict its first frame, so that what is no clip has its own status."""
        await save_clip(request, self._path)
        self._frames = self._recogniser.answer_clip(self._path)
        self._first = await _finish_unless_gone(request, self._worker.run(self._next))

    def _next(self) -> dict[str, Any] | None:
        return None if self._frames is None else next(self._frames, None)

    async def _write_lines(self) -> AsyncIterator[bytes]:
        line = self._first
        while line is not None:
            yield json.dumps(line, separators=(",", ":"), allow_nan=False).encode() + b"\n"
            try:
                line = await self._worker.run(self._next)
            except Refusal as refusal:
                line = {"error": refusal.to_json()}
            except Exception as error:
                _LOG.exception("A clip cannot be answered.")
                line = {"error": _describe_failure(error)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.close()

    def close(self) -> None:
        """Give the place back; let the thread close the clip and remove it after its last step."""
        self._place.__exit__(None, None, None)
        self._worker.submit(self._clean)

    def _clean(self) -> None:
        try:
            if self._frames is not None:
                close_frames(self._frames)
        finally:
            self._path.unlink(missing_ok=True)


async def _finish_unless_gone(request: Request, work: Awaitable[_T]) -> _T:
    """Await a job; drop it when the client goes away before."""
    doing = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_wait_until_gone(request))
    try:
        await asyncio.wait((doing, leaving), return_when=asyncio.FIRST_COMPLETED)
        if doing.done():
            return doing.result()
        raise ClientDisconnect
    finally:
        doing.cancel()
        leaving.cancel()


async def _wait_until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _read_static() -> dict[str, bytes]:
    folder = resources.files("mien.experiments.serve") / "static"
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


async def _tell_refusal(request: Request, error: Exception) -> Response:  # noqa: ARG001
    assert isinstance(error, Refusal)
    return JSONResponse(error.to_json(), error.status, headers=error.headers)


async def _tell_http_error(request: Request, error: Exception) -> Response:  # noqa: ARG001
    assert isinstance(error, HTTPException)
    reasons = {404: "not_found", 405: "method_not_allowed"}
    told = {"reason": reasons.get(error.status_code, "http"), "message": error.detail, "hint": ""}
    return JSONResponse(told, error.status_code, headers=error.headers)


async def _tell_nobody(request: Request, error: Exception) -> Response:  # noqa: ARG001
    return Response(status_code=_GONE)


async def _tell_failure(request: Request, error: Exception) -> Response:
    _LOG.error("%s cannot be answered.", request.url.path, exc_info=error)
    return JSONResponse(_describe_failure(error), 500)


def _describe_failure(error: Exception) -> dict[str, Any]:
    told = f"The model failed ({type(error).__name__})."
    return {"reason": "failed", "message": told, "hint": "The terminal says more."}
