"""What keeps other sites out: the checks that every request passes, and headers of every answer.

A page of another site can make a browser send requests to this machine. It cannot read this page,
so it does not know the token of the run; a name of its own that it lets point to this machine (DNS
rebinding) is not one of the names that are served; and what the browser says of a request's origin
is believed.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Collection, Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mien.experiments.serve.refusals import Refusal

TOKEN_HEADER = "x-mien-token"
"""The header that every request to ``/api/`` carries, with the token of this run."""
PAGE_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "media-src blob:",
        "connect-src 'self'",
        "frame-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    )
)
"""The Content-Security-Policy of everything but the report."""
REPORT_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'unsafe-inline'",
        "style-src 'unsafe-inline'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
        "sandbox allow-scripts",
    )
)
"""The report's: its own scripts run, in an origin of their own, and reach nothing."""
_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": PAGE_POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(self), microphone=(), geolocation=(), display-capture=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def list_names(host: str) -> frozenset[str]:
    """List the names by which a server that listens on ``host`` may be addressed.

    Parameters
    ----------
    host : str
        The address or name that it listens on.

    Returns
    -------
    frozenset of str
        In lower case. ``*`` stands for every numeric address, which no one can rebind; it is there
        when others than this machine are served.
    """
    local = {"localhost", "127.0.0.1", "::1"}
    if host in local:
        return frozenset(local)
    own = socket.gethostname().lower()
    return frozenset({*local, host.lower(), own, f"{own}.local", "*"})


class Guard:
    """Wraps an application: refuses what is not from its own page, and adds the headers.

    Parameters
    ----------
    app : ASGI application
    names : collection of str
        Of :func:`list_names`.
    token : str
        What requests to ``/api/`` must carry in :data:`TOKEN_HEADER`.
    """

    def __init__(self, app: ASGIApp, *, names: Collection[str], token: str) -> None:
        self._app = app
        self._names = names
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add_headers(message)
            await send(message)

        refusal = self._check(scope["path"], Headers(scope=scope))
        if refusal is None:
            await self._app(scope, receive, send_guarded)
            return
        answer = JSONResponse(
            refusal.to_json(), refusal.status, headers={**refusal.headers, "connection": "close"}
        )
        await answer(scope, receive, send_guarded)

    def _check(self, path: str, headers: Headers) -> Refusal | None:
        """Return why a request is refused, or None."""
        host = headers.get("host", "")
        if not self._is_own(host):
            return Refusal(
                421, "forbidden", f"This page is not served under the name {host[:80]!r}.",
                "Open the address that mien serve printed.",
            )  # fmt: skip
        if not _comes_from_here(path, host, headers):
            return Refusal(403, "forbidden", "Requests of other sites are not answered.")
        given = headers.get(TOKEN_HEADER, "").encode("latin-1")
        if path.startswith("/api/") and not secrets.compare_digest(given, self._token):
            return Refusal(
                403, "forbidden", "The page is of an earlier run of mien serve.", "Reload the page."
            )
        return None

    def _is_own(self, host: str) -> bool:
        name = _read_name(host)
        return name in self._names or ("*" in self._names and _is_address(name))


def _comes_from_here(path: str, host: str, headers: Mapping[str, str]) -> bool:
    """Tell whether the browser says that its own page asks, or the user, or says nothing."""
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != host:
        return False
    site = headers.get("sec-fetch-site", "none")
    opened = path == "/" and headers.get("sec-fetch-dest") == "document"
    return site in ("none", "same-origin") or opened


def _read_name(host: str) -> str:
    """Return the name in a Host header, in lower case; empty when it is none."""
    try:
        parts = urlsplit(f"//{host}")
        parts.port  # noqa: B018 - raises for what is no port
    except ValueError:
        return ""
    return parts.hostname or "" if parts.netloc == host and "@" not in host else ""


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _add_headers(message: Message) -> None:
    headers = MutableHeaders(scope=message)
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
