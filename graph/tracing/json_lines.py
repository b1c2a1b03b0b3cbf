"""Spans as OTLP in JSON, a line for each request that would have been sent.

That is the file exporter's form: one `TracesData` a line, ids in hexadecimal, enumerations as numbers. The
collector's `otlpjsonfile` receiver reads it, and each line can be posted to a collector as it is.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any, Final

from google.protobuf.json_format import MessageToDict
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan

_IDS: Final = ("traceId", "spanId", "parentSpanId")


def as_json(spans: Sequence[ReadableSpan]) -> dict[str, Any]:
    """Spans as a `TracesData` of OTLP's JSON encoding."""
    data: dict[str, Any] = MessageToDict(encode_spans(spans), use_integers_for_enums=True)
    for resource in data["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                for holder in (span, *span.get("links", ())):
                    _spell(holder)
    return data


def _spell(holder: dict[str, Any]) -> None:
    """Ids in hexadecimal, where protobuf's own JSON has them in base 64."""
    for name in _IDS:
        if name in holder:
            holder[name] = base64.b64decode(holder[name]).hex()
