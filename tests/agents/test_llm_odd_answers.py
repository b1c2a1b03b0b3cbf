"""Servers that keep to a part of their format, or answer with what nobody expects."""

from __future__ import annotations

import json
from typing import Any

import pytest
from asking import BOTH, Asker, City, failed, question
from servers.scripted import Call, Fail, Garble, Turn

from agents.llm.client import CallFault, Usage

CITY = {"city": "Oslo"}
TOOL_USE = {"type": "tool_use", "id": "1", "name": "City", "input": CITY}


def openai_body(usage: Any = None, **message: Any) -> Garble:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant"} | message}
    return Garble(json.dumps({"id": "1", "model": "m", "choices": [choice], "usage": usage}))


def anthropic_body(*content: dict[str, Any], usage: Any = None) -> Garble:
    body = {"id": "1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn"}
    return Garble(json.dumps(body | {"content": list(content), "usage": usage}))


def tool(arguments: Any) -> list[dict[str, Any]]:
    return [{"id": "1", "type": "function", "function": {"name": "City", "arguments": arguments}}]


@pytest.mark.parametrize(
    ("provider", "body"),
    [
        ("openai", openai_body(content=json.dumps(CITY))),
        ("openai", openai_body(content=json.dumps(CITY), usage={})),
        ("anthropic", anthropic_body({"type": "tool_use", "id": "1", "name": "City", "input": CITY})),
        (
            "anthropic",
            anthropic_body({"type": "tool_use", "id": "1", "name": "City", "input": CITY}, usage={}),
        ),
    ],
)
async def test_an_answer_needs_no_usage(
    provider: str, body: Garble, asker: Asker, scripted_server: Any
) -> None:
    reply = await asker.client(provider, scripted_server([body])).ask(question())
    assert reply.answer == City(city="Oslo") and reply.usage == Usage()
    assert reply.attempts[0].cost is None and reply.attempts[0].error is None


@pytest.mark.parametrize("refusal", ["", None])
@pytest.mark.parametrize("arguments", [CITY, json.dumps(CITY)])
async def test_a_tool_may_be_called_with_an_object_and_an_empty_refusal_is_none(
    arguments: Any, refusal: str | None, asker: Asker, scripted_server: Any
) -> None:
    server = scripted_server([openai_body(tool_calls=tool(arguments), refusal=refusal)])
    reply = await asker.client("openai", server, structured="tools").ask(question())
    assert reply.answer == City(city="Oslo")
    assert json.loads(reply.attempts[0].raw) == json.loads(str(reply.read_from)) == CITY


@pytest.mark.parametrize("content", [["Oslo"], {"city": "Oslo"}, 7])
async def test_content_that_is_no_text_is_no_answer_and_the_attempt_is_kept(
    content: Any, asker: Asker, scripted_server: Any
) -> None:
    server = scripted_server([openai_body(content=content)] * 3)
    error = await failed(asker.client("openai", server), question())
    if isinstance(content, dict):
        assert error.fault is CallFault.INVALID
    else:
        assert error.fault is CallFault.SERVER
    assert len(error.attempts) == len(server.calls) and all(attempt.error for attempt in error.attempts)


@BOTH
async def test_an_ending_that_is_no_word_is_no_answer_and_the_attempt_is_kept(
    provider: str, asker: Asker, scripted_server: Any
) -> None:
    ends = openai_body(content=json.dumps(CITY)) if provider == "openai" else anthropic_body(TOOL_USE)
    odd = Garble(ends.body.replace('"stop"', "7").replace('"end_turn"', "7"))
    error = await failed(asker.client(provider, scripted_server([odd])), question())
    assert error.fault is CallFault.SERVER and len(error.attempts) == 1


@BOTH
async def test_half_a_character_in_an_answer_can_be_sent_back(
    provider: str, asker: Asker, scripted_server: Any
) -> None:
    half = '{"city": "Oslo \ud83d'
    odd = (
        openai_body(content=half) if provider == "openai" else anthropic_body({"type": "text", "text": half})
    )
    server = scripted_server([odd, CITY])
    reply = await asker.client(provider, server).ask(question())
    assert reply.answer == City(city="Oslo")
    assert [attempt.error is None for attempt in reply.attempts] == [False, True]
    assert "Oslo ?" in json.dumps(server.calls[1].body, ensure_ascii=False)


@BOTH
async def test_what_one_request_is_refused_for_changes_no_other(
    provider: str, asker: Asker, scripted_server: Any
) -> None:
    def script(call: Call) -> Turn:
        return Fail(400, "no word on temperature, please") if "fever" in call.prompt else CITY

    server = scripted_server(script)
    client = asker.client(provider, server)
    error = await failed(client, question(document="A fever is a high temperature."))
    assert error.fault is CallFault.BAD_REQUEST and len(error.attempts) == 2
    await client.ask(question())
    assert ["temperature" in call.body for call in server.calls] == [True, False, True]
