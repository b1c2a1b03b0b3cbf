"""Traces sent beside a run: late, once and without loss, whatever the collector does."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from servers.collector import Collector, attributes
from store_samples import documents, make_store
from traced_runs import worked

from graph.store.records import RunStatus
from graph.tracing.following import Followed, TraceFollower
from graph.tracing.sending import SpanSender


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graph.tracing.following._PERIOD", 0.01)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.1")


def sent(collector: Collector) -> list[str]:
    roots = (attributes(span) for span in collector.spans if not span.parent_span_id)
    return [about["guidex.document.id"] for about in roots if "guidex.document.id" in about]


async def test_everything_is_sent_once_and_the_session_at_the_end(
    tmp_path: Path, collector: Collector
) -> None:
    follower = TraceFollower(tmp_path / "trial", SpanSender(collector.url))
    follower.start()
    with make_store(tmp_path) as store:
        store.add_documents(documents(5))
        for number in range(5):
            await worked(store, f"d{number}")
        store.finish_run(RunStatus.DONE)
    assert follower.finish() == Followed(documents=5, left=0, rejected=0, problem=None)
    assert sent(collector) == [f"d{number}" for number in range(5)]
    sessions = [attributes(span) for span in collector.spans if "guidex.session" in attributes(span)]
    assert [about["guidex.run.status"] for about in sessions] == ["done"]


async def test_what_a_collector_missed_is_sent_when_it_is_back(tmp_path: Path, collector: Collector) -> None:
    told: list[str] = []
    failed = threading.Event()

    def tell(problem: str) -> None:
        told.append(problem)
        failed.set()

    collector.status = 503
    with make_store(tmp_path) as store:
        follower = TraceFollower(tmp_path / "trial", SpanSender(collector.url), told=tell)
        follower.start()
        store.add_documents(documents(2))
        await worked(store, "d0")
        assert failed.wait(20)
        await worked(store, "d1")
        collector.status = 200
    assert follower.finish() == Followed(documents=2, left=0, rejected=0, problem=None)
    assert sent(collector) == ["d0", "d1"]
    assert len(told) == 1 and "HTTP status 503" in told[0]


async def test_a_collector_that_hangs_loses_nothing(tmp_path: Path, collector: Collector) -> None:
    collector.hold.clear()
    with make_store(tmp_path) as store:
        follower = TraceFollower(tmp_path / "trial", SpanSender(collector.url))
        follower.start()
        store.add_documents(documents(3))
        for number in range(3):
            await worked(store, f"d{number}")
        store.finish_run(RunStatus.DONE)
    ended = follower.finish()
    assert (ended.documents, ended.left) == (0, 3)
    assert "gave no answer" in str(ended.problem)


async def test_earlier_sessions_are_left_alone(tmp_path: Path, collector: Collector) -> None:
    with make_store(tmp_path) as store:
        store.add_documents(documents(2))
        await worked(store, "d0")
        follower = TraceFollower(tmp_path / "trial", SpanSender(collector.url))
        follower.start()
        await worked(store, "d1")
    assert follower.finish().documents == 1
    assert sent(collector) == ["d1"]


def test_a_run_that_never_began_has_nothing_to_send(tmp_path: Path, collector: Collector) -> None:
    follower = TraceFollower(tmp_path / "none", SpanSender(collector.url))
    follower.start()
    assert follower.finish() == Followed(documents=0, left=0, rejected=0, problem=None)
    assert collector.tries == 0
