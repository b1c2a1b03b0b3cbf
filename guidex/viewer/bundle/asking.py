"""Asking the viewer for its pages without a server between."""

from __future__ import annotations

from urllib.parse import unquote

from starlette.types import ASGIApp, Message


async def ask(app: ASGIApp, address: str) -> str:
    """What the viewer answers to GET.

    Args:
        app: The viewer.
        address: A path with its query, as `Links` makes them.

    Raises:
        LookupError: It answers with another status than 200.
    """
    path, _, query = address.partition("?")
    status = 0
    pieces: list[bytes] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        elif message["type"] == "http.response.body":
            pieces.append(message.get("body", b""))

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode("ascii"),
        "root_path": "",
        "query_string": query.encode("ascii"),
        "headers": [(b"host", b"localhost")],
        "client": None,
        "server": None,
    }
    await app(scope, receive, send)
    if status != 200:
        raise LookupError(f"{status} at {address}")
    return b"".join(pieces).decode()
