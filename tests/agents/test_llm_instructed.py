"""The client against a real HTTP server that speaks both wire formats."""

from __future__ import annotations

import asyncio
import json
import logging
from itertools import pairwise
from typing import Any

import pytest
from asking import BOTH, DOCUMENT, KEY, SYSTEM, Asker, City, failed, question
from instructor import ResponseSchema
from servers.scripted import Fail, Garble, Say, agreeable

from agents.llm.client import (
    Answer,
    CallFault,
    Message,
    Purpose,
    Request,
    Sampling,
    Usage,
    answer_checks,
)
from agents.llm.factory import ClientPool, probe
from schemas.job import ModelConfig
from schemas.judgement import Agent
from schemas.machine import RunConfig


@BOTH
async def test_an_answer_comes_back_parsed_with_what_it_took(
    provider: str, asker: Asker, scripted_server: Any
) -> None:
    say = Say({"city": "Oslo", "size": "3"}, input_tokens=120, output_tokens=7, cached_tokens=64, delay=0.05)
    server = scripted_server([say], key=KEY)
    reply = await asker.client(provider, server).ask(question())
    assert reply.answer == City(city="Oslo", size=3)  # a number given as text is taken
    assert type(reply.answer) is City and not hasattr(reply.answer, "_raw_response")
    assert reply.usage == Usage(input_tokens=120, output_tokens=7, cached_tokens=64)
    assert reply.finish_reason in ("stop", "tool_use")
    assert 0.05 <= reply.latency < 10
    (attempt,) = reply.attempts
    assert json.loads(attempt.raw) == {"city": "Oslo", "size": "3"} and attempt.error is None


@pytest.mark.parametrize("structured", ["json_schema", "tools", "json"])
async def test_openai_structure_is_asked_for_as_configured(
    structured: str, asker: Asker, scripted_server: Any
) -> None:
    server = scripted_server([{"city": "Oslo"}])
    client = asker.client("openai", server, structured=structured)
    assert (await client.ask(question())).answer.city == "Oslo"
    body = server.calls[0].body
    wanted = (body.get("response_format") or {}).get("type")
    assert (wanted, "tools" in body) == {
        "json_schema": ("json_schema", False),
        "tools": (None, True),
        "json": ("json_object", False),
    }[structured]
    assert server.calls[0].schema["properties"].keys() == {"city", "size"}
    assert client.identity.structured == structured
    assert server.calls[0].texts[0] == SYSTEM  # nothing is added to what agents share


@BOTH
async def test_a_wrong_answer_is_asked_again_with_the_error_and_all_attempts_count(
    provider: str, asker: Asker, scripted_server: Any
) -> None:
    server = scripted_server([{"city": "Paris"}, {"town": 1}, {"city": "Oslo"}])
    reply = await asker.client(provider, server).ask(question(checks={"document": DOCUMENT}))
    assert reply.answer.city == "Oslo"
    assert reply.usage == Usage(input_tokens=300, output_tokens=60)
    assert [a.number for a in reply.attempts] == [1, 2, 3]
    first, second, third = (a.error for a in reply.attempts)
    assert first == "city: Value error, 'Paris' does not stand in the document"
    assert second == "city: Field required" and third is None
    told = json.dumps(server.calls[1].body["messages"][-1])
    assert "'Paris' does not stand in the document" in told
    assert "pydantic" not in told and "Norway" not in told
    assert server.calls[1].body["messages"][:1] == server.calls[0].body["messages"][:1]


@BOTH
async def test_three_wrong_answers_end_in_one_line(provider: str, asker: Asker, scripted_server: Any) -> None:
    server = scripted_server([{"city": f"Rome\x1b[31m\n{n}"} for n in range(5)])
    error = await failed(asker.client(provider, server), question(checks={"document": DOCUMENT}))
    assert error.fault is CallFault.INVALID
    assert len(server.calls) == len(error.attempts) == 3
    assert all(attempt.error for attempt in error.attempts)
    assert "\n" not in str(error) and "\x1b" not in str(error) and "does not stand" in str(error)
    assert error.remedy


async def test_prose_and_fences_around_the_object_are_taken_off(asker: Asker, scripted_server: Any) -> None:
    server = scripted_server(['Here it is:\n```json\n{"city": "Oslo"}\n```\nDone.'])
    reply = await asker.client("openai", server).ask(question())
    assert reply.answer.city == "Oslo" and len(reply.attempts) == 1


async def test_what_is_no_json_is_asked_again(asker: Asker, scripted_server: Any) -> None:
    server = scripted_server(['{"city": "Os', {"city": "Oslo"}])
    reply = await asker.client("openai", server).ask(question())
    assert reply.answer.city == "Oslo" and "Invalid JSON" in str(reply.attempts[0].error)


@BOTH
async def test_documents_are_no_templates(provider: str, asker: Asker, scripted_server: Any) -> None:
    document = "Oslo {{ 7*7 }} {% raise %} {% for x in range(10**9) %} ${city} {city} \x00 \ud800"
    server = scripted_server([{"city": "Rome"}, {"city": "Oslo"}])
    reply = await asker.client(provider, server).ask(
        question(document=document, checks={"document": document})
    )
    assert len(reply.attempts) == 2  # the check has seen the document
    for call in server.calls:
        assert document.replace("\ud800", "?") in call.prompt


@BOTH
async def test_agents_on_one_document_share_their_first_bytes(
    provider: str, asker: Asker, scripted_server: Any
) -> None:
    class Verdict(Answer):
        """A verdict."""

        good: bool

    server = scripted_server(agreeable)
    client = asker.client(provider, server)
    first = question("You are the annotator.")
    second = question("You are the critic.")
    await client.ask(first)
    await client.ask(Request(second.messages, Verdict, second.sampling, second.purpose))
    bodies = [json.dumps([call.body.get("system"), call.body["messages"]]) for call in server.calls]
    shared = len(json.dumps([None, DOCUMENT])) + len(SYSTEM)
    assert bodies[0] != bodies[1] and bodies[0].split("You are the annotator")[0] in bodies[1]
    assert bodies[0].index("You are the annotator") > shared


async def test_anthropic_marks_what_is_shared_for_its_cache(asker: Asker, scripted_server: Any) -> None:
    server = scripted_server([{"city": "Oslo"}])
    messages = (
        Message(role="system", parts=("s" * 5000,)),
        Message(role="user", parts=("a", "b", "c", "d", "e", "role")),
    )
    request = Request(messages, City, Sampling(temperature=1.5, max_tokens=50), Purpose(agent=Agent.CRITIC))
    await asker.client("anthropic", server).ask(request)
    body = server.calls[0].body
    blocks = [*body["system"], *body["messages"][0]["content"]]
    assert ["cache_control" in block for block in blocks] == [True, False, False, True, True, True, False]
    assert body["temperature"] == 1.0 and "top_p" not in body and "seed" not in body


async def test_anthropic_marks_what_the_next_question_repeats(asker: Asker, scripted_server: Any) -> None:
    server = scripted_server([{"city": "Oslo"}])
    messages = (
        Message(role="system", parts=("s" * 5000,)),
        Message(role="user", parts=("a", "b", "c", "d", "first")),
        Message(role="assistant", parts=("yes",)),
        Message(role="user", parts=("second",)),
        Message(role="assistant", parts=("no",)),
        Message(role="user", parts=("e", "third")),
    )
    request = Request(messages, City, Sampling(temperature=0, max_tokens=50), Purpose(agent=Agent.WRITER))
    await asker.client("anthropic", server).ask(request)
    body = server.calls[0].body
    blocks = [*body["system"], *(block for message in body["messages"] for block in message["content"])]
    marked = [block["text"][:5] for block in blocks if "cache_control" in block]
    assert marked == ["sssss", "c", "d", "no"]


async def test_openai_is_sent_sampling_as_given(asker: Asker, scripted_server: Any) -> None:
    server = scripted_server(agreeable)
    client = asker.client("openai", server)
    await client.ask(question())
    await client.ask(question(seed=7, top_p=0.9))
    first, second = (call.body for call in server.calls)
    assert (first["temperature"], first["max_tokens"]) == (0.2, 200)
    assert "seed" not in first and "top_p" not in first
    assert (second["seed"], second["top_p"]) == (7, 0.9)
    assert first["messages"][1]["content"] == f"{DOCUMENT}\n\nName the city."


@BOTH
async def test_models_that_refuse_sampling_settings_are_asked_without_them(
    provider: str, asker: Asker, scripted_server: Any
) -> None:
    def script(call: Any) -> Any:
        plain = "temperature" not in call.body
        return {"city": "Oslo"} if plain else Fail(400, "`temperature` is not supported with this model")

    server = scripted_server(script)
    client = asker.client(provider, server)
    reply = await client.ask(question())
    assert [attempt.error is None for attempt in reply.attempts] == [False, True]
    assert "temperature" in str(reply.attempts[0].error)
    assert len((await client.ask(question())).attempts) == 1  # it remembers
    assert len(server.calls) == 3


async def test_a_grammar_takes_the_place_of_the_schema(asker: Asker, scripted_server: Any) -> None:
    server = scripted_server(agreeable)
    free, held = asker.client("openai", server), asker.client("openai", server, grounded=True)
    assert (free.takes_grammar, held.takes_grammar) == (False, True)
    server.script = lambda call: {"city": "Oslo"}
    await free.ask(question(grammar="%llguidance {}"))
    await held.ask(question(grammar="%llguidance {}"))
    await held.ask(question())
    seen = [(call.body.get("grammar"), "response_format" in call.body) for call in server.calls]
    assert seen == [(None, True), ("%llguidance {}", False), (None, True)]
    assert held.identity != free.identity


async def test_a_server_that_keeps_to_half_of_the_format_is_understood(
    asker: Asker, scripted_server: Any
) -> None:
    message = {"content": json.dumps({"city": "Oslo", "size": 3}), "reasoning": "none"}
    said = {"choices": [{"message": message, "finish_reason": "done"}], "usage": {"prompt_tokens": 5}}
    reply = await asker.client("openai", scripted_server([Garble(json.dumps(said))])).ask(question())
    assert reply.answer == City(city="Oslo", size=3)
    assert reply.finish_reason == "done" and reply.usage == Usage(input_tokens=5)


@BOTH
async def test_calls_make_no_classes(provider: str, asker: Asker, scripted_server: Any) -> None:
    server = scripted_server(lambda call: {"city": "Oslo"})
    client = asker.client(provider, server)
    await client.ask(question())
    before = len(City.__subclasses__()), len(ResponseSchema.__subclasses__())
    for _ in range(3):
        await client.ask(question())
    assert (len(City.__subclasses__()), len(ResponseSchema.__subclasses__())) == before


async def test_checks_of_calls_at_the_same_time_do_not_mix(asker: Asker, scripted_server: Any) -> None:
    server = scripted_server(lambda call: {"city": "Rome" if "Rome" in call.prompt else "Oslo"})
    client = asker.client("openai", server)
    asked = [question(document=name, checks={"document": name}) for name in ("Rome", "Oslo") * 10]
    replies = await asyncio.gather(*(client.ask(request) for request in asked))
    assert [reply.answer.city for reply in replies] == ["Rome", "Oslo"] * 10
    assert answer_checks.get() is None


async def test_waiting_for_a_free_connection_is_no_latency(
    asker: Asker, scripted_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = scripted_server(lambda call: Say({"city": "Oslo"}, delay=0.2))
    client = asker.client("openai", server, RunConfig(max_connections=1))
    replies = await asyncio.gather(*(client.ask(question()) for _ in range(4)))
    starts = sorted(call.at for call in server.calls)
    assert all(later - earlier > 0.19 for earlier, later in pairwise(starts))
    assert all(0.2 <= reply.latency < 0.4 for reply in replies)


async def test_failures_write_nothing_to_the_terminal(
    asker: Asker, scripted_server: Any, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # pytest's own handlers would hide what an unconfigured program prints.
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    server = scripted_server([Fail(400), {"a": 1}, {"a": 1}, {"a": 1}])
    client = asker.client("openai", server)
    await failed(client, question())
    await failed(client, question())
    assert capfd.readouterr() == ("", "")


async def test_clients_are_shared_by_configuration(scripted_server: Any) -> None:
    server = scripted_server(agreeable)
    pool = ClientPool()
    config = ModelConfig(name="openai/scripted", base_url=server.openai_url)
    client = pool.client_for(config)
    assert pool.client_for(config.model_copy(update={"temperature": 0.9, "max_tokens": 99})) is client
    assert pool.client_for(config.model_copy(update={"grounded": True})) is not client
    await pool.close()


@BOTH
async def test_probe_makes_the_kind_of_call_a_run_makes(
    provider: str, scripted_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)
    server = scripted_server(agreeable, key=KEY)
    url = server.openai_url if provider == "openai" else server.anthropic_url
    config = ModelConfig(name=f"{provider}/scripted", base_url=url, api_key_env="TEST_KEY")
    good = await probe(config)
    assert good.ok and good.latency is not None and not good.problem
    bad = await probe(config.model_copy(update={"api_key_env": "NO_SUCH_KEY"}))
    assert not bad.ok and bad.problem and bad.remedy


async def test_probe_sees_a_server_that_ignores_grammars(scripted_server: Any) -> None:
    config = ModelConfig(name="openai/x", base_url=scripted_server(agreeable).openai_url, grounded=True)
    assert (await probe(config)).ok
    config = config.model_copy(update={"base_url": scripted_server(lambda call: "Hello!").openai_url})
    result = await probe(config)
    assert not result.ok and "grounded = false" in result.remedy
