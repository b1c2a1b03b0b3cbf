"""Calls are found by what they were for, how they went and what was said, in every order, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_samples import answered, documents, make_store, opened

from agents.llm.client import Attempt, Usage
from graph.store.anomalies import slow
from graph.store.call_search import CallFilter, CallOrder, find_calls
from graph.store.reading import RunReader
from graph.store.records import CallStatus, ClosedCall, StoredAnswer
from graph.store.store import RunStore
from schemas.judgement import Agent


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    with make_store(tmp_path) as made:
        made.add_documents(documents(4))
        yield made


def keys(reader: RunReader, wanted: CallFilter | None = None, **page: object) -> list[str]:
    return [call.key for call in find_calls(reader, wanted, **page).shown]  # type: ignore[arg-type]


def request(
    number: int, seconds: float, tokens: int = 10, error: str | None = None, raw: str = "{}"
) -> Attempt:
    usage = Usage(input_tokens=tokens, output_tokens=5)
    finish = None if error else "stop"
    return Attempt(number=number, raw=raw, finish_reason=finish, usage=usage, latency=seconds, error=error)


async def test_calls_are_filtered_and_paged_in_the_order_of_opening(store: RunStore) -> None:
    for number in range(6):
        agent = Agent.CRITIC if number % 2 else Agent.WRITER
        call = opened(f"k{number}", f"d{number % 3}", agent)
        purpose = call.purpose.model_copy(update={"round": 1 + number // 3})
        identity = call.identity.model_copy(update={"model": "large" if number == 5 else "small"})
        call_id = await store.open_call(replace(call, purpose=purpose, identity=identity))
        store.close_call(call_id, answered() if number < 4 else ClosedCall(CallStatus.TRUNCATED))
    await store.open_call(opened("corpus", None))
    await store.flush()
    reader = store.reader
    assert keys(reader) == [*(f"k{n}" for n in range(6)), "corpus"]
    assert keys(reader, limit=2, offset=1) == ["k1", "k2"]
    for wanted, found in (
        (CallFilter(document_id="d1"), ["k1", "k4"]),
        (CallFilter(agent="critic"), ["k1", "k3", "k5"]),
        (CallFilter(status=CallStatus.TRUNCATED), ["k4", "k5"]),
        (CallFilter(agent="critic", status=CallStatus.TRUNCATED), ["k5"]),
        (CallFilter(round=2), ["k3", "k4", "k5"]),
        (CallFilter(model="large"), ["k5"]),
        (CallFilter(model="openai/large", round=2), ["k5"]),
        (CallFilter(model="large' OR 1=1 --"), []),
        (CallFilter(document_id="d1' OR 1=1 --"), []),
        (CallFilter(document_id="d1", agent="critic", round=2, words="annotate"), []),
    ):
        assert keys(reader, wanted) == found, wanted
        assert find_calls(reader, wanted, limit=1).total == len(found)


async def test_the_total_is_told_beyond_the_last_page(store: RunStore) -> None:
    for number in range(3):
        await store.open_call(opened(f"k{number}"))
    await store.flush()
    beyond = find_calls(store.reader, limit=10, offset=7)
    assert (beyond.total, beyond.shown) == (3, ())
    assert find_calls(store.reader, CallFilter(agent="critic")).total == 0


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.booleans()), max_size=12),
    st.integers(1, 5),
    st.sampled_from(CallOrder),
)
async def test_pages_put_together_are_the_whole_list_in_order(
    tmp_path_factory: pytest.TempPathFactory, calls: list[tuple[int, int, bool]], size: int, order: CallOrder
) -> None:
    with make_store(tmp_path_factory.mktemp("pages")) as store:
        store.add_documents(documents(1))
        for number, (seconds, tokens, critic) in enumerate(calls):
            agent = Agent.CRITIC if critic else Agent.WRITER
            call_id = await store.open_call(opened(str(number), agent=agent))
            store.close_call(call_id, ClosedCall(CallStatus.ANSWERED, "{}", (request(1, seconds, tokens),)))
        await store.flush()
        wanted = CallFilter(agent="critic")
        pages = [keys(store.reader, wanted, order=order, limit=size, offset=at) for at in range(0, 13, size)]
    sort_keys = {
        CallOrder.OLDEST: lambda n: n,
        CallOrder.NEWEST: lambda n: -n,
        CallOrder.SLOWEST: lambda n: (-calls[n][0], n),
        CallOrder.TOKENS: lambda n: (-calls[n][1], n),
    }
    expected = sorted((n for n, call in enumerate(calls) if call[2]), key=sort_keys[order])
    assert [int(key) for page in pages for key in page] == expected


async def test_re_asked_are_those_whose_answer_did_not_fit_and_not_those_the_server_failed(
    store: RunStore,
) -> None:
    lost = Attempt(number=1, raw="", error="503")
    for key, attempts in {
        "at once": (request(1, 1),),
        "misfit": (request(1, 1, error="no JSON", raw="{"), request(2, 1)),
        "retried": (lost, request(2, 1)),
    }.items():
        store.close_call(await store.open_call(opened(key)), ClosedCall(CallStatus.ANSWERED, "{}", attempts))
    hopeless = (request(1, 1, error="no JSON", raw="{"),)
    store.close_call(
        await store.open_call(opened("given up")), ClosedCall(CallStatus.INVALID, None, hopeless)
    )
    await store.flush()
    assert keys(store.reader, CallFilter(re_asked=True)) == ["misfit"]


async def test_slow_calls_are_those_with_a_slow_request_as_the_anomalies_have_it(store: RunStore) -> None:
    times = [1.0, 1.1, 0.9, 1.0, 1.2, 1.0, 0.8, 1.0, 9.0, 1.1]
    for number, seconds in enumerate(times):
        call_id = await store.open_call(opened(f"k{number}"))
        store.close_call(call_id, ClosedCall(CallStatus.ANSWERED, "{}", (request(1, seconds),)))
    # Long in all, but each of its requests is as usual.
    tries = tuple(request(n, 1.0, error=None if n == 4 else "no JSON", raw=f"{n}") for n in range(1, 5))
    store.close_call(await store.open_call(opened("many")), ClosedCall(CallStatus.ANSWERED, "{}", tries))
    await store.flush()
    found = find_calls(store.reader, CallFilter(slow="auto"))
    assert [call.key for call in found.shown] == ["k8"]
    assert [call.id for call in found.shown] == [odd.call_id for odd in slow(store.reader, 10).shown]
    assert keys(store.reader, CallFilter(slow=1.05)) == ["k1", "k4", "k8", "k9"]
    assert keys(store.reader, CallFilter(slow=9.0)) == []
    assert keys(store.reader, order=CallOrder.SLOWEST, limit=2) == ["k8", "many"]


async def test_words_are_found_in_messages_and_answers(store: RunStore, tmp_path: Path) -> None:
    first = await store.open_call(opened("k1", "d0", prompt="Look for rivers in Zürich."))
    store.close_call(first, answered("Limmat", reasks=1))
    second = await store.open_call(opened("k2", "d1", prompt="Look for hills."))
    store.close_call(second, answered("none"))
    store.add_replay(opened("k1", "d2"), StoredAnswer(first, '{"value": "Limmat"}'))
    store.add_replay(opened("k9", "d3"), StoredAnswer("gone", '{"value": "Aare"}', run="another"))
    store.close()  # the index is complete once the store is closed
    with RunReader(tmp_path / "trial") as reader:
        for words, found in (
            ("hills", ["k2"]),
            ("HILLS look", ["k2"]),
            ("zurich", ["k1", "k1"]),  # the call, and the one that repeats it
            ("limmat", ["k1", "k1"]),
            ("aare", ["k9"]),  # an answer of another run
            ("look", ["k1", "k2", "k1"]),
            ("hills rivers", []),  # of two calls
            ("rivers limmat", []),  # of two texts of one call
            ("hil", []),
            ("annotate", ["k1", "k2", "k1", "k9"]),  # of the system's message, which all share
            ("", ["k1", "k2", "k1", "k9"]),
            ("  ", ["k1", "k2", "k1", "k9"]),
            ('"', []),
            ("look OR hills", []),  # 'or' is a word like any other
        ):
            assert keys(reader, CallFilter(words=words)) == found, words
        assert keys(reader, CallFilter(words="look", document_id="d2")) == ["k1"]
        assert keys(reader, CallFilter(words="look"), order=CallOrder.NEWEST, limit=1) == ["k1"]
