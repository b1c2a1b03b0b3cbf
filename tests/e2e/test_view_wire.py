"""Requests that no client library would send, to the viewer as it is served."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

from viewer.conftest import make_run

REQUESTS = {
    b"GET /static/../../../../../etc/passwd HTTP/1.1\r\nHost: OWN\r\n": b"404",
    b"GET /runs/../../../../../etc/passwd HTTP/1.1\r\nHost: OWN\r\n": b"404",
    b"GET /runs/first/../../../etc/passwd HTTP/1.1\r\nHost: OWN\r\n": b"404",
    b"GET http://evil.example/ HTTP/1.1\r\nHost: OWN\r\n": b"404",
    b"GET http://OWN/ HTTP/1.1\r\nHost: evil.example\r\n": b"400",
    b"GET / HTTP/1.1\r\nHost: OWN\r\nHost: evil.example\r\n": b"400",
    b"GET / HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: OWN\r\n": b"400",
    b"GET / HTTP/1.1\r\n": b"400",
    b"GET / HTTP/1.0\r\n": b"400",
    b"GET /runs/a\x00b HTTP/1.1\r\nHost: OWN\r\n": b"400",
    b"GET /runs/\xff\xfe HTTP/1.1\r\nHost: OWN\r\n": b"400",
    b"OPTIONS * HTTP/1.1\r\nHost: OWN\r\n": b"403",
    b"CONNECT evil.example:80 HTTP/1.1\r\nHost: OWN\r\n": b"403",
    b"GET / HTTP/1.1\r\nHost: OWN\r\n": b"200",
}
"""What is sent, and the status of the answer; OWN is the viewer's address."""


def test_what_is_no_request_for_a_page_is_refused(
    tmp_path: Path, guidex_process: Callable[..., subprocess.Popen[str]]
) -> None:
    make_run(tmp_path, "first")
    process = guidex_process("view", tmp_path, "--port", "0", "--no-browser")
    assert process.stdout is not None
    found = re.search(r"http://(127\.0\.0\.1):(\d+)/", process.stdout.readline())
    assert found is not None
    own = f"{found[1]}:{found[2]}".encode()
    told = {request: _answer(int(found[2]), request.replace(b"OWN", own)) for request in REQUESTS}
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert {request: answer[9:12] for request, answer in told.items()} == REQUESTS
    assert not any(b"root:" in answer for answer in told.values())
    assert "Traceback" not in said and "\x00" not in said


def _answer(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(request + b"Connection: close\r\n\r\n")
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)
