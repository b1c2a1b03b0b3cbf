"""Spans of a run: `invoke_workflow` for a document, `invoke_agent` for an agent's round, `chat` for a call.

Each document is a trace of its own, as no viewer shows one of 100,000 calls; it links to the trace of the
session in which it was decided. The requests of a call are events of its span, as the conventions want
retries within it; the rounds of a document are events of the document's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Final

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from graph.store.reading import RunReader
from graph.store.records import ACCEPTANCE_OF_THE_RUN
from graph.store.versions import thresholds_of_version
from graph.tracing import attributes as described
from graph.tracing.attributes import Attributes
from graph.tracing.identifiers import agent_span, call_span, document_trace, root_span, session_trace
from graph.tracing.reading import TracedCall, TracedDocument, TracedSession
from schemas.judgement import Outcome

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LOCAL: Final = "local"
"""Provider of models that run in this process."""
_MICROSECOND: Final = timedelta(microseconds=1)


class SpanMaker:
    """Makes the spans of one run.

    The ids follow from the run, the document and the calls, so that spans made again are the same spans.
    """

    def __init__(self, run: RunReader, *, content: bool = False) -> None:
        """Read what all spans say.

        Args:
            run: The run.
            content: With messages, answers and errors, which may quote documents.
        """
        record = run.run()
        self._run_id, self._content = record.id, content
        self._thresholds = thresholds_of_version(run, ACCEPTANCE_OF_THE_RUN)
        self._about_run: Attributes = {
            "gen_ai.agent.name": "guidex",
            "gen_ai.workflow.name": "guidex",  # the name of that before v0.1.0
            "guidex.run.id": record.id,
            "guidex.run.name": record.name,
        }
        name = os.environ.get("OTEL_SERVICE_NAME") or "guidex"
        self._resource = Resource.create(
            {"service.name": name, "service.version": record.version, "service.instance.id": record.id}
        )
        self._scope = InstrumentationScope("guidex", record.version)

    def document(self, document: TracedDocument) -> list[ReadableSpan]:
        """All spans of a document, the root first."""
        trace = document_trace(self._run_id, document.document_id, document.take)
        end = _nanoseconds(document.created)
        links = []
        if document.session is not None:
            of_session = session_trace(self._run_id, document.session)
            links.append(Link(_context(of_session, root_span(of_session))))
        about = described.of_document(document, self._thresholds, content=self._content)
        root = self._span(
            "invoke_workflow",
            "guidex",
            _context(trace, root_span(trace)),
            None,
            self._about_run | about,
            min((_nanoseconds(call.row.opened) for call in document.calls), default=end),
            end,
            links=links,
            events=[
                Event("guidex.round", described.of_round(each), _nanoseconds(each.created))
                for each in document.rounds
            ],
            failed=document.outcome is Outcome.FAILED,
        )
        return [root, *self._agents(trace, document.document_id, document.calls)]

    def session(self, session: TracedSession) -> list[ReadableSpan]:
        """The span of a session, and those of its calls that were for no document in particular."""
        trace = session_trace(self._run_id, session.number)
        root = self._span(
            "invoke_workflow",
            "guidex",
            _context(trace, root_span(trace)),
            None,
            self._about_run | described.of_session(session),
            _nanoseconds(session.started),
            _nanoseconds(session.ended),
            failed=session.status == "failed",
        )
        return [root, *self._agents(trace, None, session.calls)]

    def _agents(
        self, trace: int, document_id: str | None, calls: tuple[TracedCall, ...]
    ) -> Iterator[ReadableSpan]:
        keyed = [((call.row.round, call.row.agent, call.row.sample), call) for call in calls]
        for (number, agent, sample), group in groupby(sorted(keyed, key=itemgetter(0)), itemgetter(0)):
            own = tuple(call for _, call in group)
            name = described.agent_name(agent, sample)
            about: dict[str, str | int | float | None] = {
                "gen_ai.agent.name": name,
                "gen_ai.conversation.id": document_id,
                "guidex.round": number,
                "guidex.calls": len(own),
                "guidex.cost.usd": described.cost_of(own),
            }
            spans = [self._chat(trace, call) for call in own]
            context = _context(trace, agent_span(trace, agent, number, sample))
            yield self._span(
                "invoke_agent",
                name,
                context,
                _context(trace, root_span(trace)),
                {key: value for key, value in about.items() if value is not None},
                min(_nanoseconds(call.row.opened) for call in own),
                max(_nanoseconds(call.row.closed or call.row.opened) for call in own),
            )
            yield from spans

    def _chat(self, trace: int, call: TracedCall) -> ReadableSpan:
        row = call.row
        about = described.of_call(call, content=self._content)
        start, end = _nanoseconds(row.opened), _nanoseconds(row.closed or row.opened)
        return self._span(
            "chat",
            row.model,
            _context(trace, call_span(trace, row.id)),
            _context(trace, agent_span(trace, row.agent, row.round, row.sample)),
            about,
            start,
            end,
            events=self._attempts(call, start, end),
            failed="error.type" in about,
            kind=SpanKind.INTERNAL if row.provider == _LOCAL else SpanKind.CLIENT,
        )

    def _attempts(self, call: TracedCall, start: int, end: int) -> list[Event]:
        """Each request at its end, reckoned back from the call's end: known is how long each took."""
        events = []
        for attempt in reversed(call.attempts):
            about = described.of_attempt(attempt, content=self._content)
            events.append(Event("guidex.attempt", about, max(start, end)))
            end -= round(attempt.seconds * 1e9)
        return events[::-1]

    def _span(
        self,
        operation: str,
        of: str,
        context: SpanContext,
        parent: SpanContext | None,
        about: Attributes,
        start: int,
        end: int,
        *,
        links: list[Link] | None = None,
        events: list[Event] | None = None,
        failed: bool = False,
        kind: SpanKind = SpanKind.INTERNAL,
    ) -> ReadableSpan:
        return ReadableSpan(
            name=f"{operation} {of}",
            context=context,
            parent=parent,
            resource=self._resource,
            attributes={"gen_ai.operation.name": operation, **about},
            events=events or (),
            links=links or (),
            kind=kind,
            status=Status(StatusCode.ERROR if failed else StatusCode.UNSET),
            start_time=start,
            end_time=max(start, end),
            instrumentation_scope=self._scope,
        )


def _context(trace: int, span: int) -> SpanContext:
    return SpanContext(trace, span, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def _nanoseconds(time: str) -> int:
    """Nanoseconds since 1970, from a time of the store."""
    return (datetime.fromisoformat(time) - _EPOCH) // _MICROSECOND * 1000
