"""Ids of traces and spans, worked out of what they are about: exporting twice gives the same ids twice."""

from __future__ import annotations

import hashlib
import json
from typing import Final

_TRACE_BYTES: Final = 16
_SPAN_BYTES: Final = 8
"""Of the W3C Trace Context, and of OTLP."""


def session_trace(run_id: str, session: int) -> int:
    """Trace of a session of a run: of the time a process worked on it."""
    return _hashed(_TRACE_BYTES, run_id, "session", session)


def document_trace(run_id: str, document_id: str, take: int) -> int:
    """Trace of a document.

    Args:
        run_id: The run's id, which a copy of the run shares.
        document_id: The document's id.
        take: How many times the run had decided on it with this time; from 1.
    """
    return _hashed(_TRACE_BYTES, run_id, "document", document_id, take)


def root_span(trace: int) -> int:
    """The span of a trace that has no parent."""
    return _hashed(_SPAN_BYTES, trace, "root")


def agent_span(trace: int, agent: str, round: int, sample: int) -> int:
    """An agent's work in a round."""
    return _hashed(_SPAN_BYTES, trace, "agent", agent, round, sample)


def call_span(trace: int, call_id: str) -> int:
    """A call."""
    return _hashed(_SPAN_BYTES, trace, "call", call_id)


def _hashed(size: int, *parts: str | int) -> int:
    # As JSON, so that no two lists of parts run together; zero is no valid id.
    text = json.dumps(parts, separators=(",", ":")).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=size).digest(), "big") or 1
