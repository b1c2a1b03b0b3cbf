"""A hub of data sets on loopback, which speaks as much of Hugging Face's protocol as reading one takes."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast

from servers.loopback import running

_COMMIT = "a" * 40
_REVISIONS = ("main", "v1", _COMMIT)


class Hub(ThreadingHTTPServer):
    """A hub with one data set."""

    def __init__(self, name: str, files: Mapping[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.name = name
        self.files = files
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextlib.contextmanager
def serving(name: str, files: Mapping[str, bytes]) -> Iterator[Hub]:
    """A hub with one data set, of these files."""
    with running(Hub(name, files)) as hub:
        yield hub


class _Handler(BaseHTTPRequestHandler):
    @property
    def _hub(self) -> Hub:
        return cast(Hub, self.server)

    def log_message(self, format: str, *arguments: object) -> None:
        self._hub.asked.append(f"{self.command} {self.path}")

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path, name = self.path.split("?")[0], self._hub.name
        files, tree = f"/datasets/{name}/resolve/", f"/api/datasets/{name}/tree/{_COMMIT}"
        if path.startswith(files):
            self._file(*path.removeprefix(files).split("/", 1))
        elif path.startswith(tree):
            self._json(self._entries(path.removeprefix(tree).strip("/")))
        elif path.startswith(f"/api/datasets/{name}"):
            siblings = [{"rfilename": file} for file in self._hub.files]
            self._json({"id": name, "sha": _COMMIT, "siblings": siblings, "private": False, "tags": []})
        else:
            self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})

    def _entries(self, folder: str) -> list[dict[str, object]]:
        return [
            {"type": "file", "path": path, "oid": _COMMIT, "size": len(content)}
            for path, content in self._hub.files.items()
            if not folder or path.startswith(f"{folder}/")
        ]

    def _file(self, revision: str, file: str) -> None:
        if revision not in _REVISIONS:
            return self._send(404, b"", {"X-Error-Code": "RevisionNotFound"})
        if file not in self._hub.files:
            return self._send(404, b"", {"X-Error-Code": "EntryNotFound"})
        content = self._hub.files[file]
        headers = {"X-Repo-Commit": _COMMIT, "ETag": '"e"', "Accept-Ranges": "bytes"}
        part = self.headers.get("Range")
        if part is None:
            return self._send(200, content, headers)
        first, _, last = part.removeprefix("bytes=").partition("-")
        end = int(last) if last else len(content) - 1
        headers["Content-Range"] = f"bytes {first}-{end}/{len(content)}"
        return self._send(206, content[int(first) : end + 1], headers)

    def _json(self, value: object) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)
