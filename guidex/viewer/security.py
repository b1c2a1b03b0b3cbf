"""Who may ask, and what a browser may do with the answer.

What the pages show was written by models and documents, so that a mistake in escaping must not be enough to
run a script: the policy allows scripts and styles of the viewer's own files alone, and no request elsewhere.
The server listens on this machine, where any web page that is open in a browser can reach it. Hence the check
of Host (a foreign name that was made to resolve to 127.0.0.1: DNS rebinding), of Origin, and for whatever
changes something a token that only the viewer's own pages know.
"""

from __future__ import annotations

import secrets
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN_HEADER: Final = "X-GuideX-Token"
"""A header of its own cannot be sent by a form, nor by a script of another origin."""

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
"""What binds the browser, on every answer."""

_READING: Final = frozenset({"GET", "HEAD"})


class GuardedHeaders:
    """Puts the headers that bind the browser on every answer, those of errors and files included."""

    def __init__(self, app: ASGIApp) -> None:
        """Guard an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                # Pages show what is in the database now; only the viewer's own files can be kept.
                if "etag" not in headers:
                    headers["Cache-Control"] = "no-store"
            await send(message)

        await self._app(scope, receive, send_guarded if scope["type"] == "http" else send)


class GuardedWrites:
    """Refuses what would change something, unless one of the viewer's own pages asks for it."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        """Guard an application.

        Args:
            app: The application.
            token: Known to the viewer's pages.
        """
        self._app, self._token = app, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with 403."""
        if scope["type"] == "http" and scope["method"] not in _READING:
            headers = Headers(scope=scope)
            given = headers.get(TOKEN_HEADER, "").encode()
            if not _same_origin(headers) or not secrets.compare_digest(given, self._token.encode()):
                refusal = PlainTextResponse(
                    "Refused: only the viewer's own pages may change something. Reload the page.", 403
                )
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _same_origin(headers: Headers) -> bool:
    """Whether a page of this server asks; browsers always say who does, other programs need not."""
    origin = headers.get("origin")
    site = headers.get("sec-fetch-site")
    return (origin is None or urlsplit(origin).netloc == headers.get("host")) and (
        site is None or site == "same-origin"
    )
