from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field, ValidationInfo, field_validator
from servers.scripted import Fail, Say, ScriptedServer
from store_samples import make_store, query

from agents.llm.client import (
    Answer,
    AnswerT,
    Attempt,
    CallFailedError,
    CallFault,
    CallStoppedError,
    Message,
    ModelIdentity,
    Purpose,
    Reply,
    Request,
    Sampling,
    Usage,
    answer_checks,
)
from agents.llm.factory import ClientPool
from graph.ledger import Ledger, call_key, schema_hash
from graph.store.call_search import find_calls
from graph.store.reading import RunReader
from graph.store.records import CallStatus
from graph.store.store import RunStore
from schemas.documents import Document
from schemas.errors import StoreError
from schemas.job import ModelConfig
from schemas.judgement import Agent

IDENTITY = ModelIdentity(provider="local", model="counting.gguf")


class City(Answer):
    city: str = Field(description="Its name.")

    @field_validator("city")
    @classmethod
    def _permitted(cls, value: str, info: ValidationInfo) -> str:
        if value in (info.context or {}).get("forbidden", ()):
            raise ValueError("forbidden")
        # A validator that is not content with its own output, as a coercion may be.
        if value.endswith("!"):
            raise ValueError("already loud")
        return f"{value}!"


class CountingClient:
    """Answers at once, or when told to, and counts; it is given what to do for each call."""

    def __init__(self, *turns: Any) -> None:
        self.turns = list(turns)
        self.asked = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.closed = False
        self.takes_grammar = True
        self.gives_probabilities = True
        self.identity = IDENTITY
        self.before_answer: Callable[[], None] = lambda: None

    async def ask(self, request: Request[AnswerT]) -> Reply[AnswerT]:
        self.asked += 1
        turn = self.turns.pop(0) if self.turns else {"city": "Oslo"}
        await self.gate.wait()
        self.before_answer()
        if isinstance(turn, BaseException):
            raise turn
        raw = json.dumps(turn)
        token = answer_checks.set(request.checks)
        try:
            answer = request.answer.model_validate_json(raw)
        finally:
            answer_checks.reset(token)
        usage = Usage(input_tokens=100, output_tokens=10)
        return Reply(answer, (Attempt(number=1, raw=raw, usage=usage, latency=0.5),))

    async def close(self) -> None:
        self.closed = True


def question(
    text: str = "Which city?",
    *,
    document_id: str | None = "d0",
    sample: int = 0,
    round: int = 1,
    temperature: float = 0.0,
    answer: type[Answer] = City,
    checks: dict[str, Any] | None = None,
    grammar: str | None = None,
) -> Request[Any]:
    return Request(
        (Message(role="system", parts=("System.",)), Message(role="user", parts=("Document.", text))),
        answer,
        Sampling(temperature=temperature, max_tokens=50),
        Purpose(agent=Agent.ANNOTATOR, document_id=document_id, sample=sample, round=round),
        checks,
        grammar,
    )


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[RunStore]:
    with make_store(tmp_path) as made:
        made.add_documents([Document(id=f"d{n}", text=f"text {n}") for n in range(3)])
        yield made


async def test_an_answer_is_paid_once(store: RunStore) -> None:
    client = CountingClient({"city": "Rome"})
    ledger = Ledger(client, store)
    first = await ledger.ask(question())
    second = await ledger.ask(question(document_id="d1", round=2))
    assert client.asked == 1
    assert (first.answer, first.replayed, first.usage.input_tokens) == (second.answer, False, 100)
    assert (second.replayed, second.attempts, second.usage, second.latency) == (True, (), Usage(), 0)
    assert second.finish_reason is None
    await store.flush()
    totals = store.reader.totals()
    assert (totals.calls, totals.replays, totals.attempts, totals.input_tokens) == (1, 1, 1, 100)
    original, replay = find_calls(store.reader).shown
    assert (replay.status, replay.replay_of, replay.document_id) == (CallStatus.REPLAYED, original.id, "d1")


async def test_an_answer_outlives_the_process(tmp_path: Path, store: RunStore) -> None:
    first = await Ledger(CountingClient({"city": "Rome"}), store).ask(question())
    store.close()
    client = CountingClient()
    with RunStore.open(tmp_path / "trial") as again:
        reply = await Ledger(client, again).ask(question())
    assert client.asked == 0
    assert reply.replayed and reply.answer == first.answer == City(city="Rome")


async def test_the_call_is_on_disk_before_it_is_sent_and_its_answer_before_it_is_returned(
    tmp_path: Path, store: RunStore
) -> None:
    client = CountingClient()
    seen: list[Any] = []
    client.before_answer = lambda: seen.extend(query(tmp_path / "trial", "SELECT status FROM calls"))
    await Ledger(client, store).ask(question())
    assert seen == [("open",)]
    assert query(tmp_path / "trial", "SELECT status FROM calls") == [("answered",)]


@pytest.mark.parametrize("fault", list(CallFault))
async def test_a_failed_call_is_kept_raised_and_asked_again(store: RunStore, fault: CallFault) -> None:
    attempts = tuple(
        Attempt(number=n, raw="half", usage=Usage(input_tokens=5), latency=1.0, error="cut") for n in (1, 2)
    )
    client = CountingClient(CallFailedError(fault, "It failed.", attempts, "Do better."), {"city": "Rome"})
    ledger = Ledger(client, store)
    with pytest.raises(CallFailedError) as caught:
        await ledger.ask(question())
    assert (caught.value.fault, caught.value.remedy) == (fault, "Do better.")
    reply = await ledger.ask(question())
    assert (client.asked, reply.replayed) == (2, False)
    failed, good = find_calls(store.reader).shown
    assert (failed.status, failed.error, failed.attempts, failed.input_tokens, failed.seconds) == (
        fault.value,
        "It failed.",
        2,
        10,
        2.0,
    )
    assert (good.status, good.retry) == (CallStatus.ANSWERED, 1)
    detail = store.reader.call(failed.id)
    assert detail is not None and detail.attempts == attempts


async def test_a_fault_of_the_program_is_recorded_too(store: RunStore) -> None:
    with pytest.raises(ZeroDivisionError):
        await Ledger(CountingClient(ZeroDivisionError("oops")), store).ask(question())
    await store.flush()
    (call,) = find_calls(store.reader).shown
    assert (call.status, call.error) == (CallStatus.ERROR, "ZeroDivisionError('oops')")


async def test_a_cancelled_call_is_closed_as_cancelled_and_is_no_answer(store: RunStore) -> None:
    client = CountingClient()
    client.gate.clear()
    ledger = Ledger(client, store)
    task = asyncio.create_task(ledger.ask(question()))
    while not client.asked:
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await store.flush()
    assert [call.status for call in find_calls(store.reader).shown] == [CallStatus.CANCELLED]
    client.gate.set()
    assert not (await ledger.ask(question())).replayed


async def test_of_equal_requests_at_the_same_time_one_is_sent(store: RunStore) -> None:
    client = CountingClient({"city": "Rome"})
    client.gate.clear()
    ledger = Ledger(client, store)
    tasks = [asyncio.create_task(ledger.ask(question(document_id=f"d{n % 3}"))) for n in range(6)]
    other = asyncio.create_task(ledger.ask(question("Something else?")))
    while client.asked < 2:
        await asyncio.sleep(0.001)
    client.gate.set()
    replies = await asyncio.gather(*tasks)
    await other
    assert client.asked == 2
    assert sorted(reply.replayed for reply in replies) == [False] + [True] * 5
    assert {reply.answer.city for reply in replies} == {"Rome!"}


async def test_when_the_first_of_equal_requests_fails_the_next_one_is_sent(store: RunStore) -> None:
    client = CountingClient(CallFailedError(CallFault.SERVER, "down"), {"city": "Rome"})
    client.gate.clear()
    ledger = Ledger(client, store)
    tasks = [asyncio.create_task(ledger.ask(question())) for _ in range(3)]
    while not client.asked:
        await asyncio.sleep(0.001)
    client.gate.set()
    replies = await asyncio.gather(*tasks, return_exceptions=True)
    assert client.asked == 2
    assert sum(isinstance(reply, CallFailedError) for reply in replies) == 1
    assert sorted(reply.replayed for reply in replies if isinstance(reply, Reply)) == [False, True]


async def test_what_a_call_cost_before_it_was_cancelled_is_kept(store: RunStore) -> None:
    paid = Attempt(number=1, raw="no JSON", usage=Usage(input_tokens=70, output_tokens=9), error="no JSON")

    class Slow(CountingClient):
        async def ask(self, request: Request[AnswerT]) -> Reply[AnswerT]:
            request.attempts.append(paid)
            return await super().ask(request)

    client = Slow()
    client.gate.clear()
    task = asyncio.create_task(Ledger(client, store).ask(question()))
    while not client.asked:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await store.flush()
    (call,) = find_calls(store.reader).shown
    assert (call.status, call.attempts, call.input_tokens) == (CallStatus.CANCELLED, 1, 70)


async def test_a_call_that_ends_with_the_run_is_no_failure_and_its_attempts_are_kept(store: RunStore) -> None:
    tried = Attempt(number=1, raw="", error="no answer")
    client = CountingClient(CallStoppedError("The server is down.", "Start it.", (tried,)))
    with pytest.raises(CallStoppedError):
        await Ledger(client, store).ask(question())
    await store.flush()
    (call,) = find_calls(store.reader).shown
    assert (call.status, call.attempts) == (CallStatus.CANCELLED, 1)
    assert call.error == "The server is down."


async def test_a_waiting_request_that_is_cancelled_disturbs_no_other(store: RunStore) -> None:
    client = CountingClient()
    client.gate.clear()
    ledger = Ledger(client, store)
    first, second, third = (asyncio.create_task(ledger.ask(question())) for _ in range(3))
    while not client.asked:
        await asyncio.sleep(0.001)
    second.cancel()
    first.cancel()
    client.gate.set()
    done = await asyncio.gather(first, second, third, return_exceptions=True)
    assert isinstance(done[2], Reply)
    assert client.asked == 2


async def test_a_stored_answer_must_pass_the_checks_of_today(store: RunStore) -> None:
    client = CountingClient({"city": "Rome"}, {"city": "Bern"})
    ledger = Ledger(client, store)
    await ledger.ask(question())
    reply = await ledger.ask(question(checks={"forbidden": ["Rome"]}))
    assert (reply.answer.city, reply.replayed, client.asked) == ("Bern!", False, 2)
    # The newer answer passes both.
    assert (await ledger.ask(question())).answer.city == "Bern!"
    assert client.asked == 2


async def test_an_answer_that_only_the_client_could_read_is_replayed_from_its_values(store: RunStore) -> None:
    class Plain(Answer):
        city: str

    class Fenced(CountingClient):
        async def ask(self, request: Request[AnswerT]) -> Reply[AnswerT]:
            self.asked += 1
            answer = request.answer.model_validate({"city": "Rome"})
            return Reply(answer, (Attempt(number=1, raw='Here:\n```json\n{"city": "Rome"}\n```'),))

    client = Fenced()
    ledger = Ledger(client, store)
    for replayed in (False, True):
        reply = await ledger.ask(question(answer=Plain))
        assert (reply.answer, reply.replayed) == (Plain(city="Rome"), replayed)
    assert client.asked == 1


async def test_what_changes_the_answer_changes_the_key_and_nothing_else_does() -> None:
    class Town(Answer):
        town: str

    def key(request: Request[Any], identity: ModelIdentity = IDENTITY, with_grammar: bool = True) -> str:
        return call_key(request, identity, schema_hash(request.answer), with_grammar=with_grammar)

    base = key(question())
    assert base == key(question(document_id="d2", round=3, checks={"document": "x"}))
    changed = [
        key(question("Which town?")),
        key(question(sample=1)),
        key(question(temperature=0.5)),
        key(question(answer=Town)),
        key(question(grammar="root ::= x")),
        key(question(), IDENTITY.model_copy(update={"model": "other"})),
        key(question(), IDENTITY.model_copy(update={"base_url": "http://elsewhere"})),
        key(question(), IDENTITY.model_copy(update={"structured": "tools"})),
    ]
    assert len({base, *changed}) == 1 + len(changed)
    assert base == key(question(grammar="root ::= x"), with_grammar=False)


async def test_messages_do_not_run_together_in_the_key() -> None:
    def key(*messages: Message) -> str:
        request = Request(messages, City, Sampling(temperature=0, max_tokens=1), Purpose(agent=Agent.CRITIC))
        return call_key(request, IDENTITY, "schema")

    assert key(Message(role="user", parts=("a", "b"))) == key(Message(role="user", parts=("a\n\nb",)))
    assert key(Message(role="user", parts=("ab",))) != key(
        Message(role="user", parts=("a",)), Message(role="user", parts=("b",))
    )
    assert key(Message(role="user", parts=("a",))) != key(Message(role="system", parts=("a",)))


async def test_a_call_that_cannot_be_recorded_is_not_sent(store: RunStore) -> None:
    client = CountingClient()
    with pytest.raises(StoreError):
        await Ledger(client, store).ask(question(document_id="not of this run"))
    assert client.asked == 0


async def test_the_ledger_is_the_client_it_wraps_but_leaves_the_log_open(store: RunStore) -> None:
    client = CountingClient()
    ledger = Ledger(client, store)
    assert (ledger.identity, ledger.takes_grammar) == (IDENTITY, True)
    await ledger.close()
    assert client.closed
    store.add_event("still", "open")


async def test_through_a_real_client_and_server(
    tmp_path: Path,
    store: RunStore,
    scripted_server: Callable[..., ScriptedServer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key = "sk-canary-9f8e7d6c5b4a"
    monkeypatch.setenv("TEST_API_KEY", key)
    wrong = Say({"city": "Paris!"}, input_tokens=100, output_tokens=20)
    server = scripted_server([wrong, {"city": "Rome"}, Fail(400, f"wrong key {key}")], key)
    config = ModelConfig(name="openai/scripted", base_url=server.openai_url, api_key_env="TEST_API_KEY")
    pool = ClientPool()
    try:
        ledger = Ledger(pool.client_for(config), store)
        first = await ledger.ask(question())
        again = await ledger.ask(question())
        with pytest.raises(CallFailedError):
            await ledger.ask(question("Another?"))
    finally:
        await pool.close()
    assert (first.answer.city, again.answer.city, again.replayed) == ("Rome!", "Rome!", True)
    await store.flush()
    with RunReader(tmp_path / "trial") as reader:
        totals = reader.totals()
        assert (totals.calls, totals.replays) == (2, 1)
        call = reader.call(find_calls(reader).shown[0].id)
        assert call is not None and len(call.attempts) == 2 and call.attempts[0].error
        assert call.call.input_tokens == sum(attempt.usage.input_tokens for attempt in first.attempts) > 100
    assert all(key.encode() not in path.read_bytes() for path in (tmp_path / "trial").iterdir())
