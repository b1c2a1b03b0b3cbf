"""A collector of traces on loopback: takes OTLP over HTTP, decodes it, and fails on demand."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from servers.loopback import running


@dataclass
class Collector:
    """What came in, and how to answer.

    Attributes:
        status: HTTP status of the answers from now on.
        rejected: Spans of each request that it says it did not keep.
        hold: Clear it, and requests wait until it is set again.
    """

    url: str
    status: int = 200
    rejected: int = 0
    hold: threading.Event = field(default_factory=threading.Event)
    requests: list[ExportTraceServiceRequest] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    tries: int = 0

    @property
    def spans(self) -> list[Span]:
        """All spans that were taken, in order."""
        return [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def named(self, name: str) -> list[Span]:
        """Spans of that name."""
        return [span for span in self.spans if span.name == name]


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector on a free port."""
    collector = Collector(url="")
    collector.hold.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.tries += 1
            body = self.rfile.read(int(self.headers["content-length"]))
            collector.hold.wait(30)
            if collector.status == 200:
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                collector.requests.append(ExportTraceServiceRequest.FromString(body))
                collector.paths.append(self.path)
                collector.headers.append({name.lower(): value for name, value in self.headers.items()})
            answer = ExportTraceServiceResponse()
            if collector.rejected:
                answer.partial_success.rejected_spans = collector.rejected
            content = answer.SerializeToString()
            try:
                self.send_response(collector.status)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except OSError:  # who asked has gone
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    collector.url = f"http://127.0.0.1:{server.server_port}"
    with running(server):
        try:
            yield collector
        finally:
            collector.hold.set()


def attributes(holder: Any) -> dict[str, Any]:
    """Attributes of a span, an event or a resource as plain values."""
    found = {}
    for item in holder.attributes:
        kind = item.value.WhichOneof("value")
        value = getattr(item.value, kind)
        found[item.key] = [each.string_value for each in value.values] if kind == "array_value" else value
    return found
