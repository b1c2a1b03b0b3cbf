"""Sending spans to a collector by OTLP over HTTP, and saying in a sentence why it does not take them."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final, Self
from urllib.parse import urlsplit, urlunsplit

import requests
from google.protobuf.message import DecodeError
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from requests.adapters import HTTPAdapter

from schemas.errors import TraceExportError, UsageError

FROM_ENVIRONMENT: Final = "env"
"""In place of a URL: the standard variables of OpenTelemetry say where the collector is."""

_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PATH: Final = "/v1/traces"
_WAIT: Final = "Start it, or name another one; OTEL_EXPORTER_OTLP_TIMEOUT is how long it is waited for."


class SpanSender:
    """Sends spans to one collector.

    Headers (OTEL_EXPORTER_OTLP_HEADERS), certificates, compression and the time limit come from the standard
    variables of OpenTelemetry, whose exporter repeats within that time what fails for a passing reason.
    Headers may hold keys and are never told.
    """

    def __init__(self, where: str) -> None:
        """Prepare; nothing is sent yet.

        Args:
            where: URL of the collector, with or without `/v1/traces`, or `env`.

        Raises:
            UsageError: It is no such URL.
        """
        self._endpoint = _endpoint(where)
        self.place = _without_password(self._endpoint)
        """The URL as it may be shown."""
        self._seen = _Seen()
        session = requests.Session()
        for scheme in ("http://", "https://"):
            session.mount(scheme, self._seen)
        self._exporter = OTLPSpanExporter(self._endpoint, session=session)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def rejected(self) -> int:
        """Spans that the collector took but did not keep."""
        return self._seen.rejected

    def close(self) -> None:
        """Let go of the connection."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call]

    def send(self, spans: Sequence[ReadableSpan]) -> None:
        """Send spans in one request; returns when the collector has them.

        Raises:
            TraceExportError: It does not answer or does not take them. They may be sent once more.
        """
        self._seen.forget()
        begun = time.monotonic()
        with _quiet():
            result = self._exporter.export(spans)
        if result is not SpanExportResult.SUCCESS:
            raise TraceExportError(*self._why(time.monotonic() - begun))

    def _why(self, seconds: float) -> tuple[str, str]:
        status, error = self._seen.status, self._seen.error
        if status is None:
            if isinstance(error, requests.exceptions.SSLError):
                told = f"The certificate of the collector {self.place} could not be verified."
                return told, "OTEL_EXPORTER_OTLP_CERTIFICATE names the file of an authority to trust."
            if isinstance(error, requests.ConnectionError) and not isinstance(error, requests.Timeout):
                return f"The collector {self.place} cannot be reached.", _WAIT
            return f"The collector {self.place} gave no answer within {seconds:.0f} s.", _WAIT
        told = f"The collector {self.place} answered with HTTP status {status}."
        if status in (401, 403):
            return told, "Give its key in OTEL_EXPORTER_OTLP_HEADERS, as in `authorization=Bearer%20KEY`."
        if status == 404:
            return told, f"Check the address: OTLP over HTTP is usually at port 4318, path {_PATH}."
        return told, "Look at the collector's log; what it did not take can be sent again."


class _Seen(HTTPAdapter):
    """Sees what comes of each request, of which the exporter says no more than that it failed.

    Attributes:
        status: HTTP status of the last answer; None if there was none.
        error: Why there was none.
        rejected: Spans that were taken and not kept, so far.
    """

    def __init__(self) -> None:
        super().__init__()
        self.rejected = 0
        self.forget()

    def forget(self) -> None:
        """Begin anew, but for the count."""
        self.status: int | None = None
        self.error: Exception | None = None

    def send(self, *of: Any, **more: Any) -> requests.Response:
        """Send a request, and look at the answer."""
        self.forget()
        try:
            response = super().send(*of, **more)
            if response.ok and response.content:
                with contextlib.suppress(DecodeError):
                    answer = ExportTraceServiceResponse.FromString(response.content)
                    self.rejected += answer.partial_success.rejected_spans
        except requests.RequestException as error:
            self.error = error
            raise
        self.status = response.status_code
        return response


def _endpoint(where: str) -> str:
    if where == FROM_ENVIRONMENT:
        own, base = (os.environ.get(name, "").strip() for name in _ENDPOINTS)
        if not own and not base:
            raise UsageError(
                "No collector is named: OTEL_EXPORTER_OTLP_ENDPOINT is not set.",
                "Set it, or name the collector: --otlp http://localhost:4318.",
            )
        return _checked(own) if own else _with_path(_checked(base))
    return _with_path(_checked(where.strip()))


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise UsageError(
            # What is no address cannot be told apart from the password in it.
            f"{repr(url) if '@' not in url and '?' not in url else 'This'} is no address of a collector.",
            "Name it as in --otlp http://localhost:4318, or `env` for that of OTEL_EXPORTER_OTLP_ENDPOINT.",
        )
    return url


def _with_path(url: str) -> str:
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    return urlunsplit(parts._replace(path=path if path.endswith(_PATH) else path + _PATH))


def _without_password(url: str) -> str:
    """An address as it may be shown: without a user's name, a password or a query."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The exporter logs each failure, and what it says would reach the terminal; ours is told instead."""
    logger = logging.getLogger(OTLPSpanExporter.__module__)
    before = logger.disabled
    logger.disabled = True
    try:
        yield
    finally:
        logger.disabled = before
