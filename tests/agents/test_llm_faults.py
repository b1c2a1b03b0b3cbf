"""Calls that bring no answer: what is told of them, and what is tried again."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from asking import BOTH, KEY, Asker, failed, question
from servers.scripted import Drop, Fail, Garble, Say

from agents.llm.client import CallFault
from schemas.machine import RunConfig


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.llm.flow.FIRST_DELAY", 0.01)


@pytest.mark.parametrize(
    ("provider", "finish"),
    [("openai", "length"), ("anthropic", "max_tokens"), ("anthropic", "model_context_window_exceeded")],
)
async def test_a_truncated_answer_is_not_asked_again(
    provider: str, finish: str, asker: Asker, scripted_server: Any
) -> None:
    server = scripted_server([Say({"city": "Oslo"}, finish=finish, output_tokens=200)] * 3)
    error = await failed(asker.client(provider, server), question())
    assert error.fault is CallFault.TRUNCATED and "max_tokens" in error.remedy
    assert len(server.calls) == 1
    (attempt,) = error.attempts
    assert attempt.finish_reason == finish and attempt.usage.output_tokens == 200
    assert json.loads(attempt.raw) == {"city": "Oslo"} and attempt.error == "truncated"


@pytest.mark.parametrize(
    ("provider", "say"),
    [
        ("openai", Say("", finish="content_filter")),
        ("openai", Say("", refusal="I cannot help with that.")),
        ("anthropic", Say("", finish="refusal")),
    ],
)
async def test_a_refusal_is_not_asked_again(
    provider: str, say: Say, asker: Asker, scripted_server: Any
) -> None:
    server = scripted_server([say] * 3)
    error = await failed(asker.client(provider, server), question())
    assert error.fault is CallFault.FILTERED and len(server.calls) == 1 == len(error.attempts)


@BOTH
@pytest.mark.parametrize(
    ("message", "fault"),
    [
        (
            "This model's maximum context length is 8192 tokens. However, you requested 9000.",
            CallFault.TOO_LONG,
        ),
        ("request (9031 tokens) exceeds the available context size (4096 tokens)", CallFault.TOO_LONG),
        ("The prompt (length 9000) is longer than the maximum model length of 4096", CallFault.TOO_LONG),
        ("prompt is too long: 210000 tokens > 200000 maximum", CallFault.TOO_LONG),
        ("input length and `max_tokens` exceed context limit: 1 + 2 > 3", CallFault.TOO_LONG),
        ("unknown field foo", CallFault.BAD_REQUEST),
    ],
)
async def test_a_request_the_server_refuses_says_why(
    provider: str, message: str, fault: CallFault, asker: Asker, scripted_server: Any
) -> None:
    server = scripted_server([Fail(400, message)])
    error = await failed(asker.client(provider, server), question())
    assert error.fault is fault and error.remedy
    assert len(error.attempts) == 1 and error.attempts[0].error == str(error)


@BOTH
@pytest.mark.parametrize("status", [408, 409, 429, 500, 503, 529])
async def test_busy_servers_are_tried_again_and_every_request_is_counted(
    provider: str, status: int, asker: Asker, scripted_server: Any
) -> None:
    busy = Fail(status, headers={"retry-after": "0.01"})
    server = scripted_server([busy, {"city": "Oslo"}])
    reply = await asker.client(provider, server).ask(question())
    first, second = (a.error for a in reply.attempts)
    assert f"answered {status}" in str(first) and second is None
    assert reply.usage.output_tokens == 20


@BOTH
@pytest.mark.parametrize(("status", "fault"), [(500, CallFault.SERVER), (409, CallFault.BAD_REQUEST)])
async def test_requests_are_repeated_as_often_as_the_job_says(
    provider: str, status: int, fault: CallFault, asker: Asker, scripted_server: Any
) -> None:
    server = scripted_server([Fail(status)] * 9)
    client = asker.client(provider, server, RunConfig(retries=3))
    error = await failed(client, question())
    assert error.fault is fault and len(error.attempts) == 4 == len(server.calls)
    assert error.remedy and all(f"answered {status}" in str(a.error) for a in error.attempts)


@BOTH
@pytest.mark.parametrize("status", [401, 403, 404])
async def test_refused_calls_are_not_repeated_and_never_show_the_key(
    provider: str, status: int, asker: Asker, scripted_server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    server = scripted_server(
        [Fail(status, f"Incorrect API key provided: {KEY}. Also sk-other-987654321.")] * 3
    )
    with caplog.at_level(logging.INFO):
        error = await failed(asker.client(provider, server), question())
    assert error.fault is CallFault.REFUSED and len(server.calls) == 1
    everything = f"{error!r} {error} {error.remedy} {error.attempts} {error.__cause__!r} {caplog.text}"
    assert KEY not in everything and "987654321" not in everything


async def test_a_wrong_key_is_refused_by_the_server(
    asker: Asker, scripted_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = scripted_server([{"city": "Oslo"}], key="sk-another-key-entirely")
    assert (await failed(asker.client("openai", server), question())).fault is CallFault.REFUSED


@BOTH
@pytest.mark.parametrize("timeouts", [{"timeout": 0.2}, {"read_timeout": 0.2}])
async def test_a_slow_server_is_a_timeout(
    provider: str, timeouts: dict[str, float], asker: Asker, scripted_server: Any
) -> None:
    server = scripted_server(lambda call: Say({"city": "Oslo"}, delay=3))
    client = asker.client(provider, server, RunConfig(retries=2, **timeouts))
    error = await failed(client, question())
    assert error.fault is CallFault.TIMEOUT and "timeout" in error.remedy
    assert len(error.attempts) == 3
    assert all(0.1 < attempt.latency < 3 for attempt in error.attempts)


@BOTH
async def test_a_lost_connection_is_tried_again(provider: str, asker: Asker, scripted_server: Any) -> None:
    server = scripted_server([Drop(), {"city": "Oslo"}, Drop(), Drop(), Drop()])
    client = asker.client(provider, server, RunConfig(retries=2))
    reply = await client.ask(question())
    assert reply.answer.city == "Oslo" and len(reply.attempts) == 2
    error = await failed(client, question())
    assert error.fault is CallFault.CONNECTION and len(error.attempts) == 3


@BOTH
@pytest.mark.parametrize("garble", [Garble(), Garble(content_type="text/html"), Garble("{}"), Garble("[1]")])
async def test_a_server_that_is_no_model(
    provider: str, garble: Garble, asker: Asker, scripted_server: Any
) -> None:
    error = await failed(asker.client(provider, scripted_server([garble] * 3)), question())
    assert error.fault is CallFault.SERVER and "base_url" in error.remedy
    assert len(error.attempts) == 1
