"""A run is followed without missing a thing and without telling one twice, however it is looked at."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_samples import answered, decision, documents, make_round, make_store, opened

from graph.store.following import Follower, Happening, Kind
from graph.store.records import CallStatus
from graph.store.store import RunStore

_STEPS = st.lists(
    st.sampled_from(["open", "close first", "close last", "round", "decide", "fail", "event", "look"]),
    max_size=30,
)


def name(happening: Happening) -> tuple[str, object]:
    """What tells a happening from all others of the test."""
    data = happening.data
    key = {Kind.CALL: "id", Kind.ROUND: "round", Kind.DECISION: "reason"}.get(happening.kind, "message")
    return happening.kind.value, data[key]


async def carry_out(
    store: RunStore, steps: list[str], follower: Follower | None, first: int = 1
) -> tuple[list[object], ...]:
    """What was done, and what the follower told of it, look by look."""
    done: list[object] = []
    told: list[object] = []
    still_open: list[str] = []
    for number, step in enumerate(steps, first):
        if step == "open":
            still_open.append(await store.open_call(opened(f"k{number}")))
        elif step.startswith("close") and still_open:
            call_id = still_open.pop(0 if step == "close first" else -1)
            store.close_call(call_id, answered(number))
            done.append(("call", call_id))
        elif step == "round":
            store.add_round("d0", make_round("d0", number))
            done.append(("round", number))
        elif step == "decide":
            store.decide("d0", decision(round=None).model_copy(update={"reason": f"r{number}"}))
            done.append(("decision", f"r{number}"))
        elif step == "fail":
            store.add_failure("d0", "critic", "invalid", f"f{number}")
            done.append(("failure", f"f{number}"))
        elif step == "event":
            store.add_event("note", f"e{number}", {"nested": {"number": number}})
            done.append(("event", f"e{number}"))
        await store.flush()
        if step == "look" and follower is not None:
            told += map(name, follower.news())
    if follower is not None:
        told += map(name, follower.news())
    return done, told


@settings(deadline=None, max_examples=25)
@given(_STEPS, _STEPS)
async def test_everything_is_told_once(
    tmp_path_factory: pytest.TempPathFactory, before: list[str], after: list[str]
) -> None:
    with make_store(tmp_path_factory.mktemp("run")) as store:
        store.add_documents(documents(1))
        early, _ = await carry_out(store, before, None)
        follower = Follower(store.reader)
        history = list(map(name, follower.before(100)))
        late, told = await carry_out(store, after, follower, 100)
        assert sorted(history, key=repr) == sorted(early, key=repr)
        assert sorted(told, key=repr) == sorted(late, key=repr)
        assert follower.news() == ()


async def test_history_is_the_last_of_all_kinds_in_the_order_of_time(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with make_store(tmp_path_factory.mktemp("run")) as store:
        store.add_documents(documents(1))
        first = await store.open_call(opened("first"))
        second = await store.open_call(opened("second"))
        store.close_call(second, answered())
        await store.flush()
        store.add_round("d0", make_round("d0"))
        store.decide("d0", decision())
        await store.flush()
        follower = Follower(store.reader)
        assert [told.kind for told in follower.before(9)] == [Kind.CALL, Kind.ROUND, Kind.DECISION]
        assert [told.kind for told in follower.before(1)] == [Kind.DECISION]
        assert follower.before(0) == ()
        store.close_call(first, answered())
        await store.flush()
        (news,) = follower.news()
        assert (news.document_id, news.data["id"], news.data["status"]) == ("d0", first, CallStatus.ANSWERED)
        assert news.data["output_tokens"] == 5 and news.data["agent"] == "annotator"
