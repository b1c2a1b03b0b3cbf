"""A hub on loopback that takes one data set, as much as huggingface_hub asks of it."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from servers.loopback import running


class TakingHub(ThreadingHTTPServer):
    """A hub that keeps what is uploaded.

    Attributes:
        made: What it was asked to make.
        files: What was uploaded, by path.
        tokens: What it was asked with.
        refuses: Whether it says 403 to all.
    """

    def __init__(self, *, refuses: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.made: list[dict[str, Any]] = []
        self.files: dict[str, bytes] = {}
        self.tokens: set[str | None] = set()
        self.refuses = refuses

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextlib.contextmanager
def taking(*, refuses: bool = False) -> Iterator[TakingHub]:
    """A hub that runs within."""
    with running(TakingHub(refuses=refuses)) as hub:
        yield hub


class _Handler(BaseHTTPRequestHandler):
    @property
    def _hub(self) -> TakingHub:
        return cast(TakingHub, self.server)

    def log_message(self, format: str, *arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        self._json(404, {"error": "there is nothing yet"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        hub, path = self._hub, self.path.split("?")[0]
        hub.tokens.add(self.headers.get("Authorization"))
        if hub.refuses:
            self._json(403, {"error": "this token may not write here"})
        elif path == "/api/repos/create":
            hub.made.append(json.loads(body))
            self._json(200, {"url": f"{hub.url}/datasets/someone/some-data"})
        elif "/preupload/" in path:
            files = [each["path"] for each in json.loads(body)["files"]]
            modes = [{"path": each, "uploadMode": "regular", "shouldIgnore": False} for each in files]
            self._json(200, {"files": modes})
        elif "/commit/" in path:
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    hub.files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            url = f"{hub.url}/datasets/someone/some-data/commit/{'a' * 40}"
            self._json(200, {"commitUrl": url, "commitOid": "a" * 40, "success": True})
        else:  # of the card's front matter
            self._json(200, {"errors": [], "warnings": []})

    def _json(self, status: int, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
