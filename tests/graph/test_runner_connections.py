"""A run finds out how many connections it can use, keeps as many documents in flight, and records why."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from runner_jobs import finished, make_job, make_runner, slowly, write_documents
from servers.scripted import Call, Fail, Say, ScriptedServer, Turn

from graph.store.reading import Event, RunReader
from graph.store.records import CONNECTIONS, RunStatus
from schemas.machine import RunConfig

Start = Callable[..., ScriptedServer]


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    texts = {f"d{number}": f"Captain Roberts left Lisbon harbour on ferry {number}." for number in range(40)}
    return write_documents(tmp_path / "documents.jsonl", texts)


async def events_of(server: ScriptedServer, documents: Path, folder: Path, **run: Any) -> tuple[Event, ...]:
    job = make_job(server, documents).model_copy(update={"run": RunConfig(**run)})
    result = await finished(make_runner(job, folder))
    assert (result.status, result.totals.accepted) == (RunStatus.DONE, 40)
    with RunReader(folder) as reader:
        return reader.events(CONNECTIONS)


async def test_connections_and_documents_grow_together(
    scripted_server: Start, documents: Path, tmp_path: Path
) -> None:
    begun: list[str] = []

    def script(call: Call) -> Turn:
        begun.append(call.document)
        # Long enough that what else the machine does is not taken for a server that gets slower.
        answer = slowly(call)
        assert isinstance(answer, Say)
        return replace(answer, delay=0.15)

    server = scripted_server(script)
    events = await events_of(server, documents, tmp_path / "run", adaptive_connections="1-2-16")
    changes = [(event.data["old"], event.data["new"]) for event in events if event.data]
    assert changes[:3] == [(2, 4), (4, 8), (8, 16)]
    assert all("connections: all connections used" in event.message for event in events[:3])
    # Three documents were begun for the first two connections; more followed before they were done.
    assert len(set(begun[:60])) > 8 > len(set(begun[:16]))


async def test_refusals_and_pauses_are_events_of_the_run(
    scripted_server: Start, documents: Path, tmp_path: Path
) -> None:
    turns, lock = iter([Fail(429, headers={"retry-after": "1"})]), threading.Lock()

    def script(call: Call) -> Turn:
        with lock:
            refusal = next(turns, None)
        return refusal or slowly(call)

    server = scripted_server(script)
    events = await events_of(server, documents, tmp_path / "run", adaptive_connections="1-8-8")
    told = [event.message for event in events[:2]]
    assert told[0].endswith(": Pause of 1 s: 429, Retry-After.")
    assert told[1].endswith(": 8 -> 6 connections: 429.")
    cut = next(event.data for event in events if event.data and event.data["cause"] == "429")
    assert (cut["old"], cut["new"], cut["refusals"]) == (8, 6, 1)


async def test_fixed_connections_change_nothing_and_tell_nothing(
    scripted_server: Start, documents: Path, tmp_path: Path
) -> None:
    assert await events_of(scripted_server(slowly), documents, tmp_path / "run", max_connections=3) == ()
