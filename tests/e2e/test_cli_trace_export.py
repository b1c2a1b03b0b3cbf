"""`guidex trace export`, and traces sent while a run goes on."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Command, Done, mixed
from servers.collector import Collector, attributes
from servers.scripted import ScriptedServer

from graph.tracing.reading import traced_documents
from guidex.api import open_run

Servers = Callable[..., ScriptedServer]
Start = Callable[..., Done]


@pytest.fixture
def people(guidex: Command, documents: Path, scripted_server: Servers) -> Start:
    """Runs the four documents: accepted, accepted, rejected and failed."""

    def start(*more: object) -> Done:
        model = ("--model", "openai/test", "--base-url", scripted_server(mixed).openai_url)
        return guidex("run", "--documents", documents, *model, "--rounds", 2, *more)

    return start


def ids(collector: Collector) -> set[tuple[bytes, bytes]]:
    return {(span.trace_id, span.span_id) for span in collector.spans}


def outcomes(collector: Collector) -> dict[str, str]:
    roots = [attributes(span) for span in collector.spans if not span.parent_span_id]
    return {
        each["guidex.document.id"]: each["guidex.decision.outcome"]
        for each in roots
        if "guidex.document.id" in each
    }


def test_a_run_is_sent_while_it_goes_on_and_is_the_same_afterwards(
    guidex: Command, people: Start, collector: Collector
) -> None:
    done = people("--otlp", collector.url)
    assert done.code == 0, done.err
    assert f"Traces of 4 documents sent to {collector.url}/v1/traces." in done.err
    expected = {"ada": "accepted", "bell": "accepted", "curie": "rejected", "darwin": "failed"}
    assert outcomes(collector) == expected
    live = ids(collector)
    assert len(live) == len(collector.spans)
    collector.requests.clear()
    later = guidex("trace", "export", "people", "--otlp", collector.url, "--json").json
    assert later == {
        "run": "people",
        "to": f"{collector.url}/v1/traces",
        "documents": 4,
        "spans": len(live),
        "rejected": 0,
        "undecided": 0,
    }
    assert ids(collector) == live


def test_what_the_agents_did_can_be_followed(guidex: Command, people: Start, collector: Collector) -> None:
    people()
    guidex("trace", "export", "people", "--otlp", collector.url, "--document", "curie")
    (root,) = [span for span in collector.spans if not span.parent_span_id]
    agents = [span for span in collector.spans if span.parent_span_id == root.span_id]
    first = [span.name for span in agents if attributes(span)["guidex.round"] == 1]
    assert sorted(first) == [
        "invoke_agent annotator-1",
        "invoke_agent annotator-2",
        "invoke_agent critic",
        "invoke_agent guideline-writer",
        "invoke_agent schema-designer",
    ]
    assert [attributes(event)["guidex.round"] for event in root.events] == [1, 2]
    assert attributes(root)["guidex.score.faithfulness"] == 0
    assert all(span.name == "chat test" for span in collector.spans if span not in (root, *agents))


def test_a_session_sends_what_it_decided_itself(
    guidex: Command, people: Start, collector: Collector, scripted_server: Servers
) -> None:
    people()
    done = guidex("retry", "people", "--rejected", "--otlp", collector.url)
    assert "Traces of 1 document sent" in done.err
    assert outcomes(collector) == {"curie": "rejected"}
    (root,) = [attributes(s) for s in collector.spans if "guidex.document.id" in attributes(s)]
    assert root["guidex.document.take"] == 2
    (session,) = [attributes(s) for s in collector.spans if "guidex.session" in attributes(s)]
    assert session["guidex.session"] == 2 and session["guidex.documents.rejected"] == 1


def test_a_collector_that_is_away_is_told_of_and_costs_nothing(
    guidex: Command, people: Start, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.3")
    monkeypatch.setenv("GUIDEX_OTLP", collector.url)
    collector.status = 503
    done = people()
    assert done.code == 0 and "accepted" in done.out
    assert done.err.count("The run goes on") <= 1  # a run this short may be over by then
    assert "4 documents left: " in done.err and "HTTP status 503" in done.err
    assert f"guidex trace export runs/people --otlp {collector.url}/v1/traces" in done.err
    collector.status = 200
    again = guidex("trace", "export", "runs/people", "--otlp", f"{collector.url}/v1/traces")
    assert again.code == 0 and again.out.startswith("4 documents, ")
    assert len(outcomes(collector)) == 4


def test_secrets_and_content_stay_at_home(
    guidex: Command, people: Start, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-of-the-model")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=canary-of-the-collector")
    done = people("--otlp", collector.url, "--brief", "as told by sk-canary-of-the-model")
    exported = guidex("trace", "export", "people", "-o", "spans.jsonl", "--content")
    sent = b"".join(request.SerializeToString() for request in collector.requests)
    written = Path("spans.jsonl").read_bytes()
    stored = b"".join(path.read_bytes() for path in Path("runs").rglob("*") if path.is_file())
    assert sent and b"Lovelace" not in sent and b"Lovelace" in written
    for place in (sent, written, stored, done.out.encode(), done.err.encode(), exported.out.encode()):
        assert b"canary" not in place
    assert collector.headers[0]["authorization"] == "canary-of-the-collector"


def test_content_is_sent_live_where_it_is_wanted(people: Start, collector: Collector) -> None:
    people("--otlp", collector.url, "--otlp-content")
    chats = [attributes(span) for span in collector.named("chat test")]
    assert chats and all("gen_ai.input.messages" in chat for chat in chats)


def test_a_file_is_written_whole(guidex: Command, people: Start) -> None:
    people()
    done = guidex("trace", "export", "people", "-o", "out/spans.jsonl")
    assert done.out.strip().endswith("spans written to out/spans.jsonl")
    lines = Path("out/spans.jsonl").read_text("utf-8").splitlines()
    found = [
        span for line in lines for span in json.loads(line)["resourceSpans"][0]["scopeSpans"][0]["spans"]
    ]
    with open_run("runs/people") as run:
        calls = sum(len(document.calls) for document in traced_documents(run))
    assert sum(span["name"] == "chat test" for span in found) == calls
    printed = guidex("trace", "export", "people", "-o", "-")
    assert printed.out.splitlines() == lines


def test_mistakes_are_told_with_a_remedy(
    guidex: Command, people: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    people()
    for arguments, told in (
        ((), "OTEL_EXPORTER_OTLP_ENDPOINT is not set"),
        (("--otlp", "localhost:4318"), "is no address of a collector"),
        (("--otlp", "http://localhost:4318", "-o", "x.jsonl"), "to a collector or to a file"),
        (("-o", "x.jsonl", "--document", "nobody"), "has no document 'nobody'"),
    ):
        done = guidex("trace", "export", "people", *arguments)
        assert done.code == 2 and told in done.err and len(done.err.strip().splitlines()) == 2
    assert not Path("x.jsonl").exists()


def test_without_the_extra_the_command_that_installs_it_is_told(
    guidex: Command, people: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    people()
    for name in list(sys.modules):
        if name.startswith("graph.tracing."):
            monkeypatch.delitem(sys.modules, name)
        if name.partition(".")[0] == "opentelemetry":
            monkeypatch.setitem(sys.modules, name, None)
    for command in (("trace", "export", "people", "-o", "x"), ("resume", "people", "--otlp", "http://h:1")):
        done = guidex(*command)
        assert done.code == 2 and "pip install -e '.[otel]'" in done.err
