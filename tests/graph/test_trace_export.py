"""Runs as OpenTelemetry traces, sent to a collector on loopback and written to a file."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status, TracesData
from servers.collector import Collector, attributes
from store_samples import answered, decision, documents, make_store
from traced_runs import asked, worked

from graph.store.reading import RunReader
from graph.store.records import CallStatus, ClosedCall, RunStatus
from graph.thresholds import set_thresholds
from graph.tracing.exporting import Exported, all_batches, send_run
from graph.tracing.json_lines import as_json
from graph.tracing.sending import SpanSender
from schemas.errors import TraceExportError, UsageError
from schemas.judgement import Agent, Outcome, Thresholds


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run of two documents, with a call that was for none of them."""

    async def run() -> None:
        with make_store(tmp_path) as store:
            store.add_documents(documents(2))
            pilot = await store.open_call(asked("pilot", None, Agent.WRITER))
            store.close_call(pilot, answered("for all"))
            await worked(store, "d0")
            await worked(store, "d1")
            store.finish_run(RunStatus.DONE)

    asyncio.run(run())
    return tmp_path / "trial"


def send(
    folder: Path, collector: Collector, document: str | None = None, *, content: bool = False
) -> Exported:
    with RunReader(folder) as run, SpanSender(collector.url) as sender:
        return send_run(run, sender, document, content=content)


def ids(spans: list[Span]) -> set[tuple[bytes, bytes]]:
    return {(span.trace_id, span.span_id) for span in spans}


def trace_of(collector: Collector, document: str) -> list[Span]:
    (root,) = [s for s in collector.spans if attributes(s).get("guidex.document.id") == document]
    return [span for span in collector.spans if span.trace_id == root.trace_id]


def test_a_document_is_a_trace_of_workflow_agents_and_calls(folder: Path, collector: Collector) -> None:
    assert send(folder, collector) == Exported(documents=2, spans=17)
    assert collector.paths[0] == "/v1/traces"
    root, *rest = trace_of(collector, "d0")
    assert root.name == "invoke_workflow guidex" and not root.parent_span_id
    agents = {span.name: span for span in rest if span.name.startswith("invoke_agent")}
    assert set(agents) == {"invoke_agent annotator-1", "invoke_agent annotator-2", "invoke_agent critic"}
    assert all(span.parent_span_id == root.span_id for span in agents.values())
    chats = [span for span in rest if span.name == "chat small"]
    assert sorted(span.parent_span_id for span in chats) == sorted(s.span_id for s in agents.values())
    assert all(span.kind == Span.SPAN_KIND_CLIENT for span in chats)
    for span in rest:
        (parent,) = [each for each in (root, *rest) if each.span_id == span.parent_span_id]
        assert parent.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano
        assert span.end_time_unix_nano <= parent.end_time_unix_nano


def test_documents_link_to_the_trace_of_their_session(folder: Path, collector: Collector) -> None:
    send(folder, collector)
    (session,) = [span for span in collector.spans if "guidex.session" in attributes(span)]
    assert attributes(session)["guidex.documents.accepted"] == 2
    for document in ("d0", "d1"):
        ((link,),) = [span.links for span in trace_of(collector, document) if not span.parent_span_id]
        assert (link.trace_id, link.span_id) == (session.trace_id, session.span_id)
    below = [span for span in collector.spans if span.trace_id == session.trace_id][1:]
    assert [span.name for span in below] == ["invoke_agent guideline-writer", "chat small"]
    assert "gen_ai.conversation.id" not in attributes(below[1])


def test_what_is_exported_again_is_the_same(folder: Path, collector: Collector) -> None:
    send(folder, collector)
    first = [request.SerializeToString(deterministic=True) for request in collector.requests]
    count = len(collector.spans)
    send(folder, collector)
    again = [request.SerializeToString(deterministic=True) for request in collector.requests]
    assert again == first * 2
    assert len(ids(collector.spans)) == count
    collector.requests.clear()
    send(folder, collector, "d1", content=True)
    assert len(ids(collector.spans)) == 7


def test_what_spans_say(folder: Path, collector: Collector) -> None:
    send(folder, collector, "d0")
    said = {
        attributes(span).get("gen_ai.agent.name", ""): attributes(span)
        for span in collector.named("chat small")
    }
    assert said["annotator-1"] == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "small",
        "gen_ai.conversation.id": "d0",
        "gen_ai.agent.name": "annotator-1",
        "gen_ai.output.type": "json",
        "gen_ai.request.temperature": 0.2,
        "gen_ai.request.max_tokens": 100,
        "gen_ai.request.seed": 3,
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 20,
        "gen_ai.usage.output_tokens": 6,
        "gen_ai.usage.cache_read.input_tokens": 4,
        "server.address": "localhost",
        "server.port": 1,
        "guidex.call.id": said["annotator-1"]["guidex.call.id"],
        "guidex.call.status": "answered",
        "guidex.call.answer": "Answer",
        "guidex.call.retry": 0,
        "guidex.round": 1,
        "guidex.sample": 0,
        "guidex.passage": 0,
        "guidex.attempts": 2,
    }
    assert said["critic"]["error.type"] == "truncated" and said["critic"]["guidex.cost.usd"] == 0.5
    (root,) = collector.named("invoke_workflow guidex")
    about = attributes(root)
    assert (
        about["gen_ai.operation.name"] == "invoke_workflow" and about["guidex.decision.outcome"] == "accepted"
    )
    assert (about["guidex.score.agreement"], about["guidex.threshold.agreement"]) == (1.0, 0.9)
    assert about["guidex.run.name"] == "trial" and about["guidex.decision.reason"] == "accepted by test"
    ((event, *_),) = [root.events]
    assert event.name == "guidex.round"
    assert {"guidex.findings.major": 2, "guidex.findings.minor": 1, "guidex.objections.open": 1}.items() <= (
        attributes(event).items()
    )
    resource = attributes(collector.requests[0].resource_spans[0].resource)
    assert resource["service.name"] == "guidex" and resource["service.version"] == "0.1.0"


def test_re_asks_are_events_of_their_call(folder: Path, collector: Collector) -> None:
    send(folder, collector, "d0")
    chats = {attributes(span)["gen_ai.agent.name"]: span for span in collector.named("chat small")}
    events = chats["annotator-1"].events
    assert [(event.name, attributes(event)["guidex.attempt.outcome"]) for event in events] == [
        ("guidex.attempt", "re-asked"),
        ("guidex.attempt", "answered"),
    ]
    assert [attributes(event)["guidex.attempt.seconds"] for event in events] == [0.5, 0.25]
    assert events[0].time_unix_nano <= events[1].time_unix_nano <= chats["annotator-1"].end_time_unix_nano
    assert [attributes(e)["guidex.attempt.outcome"] for e in chats["critic"].events] == ["truncated"]
    assert chats["critic"].status.code == Status.STATUS_CODE_ERROR


CONTENT = ("You annotate.", "Annotate.", "Ada Lovelace", '"value"', "half an", "no JSON", "Zoë")


def test_content_is_left_out(folder: Path, collector: Collector) -> None:
    send(folder, collector)
    sent = b"".join(request.SerializeToString() for request in collector.requests)
    assert sent and not [text for text in CONTENT if text.encode() in sent]


def test_content_in_the_form_of_the_conventions(folder: Path, collector: Collector) -> None:
    send(folder, collector, "d0", content=True)
    chats = {attributes(span)["gen_ai.agent.name"]: span for span in collector.named("chat small")}
    said = attributes(chats["annotator-1"])
    assert json.loads(said["gen_ai.system_instructions"]) == [{"type": "text", "content": "You annotate."}]
    (message,) = json.loads(said["gen_ai.input.messages"])
    assert message["role"] == "user"
    assert [part["content"] for part in message["parts"]][1] == "Annotate."
    assert json.loads(said["gen_ai.output.messages"]) == [
        {
            "role": "assistant",
            "parts": [{"type": "text", "content": '{"value": 0}'}],
            "finish_reason": "stop",
        }
    ]
    assert attributes(chats["annotator-1"].events[0])["guidex.attempt.error"] == "no JSON"
    assert attributes(chats["critic"])["guidex.call.error"] == "half an answer"


def test_a_document_taken_up_again_has_another_trace(tmp_path: Path, collector: Collector) -> None:
    async def run() -> None:
        with make_store(tmp_path) as store:
            store.add_documents(documents(1))
            await worked(store)
            await asyncio.sleep(0.02)  # times are of milliseconds
            store.take_up_again(["d0"], draw_anew=True)
            await store.flush()
            await worked(store)

    asyncio.run(run())
    with RunReader(tmp_path / "trial") as reader:
        assert set_thresholds(reader, Thresholds(agreement=0.1)).trial.lost == ("d0",)
    assert send(tmp_path / "trial", collector, "d0") == Exported(documents=2, spans=14)
    roots = [span for span in collector.spans if not span.parent_span_id]
    assert [attributes(span)["guidex.document.take"] for span in roots] == [1, 2]
    assert [attributes(span)["guidex.decision.outcome"] for span in roots] == ["accepted", "accepted"]
    assert [attributes(span)["guidex.calls"] for span in roots] == [3, 3]
    assert [len(span.events) for span in roots] == [1, 1]


def test_why_documents_failed_is_told_without_what_was_said(tmp_path: Path, collector: Collector) -> None:
    async def run() -> None:
        with make_store(tmp_path) as store:
            store.add_documents(documents(1))
            call_id = await store.open_call(asked("a"))
            store.close_call(call_id, ClosedCall(CallStatus.SERVER, error="quoted answer"))
            store.decide("d0", decision(Outcome.FAILED, None).model_copy(update={"reason": "quoted answer"}))

    asyncio.run(run())
    send(tmp_path / "trial", collector, "d0")
    root = collector.spans[0]
    assert root.status.code == Status.STATUS_CODE_ERROR
    assert attributes(root)["error.type"] == "server"
    assert b"quoted" not in collector.requests[0].SerializeToString()


def test_a_run_is_sent_in_requests_of_a_bounded_size(tmp_path: Path, collector: Collector) -> None:
    async def run() -> None:
        with make_store(tmp_path) as store:
            store.add_documents(documents(90))
            for number in range(90):
                await worked(store, f"d{number}")

    asyncio.run(run())
    assert send(tmp_path / "trial", collector) == Exported(documents=90, spans=1 + 90 * 7)
    sizes = [sum(len(s.spans) for s in r.resource_spans[0].scope_spans) for r in collector.requests]
    assert sizes == [1, 512, 118]
    with RunReader(tmp_path / "trial") as run_:
        _, first, *_ = all_batches(run_)
        assert first.documents == 73


def test_a_file_has_the_same_as_the_collector(folder: Path, collector: Collector) -> None:
    send(folder, collector, content=True)
    with RunReader(folder) as run:
        lines = [json.dumps(as_json(batch.spans)) for batch in all_batches(run, content=True)]
    read = [ParseDict(_base64_ids(json.loads(line)), TracesData()) for line in lines]
    assert [data.SerializeToString(deterministic=True) for data in read] == [
        TracesData(resource_spans=request.resource_spans).SerializeToString(deterministic=True)
        for request in collector.requests
    ]
    (span, *_) = json.loads(lines[1])["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert bytes.fromhex(span["traceId"]) and len(span["traceId"]) == 32 and len(span["spanId"]) == 16
    assert span["kind"] == 1 and len(span["links"][0]["traceId"]) == 32


def _base64_ids(value: Any) -> Any:
    """What protobuf reads, where OTLP has ids in hexadecimal."""
    if isinstance(value, list):
        return [_base64_ids(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: base64.b64encode(bytes.fromhex(each)).decode()
        if key in ("traceId", "spanId", "parentSpanId")
        else _base64_ids(each)
        for key, each in value.items()
    }


def test_a_collector_that_refuses_hangs_or_is_not_there(
    folder: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.2")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=header-canary")
    for status, told in ((503, "status 503"), (401, "status 401"), (404, "status 404")):
        collector.status = status
        with pytest.raises(TraceExportError, match=told) as refused:
            send(folder, collector)
        assert "0 of 2 documents" in str(refused.value) and refused.value.remedy
    collector.status = 200
    collector.hold.clear()
    with pytest.raises(TraceExportError, match="gave no answer"):
        send(folder, collector)
    gone = Collector("http://user:password-canary@127.0.0.1:9")
    with pytest.raises(TraceExportError, match="cannot be reached") as lost:
        send(folder, gone)
    assert "canary" not in str(lost.value)
    assert capfd.readouterr() == ("", "")


def test_headers_are_those_of_the_standard_variables(
    folder: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20abc")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
    with RunReader(folder) as run, SpanSender("env") as sender:
        assert sender.place == f"{collector.url}/v1/traces"
        send_run(run, sender)
    assert collector.headers[0]["authorization"] == "Bearer abc"
    assert len(collector.spans) == 17


def test_spans_that_a_collector_does_not_keep_are_counted(folder: Path, collector: Collector) -> None:
    collector.rejected = 3
    with RunReader(folder) as run, SpanSender(collector.url) as sender:
        send_run(run, sender)
        assert sender.rejected == 3 * len(collector.requests)


@pytest.mark.parametrize(
    ("where", "place"),
    [
        ("http://localhost:4318", "http://localhost:4318/v1/traces"),
        ("http://localhost:4318/", "http://localhost:4318/v1/traces"),
        ("https://user:pass@collector.test/otlp?key=secret", "https://collector.test/otlp/v1/traces"),
        ("http://localhost:4318/v1/traces", "http://localhost:4318/v1/traces"),
    ],
)
def test_addresses(where: str, place: str) -> None:
    with SpanSender(where) as sender:
        assert sender.place == place


@pytest.mark.parametrize(
    "where",
    [
        "http://u:pass@word-canary@h:0",
        "u:canary@h:4318",
        "//u:canary@h",
        "ftp://u:c/canary@x",
        "x?key=canary",
    ],
)
def test_passwords_are_not_shown(where: str) -> None:
    with pytest.raises(UsageError, match="no address") as refused:
        SpanSender(where)
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize("where", ["localhost:4318", "ftp://x", "http://", "http://h:port", "", "http://[x"])
def test_what_is_no_address(where: str) -> None:
    with pytest.raises(UsageError, match="no address"):
        SpanSender(where)


def test_an_address_must_be_somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", raising=False)
    with pytest.raises(UsageError, match="OTEL_EXPORTER_OTLP_ENDPOINT is not set"):
        SpanSender("env")
