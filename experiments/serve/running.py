"""Listening, saying where, and ending at once when asked to."""

from __future__ import annotations

import secrets
import socket
import tempfile
import threading
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path

import uvicorn

from mien.errors import MienError
from mien.experiments.serve.app import build_app
from mien.experiments.serve.guard import Guard, list_names
from mien.experiments.serve.recogniser import Recogniser
from mien.experiments.serve.worker import Worker


def listen(host: str, port: int) -> socket.socket:
    """Open the socket that the page is served on.

    Parameters
    ----------
    host : str
        A name or an address of this machine.
    port : int
        0 for any that is free.

    Raises
    ------
    MienError
        If the port is taken or not allowed, or the host is not this machine.
    """
    try:
        kind = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=kind)
    except OSError as error:
        raise MienError(
            f"The page cannot be served on {host}, port {port} ({error.strerror or error}).",
            "Name another port with --port, or 0 for any that is free; --host is 127.0.0.1 or an "
            "address of this machine.",
        ) from error


def write_address(listening: socket.socket) -> str:
    """Return the URL that opens the page on this machine."""
    host, port = listening.getsockname()[:2]
    address = ip_address(host)
    if address.is_unspecified:
        host = "127.0.0.1" if address.version == 4 else "::1"
    return f"http://{host}:{port}/" if ":" not in host else f"http://[{host}]:{port}/"


def is_local(listening: socket.socket) -> bool:
    """Tell whether only this machine can reach the socket."""
    return ip_address(listening.getsockname()[0]).is_loopback


class PageServer:
    """A page on a socket. Make it, then call :meth:`run` once.

    Parameters
    ----------
    recogniser : Recogniser
        Closed at the end.
    listening : socket.socket
        Of :func:`listen`.
    host : str
        What was asked to be listened on.
    report : bytes, optional
        A report's HTML.
    """

    def __init__(
        self,
        recogniser: Recogniser,
        listening: socket.socket,
        *,
        host: str = "127.0.0.1",
        report: bytes | None = None,
    ) -> None:
        self._recogniser = recogniser
        self._listening = listening
        self._names = list_names(host)
        self._report = report
        self._server: uvicorn.Server | None = None

    def run(self, *, on_start: Callable[[], object] = lambda: None) -> None:
        """Serve until Ctrl-C or :meth:`stop`; whoever is still waiting then gets no answer."""
        token = secrets.token_urlsafe(32)
        worker = Worker()
        with tempfile.TemporaryDirectory(prefix="mien-", ignore_cleanup_errors=True) as folder:
            app = build_app(
                self._recogniser, worker, token=token, folder=Path(folder), report=self._report
            )
            self._server = uvicorn.Server(
                uvicorn.Config(
                    Guard(app, names=self._names, token=token),
                    http="h11",
                    ws="none",
                    lifespan="off",
                    log_config=None,
                    log_level="critical",
                    access_log=False,
                    server_header=False,
                    proxy_headers=False,
                    timeout_graceful_shutdown=0,
                )
            )
            try:
                on_start()
                self._server.run(sockets=[self._listening])
            finally:
                worker.submit(self._recogniser.close)
                worker.close()

    def stop(self) -> None:
        """Let :meth:`run` return; may be called from another thread."""
        if self._server is not None:
            self._server.should_exit = True


def open_browser(address: str) -> None:
    """Show the page in the user's browser, without waiting for it."""
    import webbrowser

    threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
